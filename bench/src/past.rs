//! One execution that ran in the past, put on record by the platform's own code, as a pattern for many.

use crate::platform::Installation;
use anyhow::Result;
use chrono::{DateTime, Duration, Utc};
use msp_domain::{ExecutionId, ExecutionStatus, Scope, Trigger};
use msp_storage::repositories::{
    Actor,
    audit::AuditDraft,
    executions::{Ended, Ending, Entry, NewExecution},
};
use serde_json::json;

/// How long after its start it ended.
pub const TOOK: Duration = Duration::milliseconds(350);
/// How long it might have run.
pub const TIMEOUT: Duration = Duration::minutes(30);

/// Records it in the first organization, and answers its id.
pub async fn record(installation: &Installation, started_at: DateTime<Utc>) -> Result<ExecutionId> {
    let repositories = installation.repositories(started_at).await?;
    let scope = Scope::Org(installation.organizations[0]);
    let id = ExecutionId::at(started_at);
    let new = NewExecution {
        id,
        scope,
        workflow_name: "bench_echo".to_owned(),
        form_id: None,
        form_name: None,
        executed_by: installation.user,
        executed_by_name: "Bench".to_owned(),
        trigger: Trigger::Api,
        input_json: json!({ "text": "recorded" }).to_string(),
        bundle_hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        started_at,
        scheduled_for: None,
        timeout_seconds: TIMEOUT.num_seconds().unsigned_abs(),
        minutes_saved: None,
        retry_of: None,
        batch: None,
        mark: None,
        files: Vec::new(),
    };
    let audit = AuditDraft {
        scope,
        actor: Actor { user: Some(installation.user), ip_address: Some("127.0.0.1".to_owned()) },
        action: "Workflow.Execute".to_owned(),
        entity_type: "Workflow".to_owned(),
        entity_id: new.workflow_name.clone(),
        details: json!({ "execution_id": id, "bundle": new.bundle_hash, "retry_of": null }),
    };
    let entry = Entry::Claimed { owner: "bench".to_owned(), deadline_at: started_at + TIMEOUT };
    let execution = repositories.executions.insert(&new, &entry, Vec::new(), audit).await?;
    let ending = Ending {
        status: ExecutionStatus::Success,
        result_json: Some(json!({ "text": "recorded", "organization": scope.key() }).to_string()),
        error_type: None,
        error_message: None,
        completed_at: started_at + TOOK,
        logs_through: 0,
    };
    let ended = repositories.executions.finish(&execution, &ending).await?;
    // As an engine does it, which leaves no pointer.
    let counted: Vec<Ended> = Ended::of(&ended).into_iter().collect();
    repositories.executions.count(&counted).await?;
    Ok(id)
}
