//! Runs that start later.

use crate::faulty::{Fate, Faulty, inserted};
use crate::live::{cancel, until};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use futures::{StreamExt as _, stream};
use msp_domain::{Clock, Permission, Permissions, Scope};
use msp_storage::repositories::organizations::Organization;
use msp_test_support::{Answer, TestApp, TestCaller};
use serde_json::{Value, json};
use std::sync::{Arc, Condvar, Mutex};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

const WORKFLOWS: &str = r#"
from shared.decorators import workflow, param

@workflow(name="quick", description="Returns at once")
@param("text", type="string", default="done")
async def quick(context, text):
    return text

@workflow(name="join", description="Takes a password")
@param("password", type="password", required=True)
async def join(context, password):
    return len(password)
"#;

struct Desk {
    app: TestApp,
    org: Organization,
    user: TestCaller,
}

impl Desk {
    async fn new() -> Self {
        let app = TestApp::with_engine(LAUNCHER, &[("workflows/desk.py", WORKFLOWS)]).await;
        let org = app.org("Contoso").await;
        let user = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
        Self { app, org, user }
    }

    /// With a token of this hour: these tests turn the clock by many.
    fn technician(&self) -> TestCaller {
        self.app.renewed(&self.user)
    }

    fn in_hours(&self, hours: i64) -> String {
        (self.app.clock.now() + Duration::hours(hours)).to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    async fn send(&self, headers: &[(&str, &str)], workflow: &str, input: Value) -> Answer {
        let request =
            self.technician().request("POST", &format!("/workflows/{workflow}")).org(self.org.id).json(&input);
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send().await
    }

    /// Schedules a run and answers its id.
    async fn schedule(&self, at: &str, workflow: &str, input: Value) -> String {
        let accepted = self.send(&[("x-run-at", at)], workflow, input).await.expect(202);
        accepted.json()["execution_id"].as_str().expect("an id").to_owned()
    }

    async fn ids(&self, query: &str) -> Vec<String> {
        let list = self.technician().get(self.org.id, &format!("/api/executions{query}")).await.expect(200).json();
        let items = list["items"].as_array().expect("items");
        items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
    }
}

fn ended(execution: &Value) -> bool {
    execution["completed_at"].is_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_on_record_for_its_time_and_starts_then_while_others_go_before() {
    let desk = Desk::new().await;
    let at = desk.in_hours(5);
    let accepted = desk.send(&[("x-run-at", &at), ("prefer", "wait=30")], "quick", json!({})).await.expect(202).json();
    assert_eq!((&accepted["status"], &accepted["scheduled_for"]), (&json!("Pending"), &json!(at)), "{accepted}");
    let id = accepted["execution_id"].as_str().expect("an id");
    let at_once = desk.send(&[], "quick", json!({})).await.expect(200);
    assert_eq!(at_once.json(), "done");

    assert_eq!(desk.ids("?scheduled=true").await, [id]);
    assert_eq!(desk.ids("?scheduled=false").await, [at_once.header("x-execution-id")]);
    let figures = desk.app.admin().get(None, "/metrics").await.expect(200).text();
    assert!(figures.contains("\nmsp_executions_scheduled 1.0\n"), "{figures}");
    assert!(figures.contains("\nmsp_executions_pending 0.0\n"), "{figures}");

    desk.app.clock.advance(Duration::hours(4));
    assert_eq!(desk.send(&[], "quick", json!({})).await.expect(200).json(), "done");
    assert_eq!(desk.ids("?scheduled=true").await, [id], "an hour is left");
    desk.app.clock.advance(Duration::hours(1));
    let ran = until(&desk.technician(), id, ended).await;
    assert_eq!((&ran["status"], &ran["result"]), (&json!("Success"), &json!("done")), "{ran}");
    assert_eq!(ran["scheduled_for"], json!(at));
    let took = ran["duration_ms"].as_i64().expect("a duration");
    assert!(took < 60_000, "it took no five hours: {took}");
    assert!(desk.ids("?scheduled=true").await.is_empty());
    let audit = desk.app.audit(Scope::Org(desk.org.id)).await;
    let recorded = audit.iter().find(|row| row.draft.details["execution_id"] == id).expect("an audit row");
    let recorded = recorded.draft.details["scheduled_for"].as_str().expect("a time");
    assert_eq!(recorded.parse::<DateTime<Utc>>().ok(), at.parse().ok());
}

#[tokio::test]
async fn a_time_on_somebodys_clock_is_read_in_the_zone_of_the_organization_or_in_the_one_that_is_named() {
    let desk = Desk::new().await;
    let path = format!("/api/organizations/{}", desk.org.id);
    drop(desk.app.admin().patch(None, &path, json!({ "time_zone": "America/New_York" })).await.expect(200));
    let accepted = desk.send(&[("x-run-at", "2026-11-02T09:00:30")], "quick", json!({})).await.expect(202).json();
    assert_eq!(accepted["scheduled_for"], "2026-11-02T14:00:30Z");
    // The clock of the test shows 21 September 2026.
    let headers = [("x-run-at", "2026-11-02T09:00"), ("x-time-zone", "Europe/Berlin")];
    let accepted = desk.send(&headers, "quick", json!({})).await.expect(202).json();
    assert_eq!(accepted["scheduled_for"], "2026-11-02T08:00:00Z");
}

#[tokio::test]
async fn a_time_that_nobody_can_mean_is_refused_with_what_to_send_and_nothing_is_recorded() {
    let desk = Desk::new().await;
    let (passed, far) = (desk.in_hours(-1), desk.in_hours(24 * 367));
    let refusals: [(&[(&str, &str)], &str); 9] = [
        (&[("x-run-at", "tomorrow")], "2026-03-31T09:30"),
        (&[("x-run-at", "2026-11-02T09:00")], "X-Time-Zone"),
        (&[("x-run-at", "2026-11-02T09:00"), ("x-time-zone", "Europe/Berln")], "did you mean `Europe/Berlin`?"),
        (&[("x-run-at", "2026-11-02T09:00:00Z"), ("x-time-zone", "Europe/Berlin")], "leave out one"),
        (&[("x-time-zone", "Europe/Berlin")], "send both"),
        (&[("x-run-at", "2027-03-28T02:30"), ("x-time-zone", "Europe/Berlin")], "`2027-03-28T03:00:00+02:00`"),
        (&[("x-run-at", "2026-10-25T02:30"), ("x-time-zone", "Europe/Berlin")], "`2026-10-25T02:30:00+01:00`"),
        (&[("x-run-at", &passed)], "has passed"),
        (&[("x-run-at", &far)], "more than a year"),
    ];
    for (headers, advice) in refusals {
        let refused = desk.send(headers, "quick", json!({})).await;
        refused.assert_problem(422, "start-time-invalid");
        let detail = refused.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(detail.contains(advice), "{headers:?}: {detail}");
    }
    let request = desk.technician().request("POST", "/workflows/quick").org(desk.org.id);
    let twice = request.header("x-run-at", &far).header_too("x-run-at", &passed).send().await;
    twice.assert_problem(400, "header-invalid");
    assert!(desk.ids("").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_run_that_is_cancelled_never_starts_and_can_be_run_again_at_another_time() {
    let desk = Desk::new().await;
    let first = desk.schedule(&desk.in_hours(5), "quick", json!({ "text": "moved" })).await;
    let cancelled = cancel(&desk.technician(), &first).await.expect(202).json();
    assert_eq!((&cancelled["status"], &cancelled["duration_ms"]), (&json!("Cancelled"), &json!(0)), "{cancelled}");
    let other = desk.app.org("Fabrikam").await;
    let outsider = desk.app.user_with(&other, [Permission::ExecuteWorkflows, Permission::ViewHistory]).await;
    let path = format!("/api/executions/{first}/rerun");
    outsider.post(None, &path, json!({})).await.assert_problem(404, "not-found");

    let again = desk.technician().request("POST", &path).header("x-run-at", &desk.in_hours(6)).json(&json!({}));
    let again = again.send().await.expect(202).json();
    desk.app.clock.advance(Duration::hours(7));
    let ran = until(&desk.technician(), again["execution_id"].as_str().expect("an id"), ended).await;
    assert_eq!((&ran["result"], &ran["retry_of"]), (&json!("moved"), &json!(first)), "{ran}");
    let still = until(&desk.technician(), &first, ended).await;
    assert_eq!((&still["status"], &still["epoch"]), (&json!("Cancelled"), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_are_asked_for_again_when_the_time_has_come_and_a_day_late_is_too_late() {
    let desk = Desk::new().await;
    let late = desk.schedule(&desk.in_hours(1), "quick", json!({})).await;
    // Nothing starts meanwhile, as in a long pause.
    let pause = json!({ "reason": "maintenance" });
    drop(desk.app.admin().put(None, "/api/pauses/all", pause).await.expect(200));
    desk.app.clock.advance(Duration::hours(27));
    desk.app.admin().delete(None, "/api/pauses/all").await;
    let missed = until(&desk.technician(), &late, ended).await;
    let outcome = (&missed["status"], &missed["error_type"]);
    assert_eq!(outcome, (&json!("Failed"), &json!("schedule_missed")), "{missed}");

    let revoked = desk.schedule(&desk.in_hours(1), "quick", json!({})).await;
    desk.app.grant(&desk.user, desk.org.id, Permissions::NONE).await;
    desk.app.clock.advance(Duration::hours(2));
    let refused = until(&desk.app.admin(), &revoked, ended).await;
    let outcome = (&refused["status"], &refused["error_type"]);
    assert_eq!(outcome, (&json!("Failed"), &json!("permission_denied")), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_waits_with_its_run_and_is_gone_after_it() {
    let desk = Desk::new().await;
    let id = desk.schedule(&desk.in_hours(1), "join", json!({ "password": "correct horse" })).await;
    let path = format!("/api/executions/{id}");
    let waiting = desk.technician().get(None, &path).await.expect(200).text();
    assert!(!waiting.contains("horse"), "{waiting}");
    desk.app.clock.advance(Duration::hours(2));
    assert_eq!(until(&desk.technician(), &id, ended).await["result"], 13);
    let scope = Scope::Org(desk.org.id);
    let secrets = &desk.app.repositories.stores.secrets;
    let names = secrets.names(msp_storage::SecretNamespace::Parameter, scope).await.expect("the names");
    assert!(names.is_empty(), "{names:?}");
}

#[tokio::test]
async fn a_scheduled_request_sent_again_is_the_same_run_also_when_its_time_has_passed() {
    let desk = Desk::new().await;
    let (at, later) = (desk.in_hours(1), desk.in_hours(2));
    let keyed = async |at: &str| desk.send(&[("x-run-at", at), ("idempotency-key", "k")], "quick", json!({})).await;
    let first = keyed(&at).await.expect(202).json();
    assert_eq!(keyed(&at).await.expect(202).json()["execution_id"], first["execution_id"]);
    keyed(&later).await.assert_problem(422, "idempotency-key-reused");
    desk.app.clock.advance(Duration::hours(3));
    assert_eq!(keyed(&at).await.expect(202).json()["execution_id"], first["execution_id"]);
    assert_eq!(desk.ids("").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_schedule_refuses_more_of_its_organization_and_keeps_nobody_from_running() {
    let desk = Desk::new().await;
    let at = desk.in_hours(1);
    let headers = [("x-run-at", at.as_str())];
    let all = stream::iter(0..1000).map(|_| desk.send(&headers, "quick", json!({}))).buffer_unordered(16);
    all.for_each(async |answer| drop(answer.expect(202))).await;
    desk.send(&headers, "quick", json!({})).await.assert_problem(409, "schedule-full");
    assert_eq!(desk.send(&[], "quick", json!({})).await.expect(200).json(), "done");
    let queued = desk.send(&[("prefer", "respond-async")], "quick", json!({})).await.expect(202);
    until(&desk.technician(), queued.header("x-execution-id"), ended).await;

    let other = desk.app.org("Fabrikam").await;
    let colleague = desk.app.user_with(&other, [Permission::ExecuteWorkflows]).await;
    let request = colleague.request("POST", "/workflows/quick").org(other.id).header("x-run-at", &at);
    drop(request.json(&json!({})).send().await.expect(202));
    drop(cancel(&desk.technician(), &desk.ids("?scheduled=true&limit=1").await[0]).await.expect(202));
    drop(desk.send(&headers, "quick", json!({})).await.expect(202));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_before_its_caller_has_an_answer_keeps_no_place_in_the_schedule() {
    // The first attempt to record it has no answer; the second one comes when somebody has cancelled it meanwhile.
    let state = Arc::new((Mutex::new((0, false)), Condvar::new()));
    let shared = Arc::clone(&state);
    let disturb = move |tables| {
        Faulty::over(tables, move |writes| {
            if inserted(writes).is_none() {
                return Fate::Done;
            }
            let (progress, moved) = &*shared;
            let mut progress = progress.lock().expect("not poisoned");
            progress.0 += 1;
            if progress.0 == 1 {
                return Fate::AnswerLost;
            }
            drop(moved.wait_while(progress, |(_, is_cancelled)| !*is_cancelled));
            Fate::Done
        })
    };
    let app = TestApp::with_engine_on(disturb, LAUNCHER, &[("workflows/desk.py", WORKFLOWS)]).await;
    let org = app.org("Contoso").await;
    let user = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let desk = Desk { app, org, user };
    let at = desk.in_hours(5);
    let schedule = async { desk.send(&[("x-run-at", &at)], "quick", json!({})).await.expect(202).json() };
    let cancel_it = async {
        let id = loop {
            if let Some(id) = desk.ids("").await.pop() {
                break id;
            }
        };
        let _ = cancel(&desk.technician(), &id).await.expect(202);
        state.0.lock().expect("not poisoned").1 = true;
        state.1.notify_all();
        id
    };
    let (accepted, id) = tokio::join!(schedule, cancel_it);
    assert_eq!(accepted["execution_id"], json!(id));
    let figures = desk.app.admin().get(None, "/metrics").await.expect(200).text();
    assert!(figures.contains("\nmsp_executions_scheduled 0.0\n"), "{figures}");
}
