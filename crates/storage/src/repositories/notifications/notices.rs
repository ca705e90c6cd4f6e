//! Failures that are to be told: rows `~notice_{rule}_{kind}` beside the pointers of executions, one for each rule,
//! organization, workflow and error type.
//!
//! They stand in the pointers' own partition as counters do, and for the same reason: what counts an execution, deletes its
//! pointer and adds it to what is to be told is one batch in every home. So each failure is added exactly once, nothing is
//! sent of an end that is not durable, and the end of a run waits for none of it.

use super::{NotificationRules, StoredRule, etag_of, retry, rows::removal};
use crate::repositories::executions::lifecycle::ACTIVE_PARTITION;
use crate::repositories::executions::{Ended, rows::scope_of};
use crate::repositories::{Journal, readable, write_over};
use crate::{Entity, Etag, IfMatch, Query, StoreError, Table, TableWrite, Write, limits};
use chrono::{DateTime, TimeDelta, Utc};
use msp_domain::{ExecutionId, ExecutionStatus, Scope};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap, btree_map::Entry};
use std::fmt::Write as _;
use std::sync::Arc;
use uuid::Uuid;

/// What their keys begin with: they sort behind every pointer, and behind the counters.
const PREFIX: &str = "~notice_";
/// Kinds of failures one rule keeps apart at a time; what comes beyond them is told together. Workflows choose the names of
/// their errors, so there may be as many kinds as there are runs.
const MOST_KINDS: usize = 50;
/// Stands in the key of those told together.
const OTHERS: &str = "others";
/// Longest error type that is kept, in UTF-16 units.
const MAX_ERROR_TYPE: usize = 200;

/// Failures of one kind that a rule tells, told or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whose rule it is.
    pub rule_scope: Scope,
    /// The rule.
    pub rule: Uuid,
    /// For whom the workflow ran.
    pub scope: Scope,
    /// The workflow.
    pub workflow: String,
    /// What went wrong; how it ended, if it did not say.
    pub error_type: String,
    /// Whether failures of other workflows and error types, perhaps of other organizations, are among them.
    pub is_mixed: bool,
    /// The first that is not told.
    pub first: ExecutionId,
    /// When that ended.
    pub since: DateTime<Utc>,
    /// How many are not told.
    pub untold: u64,
    /// When some were last told.
    pub told_at: Option<DateTime<Utc>>,
    /// When it is to be looked at: to tell what is not told, or, if that is nothing, to forget it.
    pub due_at: DateTime<Utc>,
    /// Attempts that failed since some were last told.
    pub attempts: u32,
    /// When the first of them was made.
    pub tried_since: Option<DateTime<Utc>>,
    latest: ExecutionId,
    row_key: String,
    etag: Option<Etag>,
}

/// Which rules want to tell some executions that have ended.
#[derive(Default)]
pub(in crate::repositories) struct Wanted(HashMap<Scope, Vec<Arc<StoredRule>>>);

impl Wanted {
    fn rules_of<'a>(&'a self, ended: &'a Ended) -> impl Iterator<Item = &'a Arc<StoredRule>> {
        let rules = self.0.get(&ended.pointer.scope).into_iter().flatten();
        rules.filter(|stored| stored.rule.wants(&ended.workflow_name, ended.status))
    }

    /// The rows an execution is added to.
    pub(in crate::repositories) fn rows(&self, ended: &Ended) -> Vec<String> {
        self.rules_of(ended).map(|stored| row_key(stored.id, &kind(ended))).collect()
    }
}

/// What is to be told.
#[derive(Clone)]
pub struct Notices {
    journal: Journal,
    rules: NotificationRules,
}

impl Notices {
    pub(in crate::repositories) fn new(journal: Journal, rules: NotificationRules) -> Self {
        Self { journal, rules }
    }

    /// Resolves when this process has added something, or changed a rule, since it last did.
    pub async fn written(&self) {
        self.rules.changed.notified().await;
    }

