//! Rules and how telling went as table rows, and back.

use super::{Delivery, StoredRule, etag_of};
use crate::{Entity, IfMatch, StoreError, Write};
use chrono::{DateTime, Utc};
use msp_domain::Scope;
use uuid::Uuid;

pub(super) const RULE: &str = "rule:";
pub(super) const DELIVERY: &str = "delivery:";
pub(super) const TURN: &str = "~turn";

pub(super) fn rule_key(id: Uuid) -> String {
    format!("{RULE}{id}")
}

pub(super) fn delivery_key(id: Uuid) -> String {
    format!("{DELIVERY}{id}")
}

pub(super) fn row(stored: &StoredRule) -> Entity {
    let rule = serde_json::to_string(&stored.rule).expect("a rule always serialises");
    Entity::new(stored.scope.key(), rule_key(stored.id))
        .with("Rule", rule)
        .with_some("Address", stored.secret.as_deref())
        .with("CreatedAt", stored.created_at)
        .with("UpdatedAt", stored.updated_at)
        .with("UpdatedBy", stored.updated_by.as_str())
}

pub(super) fn read(scope: Scope, row: &Entity) -> Result<StoredRule, StoreError> {
    let corrupt = || StoreError::Corrupt(format!("the notification rule {} is not readable", row.row_key));
    let updated_at = row.instant("UpdatedAt")?;
    Ok(StoredRule {
        id: id_of(row, RULE).ok_or_else(corrupt)?,
        scope,
        rule: serde_json::from_str(row.text("Rule")?).map_err(|_| corrupt())?,
        created_at: row.instant_opt("CreatedAt")?.unwrap_or(updated_at),
        updated_at,
        updated_by: row.text_opt("UpdatedBy")?.unwrap_or_default().to_owned(),
        etag: etag_of(row)?,
        secret: row.text_opt("Address")?.map(str::to_owned),
    })
}

/// The write that says how telling went. A failure keeps when it last succeeded.
pub(super) fn delivery(stored: &StoredRule, error: Option<String>, now: DateTime<Utc>) -> Write {
    let row = Entity::new(stored.scope.key(), delivery_key(stored.id));
    match error {
        None => Write::UpsertReplace(row.with("LastDeliveredAt", now)),
        Some(error) => Write::UpsertMerge(row.with("LastError", error).with("LastFailedAt", now)),
    }
}

pub(super) fn read_delivery(row: &Entity) -> Result<(Uuid, Delivery), StoreError> {
    let id = id_of(row, DELIVERY).ok_or_else(|| StoreError::Corrupt(format!("{} names no rule", row.row_key)))?;
    let delivery = Delivery {
        last_delivered_at: row.instant_opt("LastDeliveredAt")?,
        last_error: row.text_opt("LastError")?.map(str::to_owned),
        last_failed_at: row.instant_opt("LastFailedAt")?,
    };
    Ok((id, delivery))
}

/// Whether a row of the table can be read.
pub(in crate::repositories) fn check(row: &Entity) -> Result<(), StoreError> {
    if row.row_key.starts_with(DELIVERY) {
        return read_delivery(row).map(drop);
    }
    if row.row_key == TURN {
        return Ok(());
    }
    let scope = Scope::from_key(&row.partition_key).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    read(scope, row).map(drop)
}

fn id_of(row: &Entity, prefix: &str) -> Option<Uuid> {
    row.row_key.strip_prefix(prefix)?.parse().ok()
}

/// As a delete of whatever version is there.
pub(super) fn removal(row: &Entity) -> Write {
    Write::delete(row.partition_key.clone(), row.row_key.clone(), IfMatch::Any)
}
