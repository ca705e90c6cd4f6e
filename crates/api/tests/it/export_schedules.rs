//! Exports on a schedule: what each file holds, who may read and change what, and what becomes of files.

use crate::faulty::{Fate, Faulty};
use chrono::{DateTime, Duration, Utc};
use msp_domain::{
    BatchId, Clock, ExecutionId, ExecutionStatus, OrgId, Permission, Permissions, Scope, Trigger, UserId,
};
use msp_storage::{
    Query, Table,
    repositories::{
        Actor,
        audit::AuditDraft,
        batches::{BatchRow, NewBatch},
        executions::{Ending, Entry, Execution, NewExecution},
        organizations::{Organization, OrganizationChange},
    },
};
use msp_test_support::{PastExecution, TestApp, TestCaller};
use serde_json::{Map, Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use uuid::Uuid;

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

pub fn daily(subject: &str, format: &str) -> Value {
    json!({ "subject": subject, "format": format, "every": "day", "at": "06:00" })
}

/// Creates a schedule and answers its address.
pub async fn scheduled(app: &TestApp, org: impl Into<Option<OrgId>>, body: Value) -> String {
    let made = app.admin().post(org, "/api/export-schedules", body).await.expect(201);
    made.header("location").to_owned()
}

pub async fn write(app: &TestApp) {
    app.api.write_due_exports().await.expect("written");
}

/// The files of a schedule, oldest first.
pub async fn files(caller: &TestCaller, org: Option<OrgId>, schedule: &str) -> Vec<Value> {
    let (mut files, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = caller.get(org, &format!("{schedule}/files?limit=2{cursor}")).await.expect(200).json();
        files.extend(page["items"].as_array().expect("items").clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    files.reverse();
    files
}

pub async fn download(caller: &TestCaller, org: Option<OrgId>, schedule: &str, file: &Value) -> String {
    let path = format!("{schedule}/files/{}", file["id"].as_str().expect("an id"));
    let answer = caller.get(org, &path).await.expect(200);
    let text = answer.text();
    assert_eq!(answer.header("content-length"), text.len().to_string());
    assert_eq!(file["size_bytes"], text.len());
    text
}

/// The ids in each file, oldest file first.
pub async fn exported(app: &TestApp, org: Option<OrgId>, schedule: &str) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for file in files(&app.admin(), org, schedule).await {
        assert_eq!(file["state"], "whole", "{file}");
        let text = download(&app.admin(), org, schedule, &file).await;
        let ids: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["id"].as_str().expect("an id").to_owned())
            .collect();
        assert_eq!(file["rows"], ids.len(), "{file}");
        all.push(ids);
    }
    all
}

pub fn past(scope: impl Into<Scope>, user: &TestCaller) -> PastExecution {
    PastExecution {
        scope: scope.into(),
        workflow: "demo".into(),
        user: user.user(),
        result: json!(1),
        log: "line".into(),
    }
}

async fn end(app: &TestApp, running: &Execution) -> Execution {
    end_at(app, running, app.clock.now()).await
}

pub async fn end_at(app: &TestApp, running: &Execution, completed_at: DateTime<Utc>) -> Execution {
    let ending = Ending {
        status: ExecutionStatus::Success,
        result_json: None,
        error_type: None,
        error_message: None,
        completed_at,
        logs_through: 1,
    };
    app.repositories.executions.finish(running, &ending).await.expect("ended")
}

/// An execution as it is put on record with these times.
pub async fn recorded(app: &TestApp, scope: Scope, id: ExecutionId, trigger: Trigger, action: &str) -> Execution {
    let user = UserId::random();
    let started_at = DateTime::from_timestamp_millis(i64::try_from(id.millis().expect("v7")).expect("small"));
    let new = NewExecution {
        id,
        scope,
        workflow_name: "demo".into(),
        form_id: None,
        form_name: None,
        executed_by: user,
        executed_by_name: "somebody".into(),
        trigger,
        input_json: "{}".into(),
        bundle_hash: String::new(),
        started_at: started_at.expect("an instant"),
        scheduled_for: None,
        timeout_seconds: 60,
        minutes_saved: None,
        retry_of: None,
        batch: None,
        mark: None,
        files: Vec::new(),
    };
    let audit = AuditDraft::new(scope, &Actor::PLATFORM, action, id.key(), json!({}));
    let entry = Entry::Claimed { owner: "engine".into(), deadline_at: new.started_at };
    app.repositories.executions.insert(&new, &entry, Vec::new(), audit).await.expect("recorded")
}

#[tokio::test]
async fn each_file_holds_what_ended_since_the_one_before_however_long_ago_it_started() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await.id;
    let scope = Scope::Org(org);
    app.past_execution(&past(scope, &app.admin())).await;
    let before = app.running_execution(&past(scope, &app.admin())).await;
    app.past_execution(&past(Scope::Org(app.org("Fabrikam").await.id), &app.admin())).await;
    let schedule = scheduled(&app, org, daily("executions", "jsonl")).await;
    write(&app).await;
    assert!(files(&app.admin(), Some(org), &schedule).await.is_empty(), "nothing is due yet");

    let first = app.past_execution(&past(scope, &app.admin())).await;
    let long = app.running_execution(&past(scope, &app.admin())).await;
    app.clock.advance(Duration::days(1));
    write(&app).await;
    end(&app, &before).await;
    let second = app.past_execution(&past(scope, &app.admin())).await;
    app.clock.advance(Duration::days(1));
    write(&app).await;
    end(&app, &long).await;
    // Down for days: what was missed becomes one file, and a day on which nothing happened one without rows.
    app.clock.advance(Duration::days(3));
    write(&app).await;
    app.clock.advance(Duration::days(1));
    write(&app).await;
    write(&app).await;

    let mut all = exported(&app, Some(org), &schedule).await;
    all.iter_mut().for_each(|ids| ids.sort());
    let mut of_second = vec![before.id.key(), second.id.key()];
    of_second.sort();
    assert_eq!(all, [vec![first.id.key()], of_second, vec![long.id.key()], vec![]]);
    let files = files(&app.admin(), Some(org), &schedule).await;
    for pair in files.windows(2) {
        assert_eq!(pair[0]["to"], pair[1]["from"], "half-open periods, one after the other");
    }
    assert_eq!(files.last().expect("files")["to"], "2026-09-27T06:00:00Z");
}

