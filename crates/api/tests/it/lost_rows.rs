//! Batches whose rows are gone from the store: they end, and say why.

use msp_domain::{BatchId, Clock, ExecutionId, Permission, Scope, Trigger};
use msp_storage::repositories::{
    Actor,
    audit::AuditDraft,
    batches::{Batch, BatchRow, NewBatch},
    executions::{BatchPlace, Entry, NewExecution},
    organizations::Organization,
};
use msp_test_support::{TestApp, TestCaller};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

const WORKSPACE: &str = r#"
from shared.decorators import param, workflow

@workflow(name="onboard", description="Create a user")
@param("email", type="email", required=True)
async def onboard(context, email):
    return email
"#;

fn draft(batch: &NewBatch, action: &str) -> AuditDraft {
    AuditDraft::new(batch.scope, &Actor::PLATFORM, action, "onboard", json!({}))
}

/// A batch of three rows, of which an earlier engine has recorded the first.
async fn left_behind(app: &TestApp, org: &Organization, by: &TestCaller) -> Batch {
    let now = app.clock.now();
    let new = NewBatch {
        id: BatchId::at(now),
        scope: Scope::Org(org.id),
        form_id: Uuid::new_v4(),
        form_name: "Onboarding".to_owned(),
        workflow_name: "onboard".to_owned(),
        submitted_by: by.user(),
        submitted_by_name: "Ada".to_owned(),
        created_at: now,
        bundle_hash: String::new(),
        timeout_seconds: 60,
        minutes_saved: None,
        has_passwords: false,
        retry_of: None,
        mark: None,
    };
    let row = |row| {
        let mut input = Map::new();
        input.insert("email".to_owned(), json!(format!("user{row}@contoso.example")));
        BatchRow { row, execution_id: ExecutionId::at(now), input, retry_of: None }
    };
    let rows: Vec<BatchRow> = (1..=3).map(row).collect();
    let submitted = app.repositories.batches.insert(&new, &rows, Vec::new(), draft(&new, "Batch.Submit")).await;
    let first = NewExecution {
        id: rows[0].execution_id,
        scope: new.scope,
        workflow_name: new.workflow_name.clone(),
        form_id: Some(new.form_id),
        form_name: Some(new.form_name.clone()),
        executed_by: new.submitted_by,
        executed_by_name: new.submitted_by_name.clone(),
        trigger: Trigger::Form,
        input_json: Value::Object(rows[0].input.clone()).to_string(),
        bundle_hash: String::new(),
        started_at: now,
        scheduled_for: None,
        timeout_seconds: 60,
        minutes_saved: None,
        retry_of: None,
        batch: Some(BatchPlace { id: new.id, row: 1 }),
        mark: None,
        files: Vec::new(),
    };
    let executions = &app.repositories.executions;
    executions.insert(&first, &Entry::Queued, Vec::new(), draft(&new, "Workflow.Execute")).await.expect("recorded");
    submitted.expect("recorded")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_rows_are_gone_ends_with_those_that_had_begun_and_says_so() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let technician = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let blobs = &app.repositories.stores.blobs;
    let (gone, damaged) = (left_behind(&app, &org, &technician).await, left_behind(&app, &org, &technician).await);
    let path_of = |batch: &Batch| format!("batches/{}/rows.json", batch.id);
    blobs.delete(&path_of(&gone)).await.expect("deleted");
    blobs.put(&path_of(&damaged), b"[{\"row\": 1, \"exec".to_vec().into()).await.expect("damaged");

    app.start_engine(LAUNCHER, &[("workflows/desk.py", WORKSPACE)]).await;

    for batch in [&gone, &damaged] {
        let path = format!("/api/batches/{}", batch.id);
        let give_up = Instant::now() + Duration::from_secs(30);
        let ended = loop {
            let seen = technician.get(org.id, &path).await.expect(200).json();
            if seen["completed_at"].is_string() {
                break seen;
            }
            assert!(Instant::now() < give_up, "it does not end: {seen}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let counts = json!({ "pending": 0, "running": 0, "success": 1, "failed": 0, "cancelled": 2 });
        assert_eq!((&ended["counts"], &ended["error_type"]), (&counts, &json!("rows_lost")), "{ended}");
        assert!(ended["error_message"].as_str().is_some_and(|message| message.contains("new file")), "{ended}");
        let rows = technician.get(org.id, &format!("{path}/rows")).await.expect(200).json();
        let items = rows["items"].as_array().expect("items");
        assert_eq!(items.len(), 1, "what never began is not made up: {rows}");
        assert_eq!((&items[0]["row_number"], &items[0]["status"]), (&json!(1), &json!("Success")));
        assert_eq!(items[0]["input"], json!({ "email": "user1@contoso.example" }));
        let file = technician.get(org.id, &format!("{path}/rows.csv")).await.expect(200).text();
        assert_eq!(file.lines().count(), 2, "{file}");
    }
    let listed = technician.get(org.id, "/api/executions").await.expect(200).json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2), "no run was invented: {listed}");
    let listed = technician.get(org.id, "/api/batches").await.expect(200).json();
    assert_eq!(listed["items"][0]["error_type"], "rows_lost");
    let given_up = app.audit(Scope::Org(org.id)).await.into_iter().filter(|row| row.draft.action == "Batch.GiveUp");
    assert_eq!(given_up.count(), 2);
    assert!(app.repositories.batches.open_ids().await.expect("read").is_empty());
    let mut found = Vec::new();
    let tally = app.repositories.repair(false, &Actor::PLATFORM, &mut |finding| found.push(finding.to_string())).await;
    assert_eq!(tally.expect("looked").beyond_repair, 0, "it is on record: {found:?}");
}

#[tokio::test]
async fn a_batch_whose_rows_are_gone_keeps_no_export_from_being_written() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let body = json!({ "subject": "executions", "format": "jsonl", "every": "day", "at": "02:00" });
    let made = app.admin().post(org.id, "/api/export-schedules", body).await.expect(201).json();
    let batch = left_behind(&app, &org, &app.admin()).await;
    app.repositories.stores.blobs.delete(&format!("batches/{}/rows.json", batch.id)).await.expect("deleted");
    app.clock.advance(chrono::Duration::days(1));
    app.api.write_due_exports().await.expect("looked");
    let path = format!("/api/export-schedules/{}", made["id"].as_str().expect("an id"));
    let seen = app.admin().get(org.id, &path).await.expect(200).json();
    assert_eq!(seen["last_error"], Value::Null, "{seen}");
    let files = app.admin().get(org.id, &format!("{path}/files")).await.expect(200).json();
    assert_eq!(files["items"][0]["state"], "whole", "{files}");
}
