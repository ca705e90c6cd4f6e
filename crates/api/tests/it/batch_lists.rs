//! Lists of batches: of one organization or of all, and however many rows they have.

use async_trait::async_trait;
use msp_domain::{BatchId, Clock, ExecutionId, Permission, Permissions, Scope, Trigger, UserId};
use msp_storage::{
    Commit, Entity, Etag, Page, Query, StoreError, Table, TableStore, Write,
    repositories::{
        Actor,
        audit::AuditDraft,
        batches::{Batch, BatchCounts, BatchRow, NewBatch},
        executions::{BatchPlace, Entry, NewExecution},
    },
};
use msp_test_support::TestApp;
use serde_json::{Map, Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use uuid::Uuid;

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");
const ROWS: u32 = 600;

/// Counts what is read of executions.
struct Counting {
    tables: Arc<dyn TableStore>,
    rows: Arc<AtomicUsize>,
}

#[async_trait]
impl TableStore for Counting {
    fn commits_whole(&self) -> bool {
        self.tables.commits_whole()
    }

    async fn get(&self, table: Table, partition_key: &str, row_key: &str) -> Result<Option<Entity>, StoreError> {
        self.rows.fetch_add(usize::from(table == Table::WorkflowExecutions), Ordering::SeqCst);
        self.tables.get(table, partition_key, row_key).await
    }

    async fn query(&self, table: Table, query: Query) -> Result<Page, StoreError> {
        let page = self.tables.query(table, query).await?;
        let read = if table == Table::WorkflowExecutions { page.entities.len() } else { 0 };
        self.rows.fetch_add(read, Ordering::SeqCst);
        Ok(page)
    }

    async fn write(&self, table: Table, write: Write) -> Result<Option<Etag>, StoreError> {
        self.tables.write(table, write).await
    }

    async fn batch(&self, table: Table, writes: Vec<Write>) -> Result<(), StoreError> {
        self.tables.batch(table, writes).await
    }

    async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        self.tables.commit(commit).await
    }

    async fn commit_etags(&self, commit: Commit) -> Result<Vec<Option<Etag>>, StoreError> {
        self.tables.commit_etags(commit).await
    }
}

fn new_batch(app: &TestApp, scope: Scope, user: UserId) -> NewBatch {
    let now = app.clock.now();
    NewBatch {
        id: BatchId::at(now),
        scope,
        form_id: Uuid::new_v4(),
        form_name: "Onboarding".to_owned(),
        workflow_name: "onboard".to_owned(),
        submitted_by: user,
        submitted_by_name: "Ada".to_owned(),
        created_at: now,
        bundle_hash: String::new(),
        timeout_seconds: 60,
        minutes_saved: None,
        has_passwords: false,
        retry_of: None,
        mark: None,
    }
}

fn audit(scope: Scope, action: &str) -> AuditDraft {
    AuditDraft::new(scope, &Actor::PLATFORM, action, "onboard", json!({}))
}

/// A batch of one row, a second after the one before.
async fn small_batch(app: &TestApp, scope: Scope, user: UserId) -> BatchId {
    app.clock.advance(chrono::Duration::seconds(1));
    let new = new_batch(app, scope, user);
    let row = BatchRow { row: 1, execution_id: ExecutionId::at(new.created_at), input: Map::new(), retry_of: None };
    app.repositories.batches.insert(&new, &[row], Vec::new(), audit(scope, "Batch.Submit")).await.expect("recorded").id
}