/// Random numbers that a seed brings back (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}

/// A batch of which rows become executions one by one.
async fn batch(app: &TestApp, scope: Scope, rows: u32) -> Vec<ExecutionId> {
    // As the engine does.
    let at = app.repositories.order.place(app.clock.now());
    let id = BatchId::at(at);
    let rows: Vec<BatchRow> = (1..=rows)
        .map(|row| BatchRow { row, execution_id: ExecutionId::at(at), input: Map::new(), retry_of: None })
        .collect();
    let new = NewBatch {
        id,
        scope,
        form_id: Uuid::new_v4(),
        form_name: "Form".into(),
        workflow_name: "demo".into(),
        submitted_by: UserId::random(),
        submitted_by_name: "somebody".into(),
        created_at: app.clock.now(),
        bundle_hash: String::new(),
        timeout_seconds: 60,
        minutes_saved: None,
        has_passwords: false,
        retry_of: None,
        mark: None,
    };
    let audit = AuditDraft::new(scope, &Actor::PLATFORM, "Batch.Submit", id.to_string(), json!({}));
    app.repositories.batches.insert(&new, &rows, Vec::new(), audit).await.expect("submitted");
    rows.into_iter().map(|row| row.execution_id).collect()
}

/// What every schedule carries is gone, or cannot be read.
async fn lose_carries(app: &TestApp, whole: bool) {
    let blobs = &app.repositories.stores.blobs;
    for path in blobs.list("exports/").await.expect("listed") {
        if whole {
            blobs.delete(&path).await.expect("lost");
        } else {
            blobs.put(&path, b"{\"open\": [".to_vec().into()).await.expect("damaged");
        }
    }
}

