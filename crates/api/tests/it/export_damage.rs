//! Exports on a schedule where something is damaged, ends or is taken away meanwhile.

use crate::export_schedules::{daily, end_at, exported, files, past, recorded, scheduled, write};
use chrono::Duration;
use futures::StreamExt as _;
use msp_domain::{Clock, ExecutionId, Permission, Permissions, Scope, Trigger};
use msp_storage::{
    Entity, IfMatch, Query, Table, Write,
    repositories::{Actor, executions::Execution},
};
use msp_test_support::{PastExecution, TestApp};
use serde_json::{Value, json};

/// Sets what an execution is said to be.
async fn set_status(app: &TestApp, execution: &Execution, status: &str) {
    let row_key = execution.id.row_key().expect("v7");
    let row = Entity::new(execution.scope.key(), row_key).with("Status", status);
    let tables = &app.repositories.stores.tables;
    tables.write(Table::WorkflowExecutions, Write::Merge(row, IfMatch::Any)).await.expect("written");
}

#[tokio::test]
async fn a_damaged_execution_keeps_nobody_from_making_a_schedule() {
    let app = TestApp::new().await;
    let (damaged, other) = (app.org("Contoso").await.id, app.org("Fabrikam").await.id);
    let running = app.running_execution(&past(Scope::Org(damaged), &app.admin())).await;
    set_status(&app, &running, "Sideways").await;
    for org in [Some(other), Some(damaged), None] {
        for subject in ["executions", "audit_logs"] {
            scheduled(&app, org, daily(subject, "jsonl")).await;
        }
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_left_out_counted_and_in_the_first_file_after_it_is_mended() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await.id;
    let open = app.running_execution(&past(Scope::Org(org), &app.admin())).await;
    let of_org = scheduled(&app, org, daily("executions", "jsonl")).await;
    let of_all = scheduled(&app, None, daily("executions", "jsonl")).await;
    let good = app.past_execution(&past(Scope::Org(org), &app.admin())).await;
    let bad = app.past_execution(&past(Scope::Org(org), &app.admin())).await;
    for execution in [&bad, &open] {
        set_status(&app, execution, "Sideways").await;
    }
    for _ in 0..2 {
        app.clock.advance(Duration::days(1));
        write(&app).await;
    }
    set_status(&app, &bad, "Success").await;
    app.clock.advance(Duration::days(1));
    write(&app).await;
    for (org, schedule) in [(Some(org), &of_org), (None, &of_all)] {
        assert_eq!(exported(&app, org, schedule).await, [vec![good.id.key()], vec![], vec![bad.id.key()]]);
        let unreadable: Vec<Value> =
            files(&app.admin(), org, schedule).await.iter().map(|file| file["unreadable"].clone()).collect();
        assert_eq!(unreadable, [json!(2), json!(2), json!(1)]);
    }
}

#[tokio::test]
async fn an_unreadable_row_of_the_audit_trail_is_left_out_and_counted_once() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await.id;
    let trail = scheduled(&app, org, daily("audit_logs", "jsonl")).await;
    let runs = scheduled(&app, org, daily("executions", "jsonl")).await;
    let tables = &app.repositories.stores.tables;
    let row = tables.query_all(Table::AuditLogs, Query::partition(org.key())).await.expect("read").remove(0);
    let damaged = Entity::new(row.partition_key, row.row_key).with("Action", 7_i64);
    tables.write(Table::AuditLogs, Write::Merge(damaged, IfMatch::Any)).await.expect("damaged");
    for _ in 0..2 {
        app.clock.advance(Duration::minutes(1));
        for schedule in [&trail, &runs] {
            let _ = app.admin().request("POST", &format!("{schedule}/run")).org(org).send().await.expect(202);
        }
        write(&app).await;
    }
    let unreadable: Vec<Value> =
        files(&app.admin(), Some(org), &trail).await.iter().map(|file| file["unreadable"].clone()).collect();
    assert_eq!(unreadable, [json!(1), json!(0)]);
    assert!(files(&app.admin(), Some(org), &runs).await.iter().all(|file| file["state"] == "whole"));
}

#[tokio::test]
async fn a_download_breaks_off_when_its_caller_loses_the_right_or_the_file_goes() {
    for file_goes in [false, true] {
        let app = TestApp::new().await;
        let org = app.org("Contoso").await;
        let schedule = scheduled(&app, org.id, daily("executions", "jsonl")).await;
        let long = PastExecution { workflow: "w".repeat(20_000), ..past(Scope::Org(org.id), &app.admin()) };
        for _ in 0..60 {
            app.past_execution(&long).await;
        }
        app.clock.advance(Duration::days(1));
        write(&app).await;
        let file = files(&app.admin(), Some(org.id), &schedule).await.remove(0);
        assert!(file["size_bytes"].as_u64() > Some(1024 * 1024), "more than one part: {file}");
        let path = format!("{schedule}/files/{}", file["id"].as_str().expect("an id"));
        let member = app.user_with(&org, [Permission::ViewHistory]).await;
        let mut body = member.request("GET", &path).org(org.id).send_in_parts().await;
        let first = body.next().await.expect("a part").expect("readable");
        assert_eq!(first.len(), 1024 * 1024, "{first:?}");
        if file_goes {
            let _ = app.admin().delete(org.id, &path).await.expect(204);
        } else {
            app.grant(&member, org.id, Permissions::NONE).await;
        }
        assert!(body.next().await.expect("it does not just end").is_err(), "what was there is no whole file");
        assert!(body.next().await.is_none());
    }
}

