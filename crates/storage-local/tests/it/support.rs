//! A home in a temporary folder, under a clock that tests turn.

use chrono::{DateTime, Duration, Utc};
use msp_domain::{BatchId, Clock, ExecutionId, OrgId, Scope, Trigger, UserId};
use msp_storage::Repositories;
use msp_storage::repositories::Actor;
use msp_storage::repositories::audit::AuditDraft;
use msp_storage::repositories::batches::{Batch, BatchRow, NewBatch};
use msp_storage::repositories::executions::{Entry, Execution, NewExecution};
use msp_storage::repositories::organizations::NewOrganization;
use msp_storage::repositories::repair::Finding;
use msp_storage_local::{LocalHome, LocalOptions, OpenError};
use serde_json::{Map, json};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use uuid::Uuid;

/// A clock that stands still until it is turned.
pub struct TestClock(Mutex<DateTime<Utc>>);

impl TestClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(DateTime::from_timestamp_millis(1_763_800_000_000).expect("an instant"))))
    }

    pub fn turn(&self, by: Duration) {
        *self.0.lock().expect("not poisoned") += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().expect("not poisoned")
    }
}

pub struct TestHome {
    pub folder: TempDir,
    pub clock: Arc<TestClock>,
    pub home: LocalHome,
    pub repositories: Repositories,
}

pub async fn open_at(data: &Path, clock: &Arc<TestClock>) -> Result<LocalHome, OpenError> {
    LocalHome::open(LocalOptions {
        data: data.to_owned(),
        master_key_file: None,
        create: true,
        clock: Arc::clone(clock) as Arc<dyn Clock>,
    })
    .await
}

impl TestHome {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = TestClock::new();
        let home = open_at(folder.path(), &clock).await.expect("opens");
        let repositories = Repositories::new(home.stores.clone(), Arc::clone(&clock) as Arc<dyn Clock>);
        Self { folder, clock, home, repositories }
    }

    /// An organization.
    pub async fn org(&self) -> OrgId {
        let new = NewOrganization::named(format!("Organization {}", Uuid::new_v4()));
        self.repositories.organizations.create(new, &Actor::PLATFORM).await.expect("created").id
    }

    /// A new execution that starts now.
    pub fn new_execution(&self, scope: Scope, user: UserId) -> NewExecution {
        let now = self.clock.now();
        NewExecution {
            id: ExecutionId::at(now),
            scope,
            workflow_name: "user_onboarding".into(),
            form_id: None,
            form_name: None,
            executed_by: user,
            executed_by_name: "Tess Technician".into(),
            trigger: Trigger::Api,
            input_json: r#"{"email":"new@example.com"}"#.into(),
            bundle_hash: "b1".into(),
            started_at: now,
            scheduled_for: None,
            timeout_seconds: 60,
            minutes_saved: None,
            retry_of: None,
            batch: None,
            mark: None,
            files: Vec::new(),
        }
    }

    pub async fn insert(&self, new: &NewExecution, entry: &Entry) -> Execution {
        let audit = execute_audit(new);
        self.repositories.executions.insert(new, entry, Vec::new(), audit).await.expect("inserted")
    }

    /// A batch on record, of which no row has begun.
    pub async fn batch(&self, scope: Scope, rows: u32) -> Batch {
        let (new, rows, audit) = self.new_batch(scope, rows);
        self.repositories.batches.insert(&new, &rows, Vec::new(), audit).await.expect("inserted")
    }

    /// A new batch that is submitted now.
    pub fn new_batch(&self, scope: Scope, rows: u32) -> (NewBatch, Vec<BatchRow>, AuditDraft) {
        let now = self.clock.now();
        let new = NewBatch {
            id: BatchId::at(now),
            scope,
            form_id: Uuid::new_v4(),
            form_name: "Onboarding".into(),
            workflow_name: "user_onboarding".into(),
            submitted_by: UserId::random(),
            submitted_by_name: "Tess Technician".into(),
            created_at: now,
            bundle_hash: "b1".into(),
            timeout_seconds: 60,
            minutes_saved: None,
            has_passwords: false,
            retry_of: None,
            mark: None,
        };
        let row = |row| BatchRow { row, execution_id: ExecutionId::at(now), input: Map::new(), retry_of: None };
        let rows = (1..=rows).map(row).collect();
        let audit = AuditDraft::new(scope, &actor(new.submitted_by), "Batch.Submit", new.id.key(), json!({}));
        (new, rows, audit)
    }

    /// What a repair finds and puts right.
    pub async fn repaired(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut see = |finding: &Finding| found.push(finding.clone());
        self.repositories.repair(true, &Actor::PLATFORM, &mut see).await.expect("repaired");
        found
    }

    /// The audited actions of a scope, newest first.
    pub async fn audited(&self, scope: Scope) -> Vec<String> {
        let rows = self.repositories.audit.list(scope, None, 1000).await.expect("listed").items;
        rows.into_iter().map(|row| row.draft.action).collect()
    }
}

pub fn execute_audit(new: &NewExecution) -> AuditDraft {
    AuditDraft::new(new.scope, &actor(new.executed_by), "Workflow.Execute", new.id.key(), json!({}))
}

pub fn actor(user: UserId) -> Actor {
    Actor { user: Some(user), ip_address: Some("192.0.2.7".into()) }
}