#[tokio::test]
async fn what_a_schedule_carries_is_found_anew_on_record_and_the_next_file_needs_no_help() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await.id;
    let scope = Scope::Org(org);
    let runs = scheduled(&app, org, daily("executions", "csv")).await;
    let trail = scheduled(&app, org, daily("audit_logs", "jsonl")).await;
    let long = app.running_execution(&past(scope, &app.admin())).await;
    app.past_execution(&past(scope, &app.admin())).await;
    app.clock.advance(Duration::days(1));
    write(&app).await;
    lose_carries(&app, true).await;
    let mut found = Vec::new();
    let looked = app.repositories.repair(true, &Actor::PLATFORM, &mut |finding| found.push(finding.to_string())).await;
    assert_eq!(looked.expect("looked").beyond_repair, 0, "the next turn mends it: {found:?}");
    end(&app, &long).await;
    app.clock.advance(Duration::days(1));
    write(&app).await;
    write(&app).await;

    let recovered: Vec<Value> = app
        .audit(scope)
        .await
        .into_iter()
        .filter(|row| row.draft.action == "ExportSchedule.Recover")
        .map(|row| row.draft.details)
        .collect();
    assert_eq!(recovered.len(), 2, "once each: {recovered:?}");
    assert!(recovered.iter().all(|details| details["exact"] == true), "{recovered:?}");
    assert!(recovered.iter().any(|details| details["not_ended"] == 0 && details["subject"] == "audit_logs"));
    for schedule in [&runs, &trail] {
        let seen = app.admin().get(org, schedule).await.expect(200).json();
        assert_eq!(seen["last_error"], Value::Null, "{seen}");
    }
    let last = files(&app.admin(), Some(org), &runs).await.pop().expect("a file");
    assert!(download(&app.admin(), Some(org), &runs, &last).await.contains(&long.id.key()));
    let all = exported(&app, Some(org), &trail).await.concat();
    let unique: std::collections::BTreeSet<&String> = all.iter().collect();
    assert_eq!(unique.len(), all.len(), "no row of the trail is in two files");
}

#[tokio::test]
async fn whatever_starts_ends_and_is_recorded_late_is_in_exactly_one_file() {
    // Also while the clock goes back, by hours and at any moment, and where what files leave for the next ones is lost.
    for seed in 0..9 {
        let (mut chance, goes_back, loses) = (Chance(seed), seed % 3 == 1, seed % 3 == 2);
        let app = TestApp::new().await;
        let org = app.org("Contoso").await.id;
        let scope = Scope::Org(org);
        let mut running = vec![app.running_execution(&past(scope, &app.admin())).await];
        let mut coming = batch(&app, scope, 5).await;
        let of_org = scheduled(&app, org, daily("executions", "jsonl")).await;
        let of_all = scheduled(&app, None, daily("executions", "jsonl")).await;
        let mut ended = Vec::new();
        for _ in 0..150 {
            match chance.below(10) {
                0 | 1 => running.push(app.running_execution(&past(scope, &app.admin())).await),
                2..=4 if !running.is_empty() => {
                    let index = usize::try_from(chance.below(running.len() as u64)).expect("few");
                    ended.push(end(&app, &running.swap_remove(index)).await.id);
                }
                5 if !coming.is_empty() => {
                    let id = coming.remove(0);
                    running.push(recorded(&app, scope, id, Trigger::Form, "Workflow.Execute").await);
                }
                5 => coming = batch(&app, scope, 3).await,
                6 => {
                    // It ran elsewhere, days ago.
                    let id =
                        ExecutionId::at(app.clock.now() - Duration::days(i64::try_from(chance.below(4)).expect("few")));
                    let run = recorded(&app, scope, id, Trigger::External, "Execution.Record").await;
                    ended.push(end_at(&app, &run, run.started_at).await.id);
                }
                7 => {
                    // Written with a time that has passed.
                    let (now, order) = (app.clock.now(), &app.repositories.order);
                    let is_behind = order.place(now) > now;
                    let id = ExecutionId::at(if is_behind { order.place(now) } else { now - Duration::seconds(2) });
                    running.push(recorded(&app, scope, id, Trigger::Api, "Workflow.Execute").await);
                }
                8 if goes_back && chance.below(3) == 0 => {
                    app.clock.advance(-Duration::minutes(i64::try_from(chance.below(60 * 30)).expect("few")));
                }
                8 => app.clock.advance(Duration::seconds(i64::try_from(chance.below(900)).expect("few"))),
                _ => {
                    if loses && chance.below(2) == 0 {
                        lose_carries(&app, chance.below(2) == 0).await;
                    }
                    if chance.below(2) == 0 {
                        app.clock.advance(Duration::hours(i64::try_from(chance.below(30)).expect("few")));
                    } else {
                        let _ = app.admin().request("POST", &format!("{of_org}/run")).org(org).send().await.expect(202);
                    }
                    write(&app).await;
                }
            }
        }
        // The clock may be days behind.
        app.clock.advance(Duration::days(60));
        write(&app).await;
        let mut wanted: Vec<String> = ended.iter().map(ExecutionId::key).collect();
        wanted.sort();
        for (org, schedule) in [(Some(org), &of_org), (None, &of_all)] {
            let mut all = exported(&app, org, schedule).await.concat();
            all.sort();
            assert_eq!(all, wanted, "seed {seed}, {schedule}");
        }
    }
}