/// A batch under way of which every row is an execution that waits.
async fn large_batch(app: &TestApp, scope: Scope) -> Batch {
    let user = app.admin().user();
    let new = new_batch(app, scope, user);
    let now = new.created_at;
    let row = |row| BatchRow { row, execution_id: ExecutionId::at(now), input: Map::new(), retry_of: None };
    let rows: Vec<BatchRow> = (1..=ROWS).map(row).collect();
    let batches = &app.repositories.batches;
    let batch = batches.insert(&new, &rows, Vec::new(), audit(scope, "Batch.Submit")).await.expect("recorded");
    for row in rows {
        let execution = NewExecution {
            id: row.execution_id,
            scope,
            workflow_name: new.workflow_name.clone(),
            form_id: Some(new.form_id),
            form_name: Some(new.form_name.clone()),
            executed_by: user,
            executed_by_name: new.submitted_by_name.clone(),
            trigger: Trigger::Form,
            input_json: "{}".to_owned(),
            bundle_hash: String::new(),
            started_at: now,
            scheduled_for: None,
            timeout_seconds: 60,
            minutes_saved: None,
            retry_of: None,
            batch: Some(BatchPlace { id: new.id, row: row.row }),
            mark: None,
            files: Vec::new(),
        };
        let executions = &app.repositories.executions;
        let audit = audit(scope, "Workflow.Execute");
        executions.insert(&execution, &Entry::Queued, Vec::new(), audit).await.expect("recorded");
    }
    batch
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_reads_no_row_of_the_batches_it_shows_and_a_batch_by_itself_is_counted_anew() {
    let read = Arc::new(AtomicUsize::new(0));
    let counting = |tables| Arc::new(Counting { tables, rows: Arc::clone(&read) }) as Arc<dyn TableStore>;
    let app = TestApp::with_engine_on(counting, LAUNCHER, &[("workflows/demo.py", "")]).await;
    let org = app.org("Contoso").await;
    let reader = app.user_with(&org, [Permission::ViewHistory]).await;
    let batch = large_batch(&app, Scope::Org(org.id)).await;
    let noted = BatchCounts { running: 16, success: 40, failed: 2, ..BatchCounts::default() };
    app.repositories.batches.note(&batch, noted).await.expect("noted");
    let path = format!("/api/batches/{}", batch.id);

    read.store(0, Ordering::SeqCst);
    let list = reader.get(org.id, "/api/batches").await.expect(200).json();
    assert_eq!(read.load(Ordering::SeqCst), 0, "a list costs the same with a million rows");
    let counts = json!({ "pending": ROWS - 58, "running": 16, "success": 40, "failed": 2, "cancelled": 0 });
    assert_eq!((&list["items"][0]["id"], &list["items"][0]["counts"]), (&json!(batch.id), &counts), "{list}");

    let itself = reader.get(org.id, &path).await.expect(200).json();
    assert_eq!(itself["counts"]["pending"], json!(ROWS), "{itself}");
    assert_eq!(read.load(Ordering::SeqCst), ROWS as usize);
}

#[tokio::test]
async fn without_an_organization_one_list_has_what_the_caller_may_view_anywhere_and_loses_nothing_while_more_arrive() {
    let app = TestApp::new().await;
    let (viewed, worked, closed) = (app.org("Viewed").await, app.org("Worked").await, app.org("Closed").await);
    let reader = app.user_with(&viewed, [Permission::ViewHistory]).await;
    app.grant(&reader, worked.id, [Permission::ExecuteWorkflows].into_iter().collect()).await;
    let (me, other) = (reader.user(), UserId::random());
    let batch = async |org: Option<_>, user| small_batch(&app, org.map_or(Scope::Global, Scope::Org), user).await;
    let mut visible = Vec::new();
    for _ in 0..3 {
        visible.push(batch(Some(viewed.id), other).await);
        visible.push(batch(Some(worked.id), me).await);
        visible.push(batch(None, me).await);
    }
    let hidden = [batch(Some(worked.id), other).await, batch(Some(closed.id), me).await, batch(None, other).await];
    visible.reverse();

    for limit in [1, 2, 4, 50] {
        let (mut listed, mut next, mut late) = (Vec::<BatchId>::new(), String::new(), Vec::new());
        loop {
            let path = format!("/api/batches?limit={limit}{next}");
            let page = reader.get(None, &path).await.expect(200).json();
            let items = page["items"].as_array().expect("items");
            assert!(items.len() <= limit, "{page}");
            listed.extend(
                items.iter().map(|batch| batch["id"].as_str().expect("an id").parse::<BatchId>().expect("an id")),
            );
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            next = format!("&cursor={cursor}");
            late.push(batch(Some(viewed.id), other).await);
        }
        assert_eq!(listed, visible, "pages of {limit}");
        visible.splice(0..0, late.into_iter().rev());
    }

    let get = async |id: &BatchId| reader.get(None, &format!("/api/batches/{id}")).await;
    for id in &visible {
        assert_eq!(get(id).await.expect(200).json()["id"], json!(id));
    }
    for id in &hidden {
        get(id).await.assert_problem(404, "not-found");
        reader.get(None, &format!("/api/batches/{id}/rows.csv")).await.assert_problem(404, "not-found");
    }
    let everything = app.admin().get(None, "/api/batches").await.expect(200).json();
    assert_eq!(everything["items"].as_array().map(Vec::len), Some(visible.len() + hidden.len()));
    app.grant(&reader, worked.id, Permissions::NONE).await;
    let listed = reader.get(None, "/api/batches").await.expect(200).json();
    let is_of = |org: Value| listed["items"].as_array().expect("items").iter().any(|batch| batch["org_id"] == org);
    assert!(is_of(json!(viewed.id)) && !is_of(json!(worked.id)) && !is_of(Value::Null), "{listed}");
    reader.get(closed.id, "/api/batches").await.assert_problem(403, "permission-denied");
}
