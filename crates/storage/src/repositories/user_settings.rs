//! What people have chosen for the client: table `UserSettings`, PK user id, RK `settings`. Not audited, and no generation:
//! nothing is decided by it.

use super::Journal;
use crate::{Entity, Etag, IfMatch, StoreError, Table, Write, limits};
use msp_domain::{UserId, UserSettings};

const ROW: &str = "settings";
/// Longest text of all settings of one person: they are one property (design section 3).
const MAX_UNITS: usize = 30_000;

/// The settings of each person.
#[derive(Clone)]
pub struct SettingsOfUsers {
    journal: Journal,
}

impl SettingsOfUsers {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal }
    }

    /// What a person has chosen, with its version; `None` before the first choice.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is not readable.
    pub async fn get(&self, user: UserId) -> Result<Option<(UserSettings, Etag)>, StoreError> {
        let Some(row) = self.journal.tables.get(Table::UserSettings, &user.key(), ROW).await? else { return Ok(None) };
        let settings = serde_json::from_str(row.text("Settings")?)
            .map_err(|error| StoreError::Corrupt(format!("the settings of {user}: {error}")))?;
        Ok(Some((settings, super::etag_of(&row)?)))
    }

    /// Replaces what a person has chosen; the caller has checked it. Answers the new version.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`] when `if_match` is stale; [`StoreError::Limit`] when it is too much.
    pub async fn put(
        &self,
        user: UserId,
        settings: &UserSettings,
        if_match: Option<&Etag>,
    ) -> Result<Etag, StoreError> {
        let text = serde_json::to_string(settings).expect("settings always serialise");
        if limits::utf16_units(&text) > MAX_UNITS {
            return Err(StoreError::Limit(format!("settings have at most {MAX_UNITS} characters as JSON")));
        }
        let row = Entity::new(user.key(), ROW).with("Settings", text).with("UpdatedAt", self.journal.clock.now());
        let write = match if_match {
            Some(etag) => Write::Replace(row, IfMatch::Etag(etag.clone())),
            None => Write::UpsertReplace(row),
        };
        match self.journal.tables.write(Table::UserSettings, write).await {
            Ok(etag) => etag.ok_or_else(|| StoreError::Corrupt("a write answered no version".to_owned())),
            Err(StoreError::NotFound) => Err(StoreError::PreconditionFailed),
            Err(error) => Err(error),
        }
    }
}