#[tokio::test]
async fn the_audit_trail_is_exported_row_by_row_and_in_the_format_of_the_streamed_export() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await.id;
    let lines = scheduled(&app, org, daily("audit_logs", "jsonl")).await;
    let table = scheduled(&app, org, daily("audit_logs", "csv")).await;
    let begins_at =
        app.admin().get(org, &lines).await.expect(200).json()["created_at"].as_str().expect("text").to_owned();
    for day in 0..3 {
        let config = json!({ "type": "string", "value": format!("=day {day}") });
        let _ = app.admin().put(None, &format!("/api/organizations/{org}/config/key"), config).await.expect(200);
        app.clock.advance(Duration::days(1));
        write(&app).await;
    }
    let all = files(&app.admin(), Some(org), &lines).await;
    let ids = exported(&app, Some(org), &lines).await;
    assert!(ids.iter().all(|ids| !ids.is_empty()));
    let until = all.last().expect("files")["to"].as_str().expect("text").to_owned();
    let query = format!("/api/audit-logs?from={begins_at}&to={until}&format=jsonl");
    let streamed = app.admin().get(org, &query).await.expect(200).text();
    let mut streamed: Vec<String> = streamed.lines().map(str::to_owned).collect();
    let mut written = Vec::new();
    for file in &all {
        written.extend(
            download(&app.admin(), Some(org), &lines, file).await.lines().map(str::to_owned).collect::<Vec<_>>(),
        );
    }
    streamed.sort();
    written.sort();
    assert_eq!(written, streamed);
    let text = download(&app.admin(), Some(org), &table, &files(&app.admin(), Some(org), &table).await[0]).await;
    assert!(text.starts_with("\u{feff}occurred_at,org_id,"), "{text}");
    assert!(text.contains("Config.Set"), "{text}");
}

#[tokio::test]
async fn files_follow_the_clocks_of_the_organization_and_no_cell_is_a_formula() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let zone = OrganizationChange { time_zone: Some(Some(chrono_tz::Europe::Berlin)), ..OrganizationChange::default() };
    app.repositories.organizations.update(org.id, &zone, None, &Actor::PLATFORM).await.expect("moved");
    // The last Sunday of October has 25 hours there.
    app.clock.advance("2026-10-24T12:00:00Z".parse::<DateTime<Utc>>().expect("an instant") - app.clock.now());
    let schedule = scheduled(
        &app,
        org.id,
        json!({
        "subject": "executions", "format": "csv", "every": "day", "at": "02:30" }),
    )
    .await;
    let view = app.admin().get(org.id, &schedule).await.expect(200).json();
    assert_eq!((&view["time_zone"], &view["next_at"]), (&json!("Europe/Berlin"), &json!("2026-10-25T00:30:00Z")));
    for hour in 0..60 {
        if hour % 12 == 0 {
            let formula = PastExecution { workflow: "=1+1".into(), ..past(Scope::Org(org.id), &app.admin()) };
            app.past_execution(&formula).await;
        }
        app.clock.advance(Duration::hours(1));
        write(&app).await;
    }
    let files = files(&app.admin(), Some(org.id), &schedule).await;
    let ends: Vec<&str> = files.iter().map(|file| file["to"].as_str().expect("text")).collect();
    assert_eq!(ends, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    assert_eq!(files[0]["name"], "executions-2026-10-25T0030Z.csv");
    assert!(download(&app.admin(), Some(org.id), &schedule, &files[0]).await.contains(",'=1+1,"));
}

