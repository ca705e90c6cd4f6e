//! Many executions from one: its rows are read from the database, and written again with other ids, times and
//! organizations. So the rows have exactly the form the platform gives them, whatever that is.
//!
//! They are written in the order of time and all tables in turn, as years of use would have laid them into the file.

use crate::past::{TIMEOUT, TOOK};
use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use msp_domain::{ExecutionId, OrgId};
use rusqlite::{Connection, params};
use std::path::Path;

/// Executions of one transaction.
const BATCH: usize = 20_000;
/// Time between two executions: a million of them are a year.
pub const APART: Duration = Duration::seconds(30);

/// What differs between two executions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variables {
    /// Its id.
    pub id: ExecutionId,
    /// Where it ran.
    pub org: OrgId,
    /// When.
    pub started_at: DateTime<Utc>,
    /// The id of its audit row.
    pub audit_id: ExecutionId,
}

impl Variables {
    /// Their texts in a row; what contains another comes first.
    fn texts(&self) -> Result<[String; 7]> {
        let key = |id: ExecutionId| id.row_key().context("an id without a time");
        let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        Ok([
            key(self.id)?,
            key(self.audit_id)?,
            self.id.key(),
            self.audit_id.key(),
            self.org.key(),
            time(self.started_at),
            time(self.started_at + TOOK),
        ])
    }

    fn deadline(&self) -> String {
        (self.started_at + TIMEOUT).to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }
}

/// A text with places for what differs.
#[derive(Debug, PartialEq, Eq)]
struct Pattern(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// The variable with this number.
    Place(usize),
}

impl Pattern {
    /// Finds the variables in a text; of two that begin at one place, the one listed first.
    fn of(text: &str, variables: &[String]) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        loop {
            let next = variables
                .iter()
                .enumerate()
                .filter_map(|(number, variable)| rest.find(variable.as_str()).map(|at| (at, number)))
                .min();
            let Some((at, number)) = next else { break };
            if at > 0 {
                pieces.push(Piece::Text(rest[..at].to_owned()));
            }
            pieces.push(Piece::Place(number));
            rest = &rest[at + variables[number].len()..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Self(pieces)
    }

    /// Writes the text with other variables.
    fn fill(&self, variables: &[String], into: &mut String) {
        into.clear();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => into.push_str(text),
                Piece::Place(number) => into.push_str(&variables[*number]),
            }
        }
    }
}

/// One row of an execution.
struct Row {
    table: String,
    partition: Pattern,
    row: Pattern,
    properties: Pattern,
}

fn all_texts(variables: &Variables) -> Result<Vec<String>> {
    let mut texts = variables.texts()?.to_vec();
    texts.push(variables.deadline());
    Ok(texts)
}

/// The rows of the one execution on record, as patterns.
fn rows(connection: &Connection, id: ExecutionId, org: OrgId, started_at: DateTime<Utc>) -> Result<Vec<Row>> {
    let sql = "SELECT tbl, pk, rk, props FROM entities WHERE instr(rk || props, ?1) > 0";
    let mut statement = connection.prepare(sql)?;
    let text = |row: &rusqlite::Row<'_>, at| row.get::<_, String>(at);
    let found = statement
        .query_map([id.key()], |row| Ok([text(row, 0)?, text(row, 1)?, text(row, 2)?, text(row, 3)?]))?
        .collect::<Result<Vec<_>, _>>()?;
    let audit = found.iter().find(|[table, ..]| table == "AuditLogs").context("the execution has no audit row")?;
    let audit_id = audit[2].split_once('_').context("an audit row without an id")?.1.parse()?;
    let texts = all_texts(&Variables { id, org, started_at, audit_id })?;
    let row = |[table, partition, row, properties]: [String; 4]| Row {
        table,
        partition: Pattern::of(&partition, &texts),
        row: Pattern::of(&row, &texts),
        properties: Pattern::of(&properties, &texts),
    };
    let rows: Vec<_> = found.into_iter().map(row).collect();
    for table in ["WorkflowExecutions", "UserExecutions"] {
        ensure!(rows.iter().any(|row| row.table == table), "the execution has no row in {table}");
    }
    Ok(rows)
}

/// Writes the others: `count` of them, the first right after the pattern's time. Nobody else may use the file.
pub fn multiply(
    database: &Path,
    (id, org, started_at): (ExecutionId, OrgId, DateTime<Utc>),
    count: usize,
    org_of: impl Fn(usize) -> OrgId,
    mut seen: impl FnMut(OrgId, ExecutionId),
) -> Result<()> {
    let mut connection = Connection::open(database)?;
    // A crash costs a benchmark nothing, and the pages are checked into the file at the end.
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "cache_size", -256 * 1024)?;
    let rows = rows(&connection, id, org, started_at)?;
    let (mut partition, mut row_key, mut properties) = (String::new(), String::new(), String::new());
    for batch in (0..count).step_by(BATCH) {
        let transaction = connection.transaction()?;
        {
            let sql = "INSERT INTO entities (tbl, pk, rk, etag, props) VALUES (?1, ?2, ?3, ?4, ?5)";
            let mut insert = transaction.prepare_cached(sql)?;
            for number in batch..count.min(batch + BATCH) {
                let started_at = started_at + APART * i32::try_from(number + 1)?;
                let (id, audit_id) = (ExecutionId::at(started_at), ExecutionId::at(started_at));
                let variables = Variables { id, org: org_of(number), started_at, audit_id };
                let texts = all_texts(&variables)?;
                for row in &rows {
                    row.partition.fill(&texts, &mut partition);
                    row.row.fill(&texts, &mut row_key);
                    row.properties.fill(&texts, &mut properties);
                    let etag = ExecutionId::random().as_uuid().as_u64_pair().0.cast_signed();
                    insert.execute(params![row.table, partition, row_key, etag, properties])?;
                }
                seen(variables.org, id);
            }
        }
        transaction.commit()?;
    }
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(names: [&str; 3]) -> Vec<String> {
        names.map(str::to_owned).to_vec()
    }

    #[test]
    fn a_pattern_filled_with_its_own_variables_is_the_text_it_was_made_of() {
        let variables = texts(["0001_abc", "abc", "2025"]);
        let text = r#"{"Key":"0001_abc","Id":"abc","At":"2025","Else":"ab"}"#;
        let pattern = Pattern::of(text, &variables);
        let mut filled = String::new();
        pattern.fill(&variables, &mut filled);
        assert_eq!(filled, text);
        pattern.fill(&texts(["2_x", "x", "2026"]), &mut filled);
        assert_eq!(filled, r#"{"Key":"2_x","Id":"x","At":"2026","Else":"ab"}"#);
    }

    #[test]
    fn a_text_without_variables_stays_itself() {
        let pattern = Pattern::of("GLOBAL", &texts(["a_b", "b", "c"]));
        assert_eq!(pattern, Pattern(vec![Piece::Text("GLOBAL".to_owned())]));
    }
}
