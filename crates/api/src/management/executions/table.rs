//! Executions as the rows of a file, whether it is streamed or written on a schedule.

use super::view::ExecutionSummary;
use crate::http::csv;
use chrono::{DateTime, SecondsFormat, Utc};
use msp_domain::ExportFormat;
use msp_storage::repositories::executions::Execution;

/// The columns of a table, in their order.
const COLUMNS: [&str; 13] = [
    "id",
    "org_id",
    "workflow_name",
    "form_name",
    "executed_by",
    "executed_by_name",
    "trigger",
    "status",
    "started_at",
    "completed_at",
    "duration_ms",
    "error_type",
    "error_message",
];

/// What a file of this format is declared as.
pub(crate) fn media_type(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::Csv => "text/csv; charset=utf-8",
        ExportFormat::Jsonl => "application/jsonl",
    }
}

/// What a file begins with.
pub(crate) fn head(format: ExportFormat) -> String {
    match format {
        ExportFormat::Csv => csv::head(COLUMNS),
        ExportFormat::Jsonl => String::new(),
    }
}

/// Adds executions to a file.
pub(crate) fn write(format: ExportFormat, executions: &[Execution], file: &mut Vec<u8>) {
    match format {
        ExportFormat::Csv => {
            for execution in executions {
                file.extend(csv::line(cells(execution).iter().map(String::as_str)).into_bytes());
            }
        }
        ExportFormat::Jsonl => {
            for execution in executions {
                let line = serde_json::to_vec(&ExecutionSummary::from(execution));
                file.extend(line.expect("what is answered always serialises"));
                file.push(b'\n');
            }
        }
    }
}

/// What a list shows of an execution, as the cells of a table.
fn cells(execution: &Execution) -> [String; COLUMNS.len()] {
    let instant = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    [
        execution.id.key(),
        execution.scope.org().map(|org| org.key()).unwrap_or_default(),
        execution.workflow_name.clone(),
        execution.form_name.as_deref().unwrap_or_default().to_owned(),
        execution.executed_by.key(),
        execution.executed_by_name.clone(),
        execution.trigger.clone(),
        execution.status.name().to_owned(),
        instant(execution.started_at),
        execution.completed_at.map(instant).unwrap_or_default(),
        execution.duration_ms.map(|millis| millis.to_string()).unwrap_or_default(),
        execution.error_type.as_deref().unwrap_or_default().to_owned(),
        execution.error_message.as_deref().unwrap_or_default().to_owned(),
    ]
}