#[tokio::test]
async fn the_first_file_holds_what_was_put_on_record_late_and_nothing_that_had_ended_before_the_schedule() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let before = app.past_execution(&past(Scope::Org(org.id), &app.admin())).await;
    app.clock.advance(Duration::minutes(2));
    let schedule = scheduled(&app, org.id, daily("executions", "jsonl")).await;
    // Its id was made before the schedule, and its record behind it.
    let id = ExecutionId::at(app.clock.now() - Duration::minutes(1));
    let late = recorded(&app, Scope::Org(org.id), id, Trigger::Api, "Workflow.Execute").await;
    app.clock.advance(Duration::minutes(1));
    end(&app, &late).await;
    app.clock.advance(Duration::days(1));
    write(&app).await;
    let held = exported(&app, Some(org.id), &schedule).await;
    assert_eq!(held, [[late.id.to_string()]], "and not {}", before.id);
}

async fn with(app: &TestApp, org: &Organization, permissions: &[Permission]) -> TestCaller {
    app.user_with(org, permissions.iter().copied()).await
}

#[tokio::test]
async fn reading_needs_the_right_to_read_what_is_exported_and_changing_the_right_to_configure_too() {
    use Permission::{ExecuteWorkflows, ManageConfig, ViewHistory};
    let app = TestApp::new().await;
    let (own, other) = (app.org("Contoso").await, app.org("Fabrikam").await);
    let runs = scheduled(&app, own.id, daily("executions", "csv")).await;
    let trail = scheduled(&app, own.id, daily("audit_logs", "csv")).await;
    let all = scheduled(&app, None, daily("executions", "csv")).await;
    app.clock.advance(Duration::days(1));
    write(&app).await;
    let reader = with(&app, &own, &[ViewHistory]).await;
    let manager = with(&app, &own, &[ViewHistory, ManageConfig]).await;
    let technician = with(&app, &own, &[ExecuteWorkflows, ManageConfig]).await;
    let neighbour = with(&app, &other, &[ViewHistory, ManageConfig]).await;
    let org = Some(own.id);
    let file = |schedule: &str| {
        let (app, schedule) = (&app, schedule.to_owned());
        async move { files(&app.admin(), org, &schedule).await.remove(0)["id"].as_str().expect("an id").to_owned() }
    };
    let of_runs = format!("{runs}/files/{}", file(&runs).await);
    let of_trail = format!("{trail}/files/{}", file(&trail).await);

    let listed = reader.get(org, "/api/export-schedules").await.expect(200).json();
    assert_eq!(listed["items"].as_array().expect("items").len(), 1, "the trail is not for everybody");
    for path in [runs.clone(), format!("{runs}/files"), of_runs.clone()] {
        let _ = reader.get(org, &path).await.expect(200);
        technician.get(org, &path).await.assert_problem(403, "permission-denied");
        neighbour.get(org, &path).await.assert_problem(403, "permission-denied");
        neighbour.get(other.id, &path).await.assert_problem(404, "not-found");
        app.admin().get(other.id, &path).await.assert_problem(404, "not-found");
        reader.get(None, &path).await.assert_problem(403, "administrator-required");
        app.stranger().get(org, &path).await.assert_problem(401, "unauthenticated");
    }
    for path in [trail.clone(), format!("{trail}/files"), of_trail] {
        manager.get(org, &path).await.assert_problem(404, "not-found");
    }
    let body = daily("executions", "csv");
    reader.post(org, "/api/export-schedules", body.clone()).await.assert_problem(403, "permission-denied");
    reader.put(org, &runs, body.clone()).await.assert_problem(403, "permission-denied");
    reader.request("POST", &format!("{runs}/run")).org(org).send().await.assert_problem(403, "permission-denied");
    reader.delete(org, &of_runs).await.assert_problem(403, "permission-denied");
    reader.delete(org, &runs).await.assert_problem(403, "permission-denied");
    let _ = manager.put(org, &runs, body.clone()).await.expect(200);
    manager.put(org, &trail, daily("audit_logs", "csv")).await.assert_problem(404, "not-found");
    let trail_too = manager.post(org, "/api/export-schedules", daily("audit_logs", "csv")).await;
    trail_too.assert_problem(403, "administrator-required");
    manager.post(None, "/api/export-schedules", body.clone()).await.assert_problem(403, "administrator-required");
    manager.get(None, &all).await.assert_problem(403, "administrator-required");

    let auditor = app.user("auditor@msp.example").await;
    let path = format!("/api/users/{}", auditor.user());
    let _ = app.admin().patch(None, &path, json!({ "is_auditor": true })).await.expect(200);
    for (org, path) in [(org, &runs), (org, &trail), (None, &all)] {
        let _ = auditor.get(org, path).await.expect(200);
        auditor
            .delete(org, path)
            .await
            .assert_problem(403, if org.is_some() { "permission-denied" } else { "administrator-required" });
    }
    app.grant(&manager, own.id, Permissions::NONE).await;
    manager.get(org, &runs).await.assert_problem(403, "permission-denied");
}