#[tokio::test]
async fn files_of_executions_of_an_organization_are_kept_no_longer_than_its_executions() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await.id;
    app.repositories.retention.set(Scope::Org(org), Some(2), None, &Actor::PLATFORM).await.expect("limited");
    let mut long = daily("executions", "csv");
    long["keep_days"] = json!(100);
    let of_org = [scheduled(&app, org, long.clone()).await, scheduled(&app, org, daily("executions", "csv")).await];
    let trail = scheduled(&app, org, daily("audit_logs", "csv")).await;
    let all = scheduled(&app, None, long).await;
    for _ in 0..5 {
        app.clock.advance(Duration::days(1));
        write(&app).await;
    }
    for schedule in of_org {
        assert_eq!(files(&app.admin(), Some(org), &schedule).await.len(), 2, "{schedule}");
    }
    assert_eq!(files(&app.admin(), Some(org), &trail).await.len(), 5);
    assert_eq!(files(&app.admin(), None, &all).await.len(), 5, "its administrator decided that");
}

#[tokio::test]
async fn a_file_that_will_never_be_whole_can_be_deleted() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await.id;
    let schedule = scheduled(&app, org, daily("executions", "csv")).await;
    let begun = app.admin().request("POST", &format!("{schedule}/run")).org(org).send().await.expect(202);
    // As two that were begun at once by a version that let them.
    let tables = &app.repositories.stores.tables;
    let mut other = tables.query_all(Table::ExportFiles, Query::default()).await.expect("read").remove(0);
    let id = ExecutionId::at(app.clock.now() - Duration::seconds(1));
    (other.row_key, other.etag) = (id.row_key().expect("a key"), None);
    let other = other.with("FileId", id.as_uuid());
    tables.write(Table::ExportFiles, Write::Insert(other)).await.expect("written");
    app.admin().delete(org, begun.header("location")).await.assert_problem(409, "conflict");
    let path = format!("{schedule}/files/{}", id.as_uuid());
    let _ = app.admin().delete(org, &path).await.expect(204);
    write(&app).await;
    let left = files(&app.admin(), Some(org), &schedule).await;
    assert_eq!(left.len(), 1);
    assert_eq!((&left[0]["id"], &left[0]["state"]), (&begun.json()["id"], &json!("whole")));
}

#[tokio::test]
async fn a_run_of_elsewhere_is_exported_whatever_became_of_its_audit_row_and_one_that_cannot_be_made_out_is_counted() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await.id;
    let schedule = scheduled(&app, org, daily("executions", "jsonl")).await;
    let long_ago = ExecutionId::at(app.clock.now() - Duration::days(5));
    let mut of_elsewhere = Vec::new();
    for id in [long_ago, ExecutionId::at(app.clock.now() - Duration::days(4))] {
        let run = recorded(&app, Scope::Org(org), id, Trigger::External, "Execution.Record").await;
        of_elsewhere.push(end_at(&app, &run, run.started_at).await.id);
    }
    let tables = &app.repositories.stores.tables;
    for row in tables.query_all(Table::AuditLogs, Query::partition(org.key())).await.expect("read") {
        let damaged = Entity::new(row.partition_key, row.row_key).with("Action", 7_i64);
        tables.write(Table::AuditLogs, Write::Merge(damaged, IfMatch::Any)).await.expect("damaged");
    }
    let rows = tables.query_all(Table::WorkflowExecutions, Query::partition(org.key())).await.expect("read");
    let records: Vec<&Entity> = rows.iter().filter(|row| row.row_key.starts_with("~recorded_")).collect();
    let of_second =
        records.iter().find(|row| row.guid_opt("ExecutionId").expect("one") == Some(of_elsewhere[1].as_uuid()));
    let of_second = of_second.expect("a record");
    let damaged = Entity::new(of_second.partition_key.as_str(), of_second.row_key.as_str()).with("ExecutionId", 7_i64);
    tables.write(Table::WorkflowExecutions, Write::Merge(damaged, IfMatch::Any)).await.expect("damaged");

    app.clock.advance(Duration::days(1));
    write(&app).await;

    assert_eq!(exported(&app, Some(org), &schedule).await, [[long_ago.key()]]);
    assert_eq!(files(&app.admin(), Some(org), &schedule).await[0]["unreadable"], 1);
    for id in of_elsewhere {
        app.repositories.executions.remove(Scope::Org(org), id).await.expect("removed");
    }
    let left = tables.query_all(Table::WorkflowExecutions, Query::partition(org.key())).await.expect("read");
    assert_eq!(left, [], "what says when they were put on record goes with them");
}
