//! Config values: table `OrgConfig`, PK organization or `GLOBAL`, RK `config:{key}`.

use super::audit::AuditDraft;
use super::{Actor, Journal, check_version, etag_of, if_readable, readable, retry, write_over};
use crate::{Commit, Entity, Etag, IfMatch, Query, StoreError, Table, TableWrite, Write};
use chrono::{DateTime, Utc};
use msp_domain::{ConfigEntry, ConfigType, EffectiveConfig, OrgId, Scope};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const PREFIX: &str = "config:";

/// A stored value with its bookkeeping.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredConfig {
    /// Key, type, value, description.
    pub entry: ConfigEntry,
    /// What it was listed under where it was imported from; nobody but an export looks at it.
    pub category: Option<String>,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
    /// By whom.
    pub updated_by: String,
    /// Its version.
    pub etag: Etag,
}

/// The config values.
#[derive(Clone)]
pub struct Config {
    journal: Journal,
}

impl Config {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal }
    }

    /// The values set in one scope that are readable, by key.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn of_scope(&self, scope: Scope) -> Result<Vec<StoredConfig>, StoreError> {
        Ok(readable(Table::OrgConfig, &self.rows(scope).await?, read))
    }

    /// The values set in one scope, by key, for whoever must not miss one.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row is not readable.
    pub async fn every(&self, scope: Scope) -> Result<Vec<StoredConfig>, StoreError> {
        self.each_of(scope).await?.into_iter().collect()
    }

    /// The same, each value with what keeps it from being read.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn each_of(&self, scope: Scope) -> Result<Vec<Result<StoredConfig, StoreError>>, StoreError> {
        Ok(self.rows(scope).await?.iter().map(read).collect())
    }

    /// The values that hold for an organization and are readable, by key, each with the scope it is set in. One of its own
    /// that is not readable is left out: what would be inherited without it does not hold.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn holding(&self, org: OrgId) -> Result<Vec<(Scope, StoredConfig)>, StoreError> {
        let (global, own) = futures::try_join!(self.rows(Scope::Global), self.rows(Scope::Org(org)))?;
        let global = global.into_iter().map(|row| (Scope::Global, row));
        let own = own.into_iter().map(|row| (Scope::Org(org), row));
        let merged: BTreeMap<String, (Scope, Entity)> =
            global.chain(own).map(|(scope, row)| (row.row_key.clone(), (scope, row))).collect();
        let read = |(scope, row): (Scope, Entity)| Some((scope, if_readable(Table::OrgConfig, &row, read(&row))?));
        Ok(merged.into_values().filter_map(read).collect())
    }

    async fn rows(&self, scope: Scope) -> Result<Vec<Entity>, StoreError> {
        let query = Query::partition(scope.key()).rows_with_prefix(PREFIX);
        self.journal.tables.query_all(Table::OrgConfig, query).await
    }

    /// What holds for an organization: its own values over the global ones. `None`: only the global ones.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row is not readable: no run goes by half of its settings.
    pub async fn effective(&self, org: Option<OrgId>) -> Result<EffectiveConfig, StoreError> {
        let own = async {
            match org {
                Some(org) => self.every(Scope::Org(org)).await,
                None => Ok(Vec::new()),
            }
        };
        let (global, own) = futures::try_join!(self.every(Scope::Global), own)?;
        let entries = |stored: Vec<StoredConfig>| stored.into_iter().map(|stored| stored.entry).collect();
        Ok(EffectiveConfig::merge(entries(global), entries(own)))
    }

    /// One value set in exactly this scope.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row is not readable.
    pub async fn get(&self, scope: Scope, key: &str) -> Result<Option<StoredConfig>, StoreError> {
        let row = self.journal.tables.get(Table::OrgConfig, &scope.key(), &row_key(key)).await?;
        row.as_ref().map(read).transpose()
    }

    /// Writes a value; the caller has parsed it.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`] when `if_match` is stale; [`StoreError::Limit`] when the value is too long.
    pub async fn set(
        &self,
        scope: Scope,
        entry: &ConfigEntry,
        if_match: Option<&Etag>,
        actor: &Actor,
    ) -> Result<StoredConfig, StoreError> {
        let attempt = async || {
            let before = self.get(scope, &entry.key).await?;
            let current = before.as_ref().map(|stored| stored.etag.clone());
            if check_version(current.as_ref(), if_match).is_err() {
                return Ok(None);
            }
            self.store(scope, entry, before, actor).await.map(Some)
        };
        // A version the caller did not mean is final; only a race with others is tried again.
        retry(attempt).await?.ok_or(StoreError::PreconditionFailed)
    }

    async fn store(
        &self,
        scope: Scope,
        entry: &ConfigEntry,
        before: Option<StoredConfig>,
        actor: &Actor,
    ) -> Result<StoredConfig, StoreError> {
        let now = self.journal.clock.now();
        let category = before.as_ref().and_then(|before| before.category.clone());
        let mut writes = self.writes_at(now, scope, (entry, category.as_deref()), before.as_ref(), actor);
        writes.push(self.journal.generation.bump());
        let guards = self.journal.open(scope).await?;
        match self.journal.tables.commit_etags(Commit { writes, guards }).await?.into_iter().next().flatten() {
            Some(etag) => {
                let (entry, updated_by) = (entry.clone(), actor.key());
                Ok(StoredConfig { entry, category, updated_at: now, updated_by, etag })
            }
            None => self.get(scope, &entry.key).await?.ok_or(StoreError::NotFound),
        }
    }

    /// What setting a value writes over `before`, for a commit that holds more; it moves the generation.
    pub(super) fn writes(
        &self,
        scope: Scope,
        (entry, category): (&ConfigEntry, Option<&str>),
        before: Option<&StoredConfig>,
        actor: &Actor,
    ) -> Vec<TableWrite> {
        self.writes_at(self.journal.clock.now(), scope, (entry, category), before, actor)
    }

    fn writes_at(
        &self,
        now: DateTime<Utc>,
        scope: Scope,
        (entry, category): (&ConfigEntry, Option<&str>),
        before: Option<&StoredConfig>,
        actor: &Actor,
    ) -> Vec<TableWrite> {
        let row = Entity::new(scope.key(), row_key(&entry.key))
            .with("Value", value_text(&entry.value))
            .with("Type", entry.config_type.name())
            .with("UpdatedAt", now)
            .with("UpdatedBy", actor.key())
            .with_some("Description", entry.description.as_deref())
            .with_some("Category", category);
        let details = json!({
            "before": before.map(|stored| describe(&stored.entry, stored.category.as_deref())),
            "after": describe(entry, category),
        });
        vec![
            (Table::OrgConfig, write_over(before.map(|stored| stored.etag.clone()), row)),
            self.journal.audit.row(AuditDraft::new(scope, actor, "Config.Set", entry.key.clone(), details)),
        ]
    }

    /// Removes a value: [`StoreError::NotFound`] if it is not set in exactly this scope.
    ///
    /// # Errors
    /// As said; [`StoreError::PreconditionFailed`] when `if_match` is stale; [`StoreError::Full`].
    pub async fn delete(
        &self,
        scope: Scope,
        key: &str,
        if_match: Option<&Etag>,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        let attempt = async || {
            let before = self.get(scope, key).await?.ok_or(StoreError::NotFound)?;
            if check_version(Some(&before.etag), if_match).is_err() {
                return Ok(None);
            }
            let details = json!({ "before": describe(&before.entry, before.category.as_deref()) });
            let delete = Write::delete(scope.key(), row_key(key), IfMatch::Etag(before.etag));
            let writes = vec![
                (Table::OrgConfig, delete),
                self.journal.audit.row(AuditDraft::new(scope, actor, "Config.Delete", key, details)),
                self.journal.generation.bump(),
            ];
            self.journal.tables.commit(Commit::of(writes)).await.map(Some)
        };
        // A version the caller did not mean is final; only a race with others is tried again.
        retry(attempt).await?.ok_or(StoreError::PreconditionFailed)
    }
}