#[tokio::test]
async fn schedules_are_checked_versioned_and_limited() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await.id;
    for (field, value) in
        [("at", json!("24:00")), ("at", json!("6:00")), ("keep_days", json!(0)), ("every", json!("year"))]
    {
        let mut body = daily("executions", "csv");
        body[field] = value;
        let refused = app.admin().post(org, "/api/export-schedules", body).await;
        refused.assert_problem(422, "body-invalid");
        assert_eq!(refused.json()["errors"][0]["pointer"], format!("#/{field}"), "{}", refused.text());
    }
    let schedule = scheduled(&app, org, daily("executions", "csv")).await;
    let read = app.admin().get(org, &schedule).await.expect(200);
    let etag = read.header("etag").to_owned();
    let weekly =
        json!({ "subject": "executions", "format": "jsonl", "every": "week", "at": "00:00", "enabled": false });
    let put = |etag: &str| app.admin().request("PUT", &schedule).org(org).header("if-match", etag).json(&weekly);
    let changed = put(&etag).send().await.expect(200);
    assert_eq!(changed.json()["next_at"], Value::Null);
    let stale = put(&etag).send().await;
    stale.assert_problem(412, "stale-version");
    assert_eq!(stale.json()["current"]["every"], "week");
    let stale = app.admin().request("DELETE", &schedule).org(org).header("if-match", &etag).send().await;
    stale.assert_problem(412, "stale-version");
    assert_eq!(stale.json()["current"]["format"], "jsonl");
    let other = daily("audit_logs", "csv");
    let refused = app.admin().put(org, &schedule, other).await;
    refused.assert_problem(422, "body-invalid");
    assert_eq!(refused.json()["errors"][0]["pointer"], "#/subject");
    app.clock.advance(Duration::days(30));
    write(&app).await;
    assert!(files(&app.admin(), Some(org), &schedule).await.is_empty(), "it is not enabled");
    for _ in 1..20 {
        scheduled(&app, org, daily("executions", "csv")).await;
    }
    let refused = app.admin().post(org, "/api/export-schedules", daily("executions", "csv")).await;
    refused.assert_problem(422, "limit-exceeded");
    let etag = changed.header("etag").to_owned();
    let _ = app.admin().request("DELETE", &schedule).org(org).header("if-match", &etag).send().await.expect(204);
    app.admin().get(org, &schedule).await.assert_problem(404, "not-found");
}

async fn rows(app: &TestApp, table: Table) -> usize {
    app.repositories.stores.tables.query_all(table, Query::default()).await.expect("read").len()
}

async fn blobs(app: &TestApp) -> usize {
    let blobs = &app.repositories.stores.blobs;
    blobs.list("files/").await.expect("listed").len() + blobs.list("exports/").await.expect("listed").len()
}