    /// Everything that is to be told or was just told. A row that is not readable is left out.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn all(&self) -> Result<Vec<Notice>, StoreError> {
        let rows = self.journal.tables.query_all(Table::ActiveExecutions, everything()).await?;
        Ok(readable(Table::ActiveExecutions, &rows, read))
    }

    /// How many failures a rule has not told yet.
    ///
    /// # Errors
    /// As for [`Self::all`].
    pub async fn untold(&self, rule: Uuid) -> Result<u64, StoreError> {
        let rows = self.journal.tables.query_all(Table::ActiveExecutions, of_rule(rule)).await?;
        Ok(readable(Table::ActiveExecutions, &rows, read).iter().map(|notice| notice.untold).sum())
    }

    /// What `notice` says was told: what came since waits until `quiet` has passed.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Unavailable`].
    pub async fn told(&self, notice: &Notice, quiet: TimeDelta) -> Result<(), StoreError> {
        let now = self.journal.clock.now();
        self.change(notice, |stored| Notice {
            untold: stored.untold.saturating_sub(notice.untold),
            first: stored.latest,
            since: now,
            told_at: Some(now),
            due_at: now + quiet,
            attempts: 0,
            tried_since: None,
            ..stored
        })
        .await
    }

    /// Telling failed and is tried again at this time.
    ///
    /// # Errors
    /// As for [`Self::told`].
    pub async fn postpone(&self, notice: &Notice, until: DateTime<Utc>) -> Result<(), StoreError> {
        let now = self.journal.clock.now();
        self.change(notice, |stored| Notice {
            due_at: until,
            attempts: stored.attempts.saturating_add(1),
            tried_since: stored.tried_since.or(Some(now)),
            ..stored
        })
        .await
    }

    /// What `notice` says is not told any more; what came since begins anew.
    ///
    /// # Errors
    /// As for [`Self::told`].
    pub async fn give_up(&self, notice: &Notice) -> Result<(), StoreError> {
        let now = self.journal.clock.now();
        self.change(notice, |stored| Notice {
            untold: stored.untold.saturating_sub(notice.untold),
            first: stored.latest,
            since: now,
            due_at: now,
            attempts: 0,
            tried_since: None,
            ..stored
        })
        .await
    }

    /// Forgets it, told or not, unless something was added meanwhile.
    ///
    /// # Errors
    /// As for [`Self::told`].
    pub async fn forget(&self, notice: &Notice) -> Result<(), StoreError> {
        let if_match = notice.etag.clone().map_or(IfMatch::Any, IfMatch::Etag);
        let delete = Write::delete(ACTIVE_PARTITION, notice.row_key.as_str(), if_match);
        match self.journal.tables.write(Table::ActiveExecutions, delete).await {
            Ok(_) | Err(StoreError::NotFound | StoreError::PreconditionFailed) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// How many failures of a scope, or by its rules, wait to be told: what [`Self::forget_all`] forgets of it.
    pub(in crate::repositories) async fn untold_of(&self, scope: Scope) -> Result<u64, StoreError> {
        let rows = self.journal.tables.query_all(Table::ActiveExecutions, everything()).await?;
        let notices = readable(Table::ActiveExecutions, &rows, read).into_iter();
        Ok(notices
            .filter(|notice| [notice.scope, notice.rule_scope].contains(&scope))
            .map(|notice| notice.untold)
            .sum())
    }

    /// Forgets everything of a scope that is deleted, or (`None`) everything.
    pub(in crate::repositories) async fn forget_all(&self, scope: Option<Scope>) -> Result<(), StoreError> {
        let tables = &self.journal.tables;
        for row in tables.query_all(Table::ActiveExecutions, everything()).await? {
            // What cannot be read is nobody's any more.
            let is_meant = read(&row)
                .map_or(true, |notice| scope.is_none_or(|scope| [notice.scope, notice.rule_scope].contains(&scope)));
            if is_meant {
                match tables.write(Table::ActiveExecutions, removal(&row)).await {
                    Ok(_) | Err(StoreError::NotFound) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Which rules want to tell these. Nothing is read if none of them failed.
    pub(in crate::repositories) async fn wanted(&self, ended: &[Ended]) -> Result<Wanted, StoreError> {
        let mut wanted = Wanted::default();
        let failed = ended.iter().filter(|ended| ended.status != ExecutionStatus::Success);
        let scopes: BTreeSet<Scope> = failed.map(|ended| ended.pointer.scope).collect();
        if scopes.is_empty() {
            return Ok(wanted);
        }
        let readable = async |scope| {
            Ok::<Vec<_>, StoreError>(self.rules.readable(scope).await?.into_iter().map(Arc::new).collect())
        };
        let everybodys: Vec<Arc<StoredRule>> = readable(Scope::Global).await?;
        for scope in scopes {
            let own = if scope == Scope::Global { Vec::new() } else { readable(scope).await? };
            wanted.0.insert(scope, own.into_iter().chain(everybodys.iter().cloned()).collect());
        }
        Ok(wanted)
    }

    /// The writes that add these to what is to be told.
    pub(in crate::repositories) async fn adding(
        &self,
        wanted: &Wanted,
        batch: &[&Ended],
    ) -> Result<Vec<TableWrite>, StoreError> {
        let mut of_rules: BTreeMap<Uuid, Kinds> = BTreeMap::new();
        for ended in batch {
            for stored in wanted.rules_of(ended) {
                let kinds = match of_rules.entry(stored.id) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(unknown) => unknown.insert(self.kinds(stored.id).await?),
                };
                kinds.add(stored, ended, self.journal.clock.now());
            }
        }
        Ok(of_rules.into_values().flat_map(Kinds::into_writes).collect())
    }

    /// Says that something was added.
    pub(in crate::repositories) fn added(&self) {
        self.rules.changed.notify_one();
    }

    async fn kinds(&self, rule: Uuid) -> Result<Kinds, StoreError> {
        let mut kinds = Kinds::default();
        for row in self.journal.tables.query_all(Table::ActiveExecutions, of_rule(rule)).await? {
            let etag = etag_of(&row)?;
            kinds.etags.insert(row.row_key.clone(), etag);
            // One that cannot be read begins anew.
            if let Ok(notice) = read(&row) {
                kinds.notices.insert(row.row_key, notice);
            }
        }
        Ok(kinds)
    }

    async fn change(&self, notice: &Notice, change: impl Fn(Notice) -> Notice) -> Result<(), StoreError> {
        let tables = &self.journal.tables;
        retry(async || {
            let Some(row) = tables.get(Table::ActiveExecutions, ACTIVE_PARTITION, &notice.row_key).await? else {
                return Ok(());
            };
            let write = Write::Replace(change(read(&row)?).entity(), IfMatch::Etag(etag_of(&row)?));
            match tables.write(Table::ActiveExecutions, write).await {
                Err(StoreError::NotFound) => Ok(()),
                outcome => outcome.map(drop),
            }
        })
        .await
    }
}

/// The kinds of failures a rule keeps apart.
#[derive(Default)]
struct Kinds {
    notices: BTreeMap<String, Notice>,
    etags: HashMap<String, Etag>,
    changed: BTreeSet<String>,
}

impl Kinds {
    fn add(&mut self, stored: &StoredRule, ended: &Ended, now: DateTime<Utc>) {
        let own = row_key(stored.id, &kind(ended));
        let has_place = self.notices.contains_key(&own) || self.notices.len() < MOST_KINDS;
        let key = if has_place { own } else { row_key(stored.id, OTHERS) };
        let notice = self.notices.entry(key.clone()).or_insert_with(|| Notice {
            rule_scope: stored.scope,
            rule: stored.id,
            scope: ended.pointer.scope,
            workflow: ended.workflow_name.clone(),
            error_type: error_type(ended),
            is_mixed: !has_place,
            first: ended.pointer.execution_id,
            since: ended.completed_at,
            untold: 0,
            told_at: None,
            due_at: now,
            attempts: 0,
            tried_since: None,
            latest: ended.pointer.execution_id,
            row_key: key.clone(),
            etag: None,
        });
        if notice.untold == 0 {
            notice.first = ended.pointer.execution_id;
            notice.since = ended.completed_at;
            // Of those told together the message names the first.
            notice.scope = ended.pointer.scope;
            ended.workflow_name.clone_into(&mut notice.workflow);
            notice.error_type = error_type(ended);
        }
        notice.untold += 1;
        notice.latest = ended.pointer.execution_id;
        self.changed.insert(key);
    }

    fn into_writes(mut self) -> impl Iterator<Item = TableWrite> {
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().filter_map(move |key| {
            let notice = self.notices.remove(&key)?;
            Some((Table::ActiveExecutions, write_over(self.etags.remove(&key), notice.entity())))
        })
    }
}

impl Notice {
    fn entity(&self) -> Entity {
        Entity::new(ACTIVE_PARTITION, self.row_key.as_str())
            .with("RuleScope", self.rule_scope.key())
            .with("RuleId", self.rule)
            .with_some("OrgId", self.scope.org().map(|org| org.as_uuid()))
            .with("WorkflowName", self.workflow.as_str())
            .with("ErrorType", self.error_type.as_str())
            .with("IsMixed", self.is_mixed)
            .with("ExecutionId", self.first.as_uuid())
            .with("LatestId", self.latest.as_uuid())
            .with("Since", self.since)
            .with("Untold", i64::try_from(self.untold).unwrap_or(i64::MAX))
            .with_some("ToldAt", self.told_at)
            .with("DueAt", self.due_at)
            .with("Attempts", i64::from(self.attempts))
            .with_some("TriedSince", self.tried_since)
    }
}

fn read(row: &Entity) -> Result<Notice, StoreError> {
    let corrupt = || StoreError::Corrupt(format!("the notice {} is not readable", row.row_key));
    let id = |name: &str| row.guid_opt(name)?.ok_or_else(corrupt);
    Ok(Notice {
        rule_scope: Scope::from_key(row.text("RuleScope")?).map_err(|_| corrupt())?,
        rule: id("RuleId")?,
        scope: scope_of(row)?,
        workflow: row.text("WorkflowName")?.to_owned(),
        error_type: row.text("ErrorType")?.to_owned(),
        is_mixed: row.flag("IsMixed")?,
        first: ExecutionId::from(id("ExecutionId")?),
        since: row.instant("Since")?,
        untold: u64::try_from(row.int("Untold")?).unwrap_or(0),
        told_at: row.instant_opt("ToldAt")?,
        due_at: row.instant("DueAt")?,
        attempts: u32::try_from(row.int_opt("Attempts")?.unwrap_or(0)).unwrap_or(u32::MAX),
        tried_since: row.instant_opt("TriedSince")?,
        latest: ExecutionId::from(id("LatestId")?),
        row_key: row.row_key.clone(),
        etag: Some(etag_of(row)?),
    })
}

/// Whether a row is one.
pub(in crate::repositories) fn check_notice(row: &Entity) -> Result<(), StoreError> {
    read(row).map(drop)
}

fn everything() -> Query {
    Query::partition(ACTIVE_PARTITION).rows_with_prefix(PREFIX)
}

/// The rows of a rule.
pub(super) fn of_rule(rule: Uuid) -> Query {
    Query::partition(ACTIVE_PARTITION).rows_with_prefix(&format!("{PREFIX}{rule}_"))
}

fn row_key(rule: Uuid, kind: &str) -> String {
    format!("{PREFIX}{rule}_{kind}")
}

/// What makes two failures the same to those who are told: a hash, because the names may be long and of every script.
fn kind(ended: &Ended) -> String {
    let parts = [&ended.pointer.scope.key(), &ended.workflow_name, &error_type(ended)];
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(16).fold(String::new(), |mut kind, byte| {
        write!(kind, "{byte:02x}").expect("a text takes everything");
        kind
    })
}

fn error_type(ended: &Ended) -> String {
    ended.error_type.clone().unwrap_or_else(|| ended.status.name().to_owned())
}

/// The error type of an execution, as far as it is kept.
pub(in crate::repositories) fn kept_error_type(error_type: &str) -> String {
    limits::shorten(error_type, MAX_ERROR_TYPE)
}
