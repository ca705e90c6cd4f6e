//! A run whose claim took effect, though the engine was told that the store is away.

use crate::live::{start, until};
use async_trait::async_trait;
use msp_domain::Permission;
use msp_storage::{Commit, Entity, Etag, Page, Query, StoreError, Table, TableStore, Write};
use msp_test_support::TestApp;
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

const WORKFLOW: &str = r#"
from shared.decorators import workflow

@workflow(name="quick", description="Answers")
async def quick(context):
    print("once")
    return "done"
"#;

/// Loses the answer of every claim.
struct Forgetful {
    tables: Arc<dyn TableStore>,
    claims: Arc<AtomicU32>,
}

fn is_claim(commit: &Commit) -> bool {
    commit.writes.iter().any(|(table, write)| {
        let Write::Merge(change, _) = write else { return false };
        *table == Table::WorkflowExecutions && matches!(change.text_opt("LeaseOwner"), Ok(Some(_)))
    })
}

#[async_trait]
impl TableStore for Forgetful {
    async fn get(&self, table: Table, partition_key: &str, row_key: &str) -> Result<Option<Entity>, StoreError> {
        self.tables.get(table, partition_key, row_key).await
    }

    async fn query(&self, table: Table, query: Query) -> Result<Page, StoreError> {
        self.tables.query(table, query).await
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
        let is_claim = is_claim(&commit);
        let etags = self.tables.commit_etags(commit).await?;
        if is_claim {
            self.claims.fetch_add(1, Ordering::SeqCst);
            return Err(StoreError::unavailable("the answer was lost"));
        }
        Ok(etags)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_claim_seemed_to_fail_runs_once() {
    let claims = Arc::new(AtomicU32::new(0));
    let counted = claims.clone();
    let forgetful = |tables| Arc::new(Forgetful { tables, claims: counted }) as Arc<dyn TableStore>;
    let app = TestApp::with_engine_on(forgetful, LAUNCHER, &[("workflows/demo.py", WORKFLOW)]).await;
    let org = app.org("Contoso").await;
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let id = start(&runner, &org, "quick").await;
    let ended = until(&runner, &id, |execution| execution["completed_at"].is_string()).await;
    assert_eq!((&ended["status"], &ended["epoch"]), (&"Success".into(), &1.into()), "{ended}");
    assert_eq!(claims.load(Ordering::SeqCst), 1, "it was claimed once");
    let log = runner.get(None, &format!("/api/executions/{id}/logs")).await.expect(200).json();
    assert_eq!(log["items"].as_array().map(Vec::len), Some(1), "{log}");
}