#[tokio::test]
async fn files_go_when_they_are_old_deleted_or_without_their_schedule_and_leave_nothing() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await.id;
    let mut body = daily("executions", "jsonl");
    body["keep_days"] = json!(3);
    let schedule = scheduled(&app, org, body).await;
    for _ in 0..5 {
        app.past_execution(&past(Scope::Org(org), &app.admin())).await;
        app.clock.advance(Duration::days(1));
        write(&app).await;
    }
    let left = files(&app.admin(), Some(org), &schedule).await;
    assert_eq!(left.len(), 3, "{left:?}");
    let path = format!("{schedule}/files/{}", left[0]["id"].as_str().expect("an id"));
    let _ = app.admin().delete(org, &path).await.expect(204);
    app.admin().get(org, &path).await.assert_problem(404, "not-found");
    app.admin().delete(org, &path).await.assert_problem(404, "not-found");
    assert_eq!(files(&app.admin(), Some(org), &schedule).await, left[1..]);
    // Two files in one part each, and what the latest one leaves for the next.
    assert_eq!((rows(&app, Table::ExportFiles).await, blobs(&app).await), (4, 3));

    let begun = app.admin().request("POST", &format!("{schedule}/run")).org(org).send().await.expect(202);
    assert_eq!(begun.json()["state"], "writing");
    let again = app.admin().request("POST", &format!("{schedule}/run")).org(org).send().await.expect(202);
    assert_eq!(again.json()["id"], begun.json()["id"], "one at a time");
    app.admin().get(org, begun.header("location")).await.assert_problem(409, "conflict");
    app.admin().delete(org, begun.header("location")).await.assert_problem(409, "conflict");
    let _ = app.admin().delete(org, &schedule).await.expect(204);
    write(&app).await;
    assert_eq!((rows(&app, Table::ExportFiles).await, blobs(&app).await), (0, 0));
    assert_eq!(rows(&app, Table::ExportSchedules).await, 1, "the turn to add one");
}

#[tokio::test]
async fn retention_waits_for_the_file_for_two_days_beyond_its_time() {
    let app = TestApp::new().await;
    let (org, repositories) = (app.org("Contoso").await.id, &app.repositories);
    assert_eq!(repositories.waits_for_export(Scope::Org(org)).await.expect("read"), None);
    let schedule = scheduled(&app, org, daily("executions", "csv")).await;
    let through = app.admin().get(org, &schedule).await.expect(200).json()["written_through"].clone();
    let since = repositories.waits_for_export(Scope::Org(org)).await.expect("read");
    assert_eq!(json!(since), through);
    app.clock.advance(Duration::hours(60));
    assert_eq!(json!(repositories.waits_for_export(Scope::Org(org)).await.expect("read")), through);
    app.clock.advance(Duration::hours(12));
    assert_eq!(repositories.waits_for_export(Scope::Org(org)).await.expect("read"), None, "it cannot be written");
    write(&app).await;
    let since = repositories.waits_for_export(Scope::Org(org)).await.expect("read").expect("since the file");
    assert!(json!(since) != through);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_told_of_and_tried_again() {
    let is_away = Arc::new(AtomicBool::new(false));
    let decides = Arc::clone(&is_away);
    let disturb = move |tables| {
        Faulty::over(tables, move |writes| {
            let is_export = writes.iter().any(|(table, _)| *table == Table::ExportFiles);
            if is_export && decides.load(Ordering::Relaxed) { Fate::RequestLost } else { Fate::Done }
        })
    };
    let app = TestApp::with_engine_on(disturb, LAUNCHER, &[("workflows/none.py", "")]).await;
    let org = app.org("Contoso").await.id;
    let schedule = scheduled(&app, org, daily("executions", "jsonl")).await;
    let run = app.past_execution(&past(Scope::Org(org), &app.admin())).await;
    app.clock.advance(Duration::days(1));
    is_away.store(true, Ordering::Relaxed);
    write(&app).await;
    let failed = app.admin().get(org, &schedule).await.expect(200).json();
    assert_eq!(failed["last_error"], "the store cannot be reached");
    assert!(failed["last_error_at"].is_string());
    let on_record = rows(&app, Table::ExportSchedules).await;
    app.clock.advance(Duration::minutes(1));
    write(&app).await;
    let again = app.admin().get(org, &schedule).await.expect(200).json();
    assert_eq!(again["last_error_at"], failed["last_error_at"], "since when: written once");
    // Another process reads it, or this one after a restart.
    let stores = app.repositories.stores.clone();
    let other = msp_storage::Repositories::new(stores, app.clock.clone());
    let seen = other.exports.of(Scope::Org(org)).await.expect("read").remove(0).failure.expect("on record");
    assert_eq!((seen.message.as_str(), on_record), ("the store cannot be reached", 3));
    is_away.store(false, Ordering::Relaxed);
    write(&app).await;
    assert_eq!(app.admin().get(org, &schedule).await.expect(200).json()["last_error"], Value::Null);
    assert_eq!(exported(&app, Some(org), &schedule).await, [[run.id.key()]]);
}
