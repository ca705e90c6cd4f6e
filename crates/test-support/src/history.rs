//! Executions that ran before the test: put on record as an engine does it, without an engine.

use crate::TestApp;
use chrono::Duration;
use msp_domain::{Clock, ExecutionId, ExecutionStatus, LogLevel, LogLine, Scope, Trigger, UserId};
use msp_storage::repositories::{
    Actor,
    audit::AuditDraft,
    executions::{Ended, Ending, Entry, Execution, NewExecution},
};
use serde_json::{Value, json};

/// An execution that has ended.
#[derive(Debug, Clone)]
pub struct PastExecution {
    /// Where it ran.
    pub scope: Scope,
    /// What ran.
    pub workflow: String,
    /// Who asked.
    pub user: UserId,
    /// What it returned.
    pub result: Value,
    /// Its only log line.
    pub log: String,
}

impl TestApp {
    /// Puts a successful execution on record.
    ///
    /// # Panics
    /// If the store fails.
    pub async fn past_execution(&self, past: &PastExecution) -> Execution {
        let execution = self.running_execution(past).await;
        let ending = Ending {
            status: ExecutionStatus::Success,
            result_json: Some(past.result.to_string()),
            error_type: None,
            error_message: None,
            completed_at: self.clock.now(),
            logs_through: 1,
        };
        let executions = &self.repositories.executions;
        let ended = executions.finish(&execution, &ending).await.expect("the ending is recorded");
        executions.count(&Ended::of(&ended).into_iter().collect::<Vec<_>>()).await.expect("it is counted");
        ended
    }

    /// Puts an execution on record that has logged its line and not ended.
    ///
    /// # Panics
    /// If the store fails.
    pub async fn running_execution(&self, past: &PastExecution) -> Execution {
        let executions = &self.repositories.executions;
        let now = self.clock.now();
        let id = ExecutionId::at(self.repositories.order.place(now));
        let new = NewExecution {
            id,
            scope: past.scope,
            workflow_name: past.workflow.clone(),
            form_id: None,
            form_name: None,
            executed_by: past.user,
            executed_by_name: format!("name of {}", past.user),
            trigger: Trigger::Api,
            input_json: json!({}).to_string(),
            bundle_hash: "bundle".to_owned(),
            started_at: now,
            scheduled_for: None,
            timeout_seconds: 60,
            minutes_saved: None,
            retry_of: None,
            batch: None,
            mark: None,
            files: Vec::new(),
        };
        let audit = AuditDraft {
            scope: past.scope,
            actor: Actor { user: Some(past.user), ip_address: None },
            action: "Workflow.Execute".to_owned(),
            entity_type: "Execution".to_owned(),
            entity_id: id.key(),
            details: json!({}),
        };
        let entry = Entry::Claimed { owner: "engine".to_owned(), deadline_at: now + Duration::minutes(1) };
        let execution = executions.insert(&new, &entry, Vec::new(), audit).await.expect("the execution is recorded");
        let line = LogLine {
            seq: 1,
            at: now,
            level: LogLevel::Info,
            source: "print".to_owned(),
            message: past.log.clone(),
            step: None,
        };
        executions.append_logs(&execution, &[line]).await.expect("the log is recorded");
        execution
    }
}