fn row_key(key: &str) -> String {
    format!("{PREFIX}{key}")
}

/// `Value` is a text, as the seed has it; `Type` says how to read it.
pub fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn describe(entry: &ConfigEntry, category: Option<&str>) -> Value {
    let mut described =
        json!({ "value": entry.value, "type": entry.config_type.name(), "description": entry.description });
    if let Some(category) = category {
        described["category"] = category.into();
    }
    described
}

pub(super) fn read(row: &Entity) -> Result<StoredConfig, StoreError> {
    let corrupt = |fault: String| StoreError::Corrupt(format!("{} of {}: {fault}", row.row_key, row.partition_key));
    let config_type: ConfigType = row.text("Type")?.parse().map_err(corrupt)?;
    let entry = ConfigEntry {
        key: row.row_key.strip_prefix(PREFIX).unwrap_or(&row.row_key).to_owned(),
        config_type,
        value: config_type.parse(&Value::from(row.text("Value")?)).map_err(corrupt)?,
        description: row.text_opt("Description")?.map(str::to_owned),
    };
    Ok(StoredConfig {
        entry,
        category: row.text_opt("Category")?.map(str::to_owned),
        updated_at: row.instant("UpdatedAt")?,
        updated_by: row.text_opt("UpdatedBy")?.unwrap_or_default().to_owned(),
        etag: etag_of(row)?,
    })
}
