//! Secrets: sealed with AES-256-GCM under a key derived from the master key, bound to their address.

use crate::master_key::MasterKey;
use crate::sqlite::schema::{KEY_CHECK_PARTITION, KEY_CHECK_PROPERTY as SEALED, KEY_CHECK_ROW};
use async_trait::async_trait;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use msp_domain::Scope;
use msp_storage::{
    Commit, Entity, Guard, IfMatch, Query, SecretAddress, SecretChange, SecretNamespace, SecretStore, SecretValue,
    StoreError, Table, TableStore, Write, limits,
};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What the derived key is for. A new way of sealing gets a new label.
const PURPOSE: &str = "secrets/aes-256-gcm/v1";
const CHECK_PURPOSE: &str = "key-check/aes-256-gcm/v1";
const CHECK_TEXT: &str = "this database belongs to this key";

pub(crate) struct LocalSecrets {
    tables: Arc<dyn TableStore>,
    master_key: MasterKey,
    key: RandomizedNonceKey,
}

impl LocalSecrets {
    pub(crate) fn new(tables: Arc<dyn TableStore>, master_key: &MasterKey) -> Self {
        Self { tables, master_key: master_key.clone(), key: sealing_key(master_key, PURPOSE) }
    }

    /// Holds while the database belongs to our key: one that was changed meanwhile could not open what we seal.
    async fn same_key(&self) -> Result<Guard, StoreError> {
        let check = self.tables.get(Table::Secrets, KEY_CHECK_PARTITION, KEY_CHECK_ROW).await?;
        let fits = |row: &Entity| Ok::<_, StoreError>(key_fits(&self.master_key, row.text(SEALED)?));
        match check {
            Some(row) if fits(&row)? => Ok(Guard {
                table: Table::Secrets,
                partition_key: row.partition_key,
                row_key: row.row_key,
                etag: row.etag,
            }),
            _ => Err(key_changed()),
        }
    }
}

impl LocalSecrets {
    /// The row of a secret with this value.
    fn sealed(&self, address: &SecretAddress, value: &SecretValue) -> Result<Entity, StoreError> {
        limits::check_secret(value)?;
        let sealed = seal(&self.key, &associated(address), value.reveal())?;
        Ok(Entity::new(address.scope.key(), row_key(address)).with(SEALED, sealed))
    }

    async fn row(&self, address: &SecretAddress) -> Result<Option<Entity>, StoreError> {
        self.tables.get(Table::Secrets, &address.scope.key(), &row_key(address)).await
    }

    /// The value in a row.
    fn opened(&self, address: &SecretAddress, row: &Entity) -> Result<SecretValue, StoreError> {
        open(&self.key, &associated(address), row.text(SEALED)?).ok_or_else(|| {
            StoreError::Corrupt(format!(
                "the secret ({}, {}) does not decrypt: it was changed, or moved from another place",
                row.partition_key, row.row_key
            ))
        })
    }

    /// What makes a change, on condition that the row stays as it was read here.
    async fn change(&self, change: &SecretChange) -> Result<Option<Write>, StoreError> {
        let row = self.row(&change.address).await?;
        if let Some(seen) = &change.seen {
            let held = row.as_ref().map(|row| self.opened(&change.address, row)).transpose()?;
            if held.as_ref().map(SecretValue::reveal) != seen.as_ref().map(SecretValue::reveal) {
                return Err(StoreError::PreconditionFailed);
            }
        }
        let version = row.map(|row| row.etag.map_or(IfMatch::Any, IfMatch::Etag));
        Ok(match (&change.value, version) {
            (Some(value), Some(version)) => Some(Write::Replace(self.sealed(&change.address, value)?, version)),
            (Some(value), None) => Some(Write::Insert(self.sealed(&change.address, value)?)),
            (None, Some(version)) => Some(Write::delete(change.address.scope.key(), row_key(&change.address), version)),
            (None, None) => None,
        })
    }
}

fn key_changed() -> StoreError {
    StoreError::unavailable("the master key was changed since this program started; start it again")
}

fn sealing_key(master_key: &MasterKey, purpose: &str) -> RandomizedNonceKey {
    let derived = Zeroizing::new(master_key.derive(purpose));
    RandomizedNonceKey::new(&AES_256_GCM, derived.as_slice()).expect("a derived key has the length AES-256 asks for")
}

/// Seals a text: base64 of nonce, ciphertext, tag.
fn seal(key: &RandomizedNonceKey, associated: &[u8], text: &str) -> Result<String, StoreError> {
    // With room for the tag: a buffer that moved while it held the text would leave an unwiped copy behind.
    let mut buffer = Vec::with_capacity(text.len() + AES_256_GCM.tag_len());
    buffer.extend_from_slice(text.as_bytes());
    let nonce = key
        .seal_in_place_append_tag(Aad::from(associated), &mut buffer)
        .map_err(|_| StoreError::unavailable("the system gave no random numbers"))?;
    let sealed = [nonce.as_ref().as_slice(), &buffer].concat();
    Ok(BASE64_STANDARD.encode(sealed))
}

/// Opens a sealed text; `None` when key, address or content are not those it was sealed with.
fn open(key: &RandomizedNonceKey, associated: &[u8], sealed: &str) -> Option<SecretValue> {
    let sealed = BASE64_STANDARD.decode(sealed).ok()?;
    let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN)?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let text = key.open_in_place(nonce, Aad::from(associated), &mut buffer).ok()?;
    std::str::from_utf8(text).ok().map(SecretValue::new)
}

/// The address as associated data.
fn associated(address: &SecretAddress) -> Vec<u8> {
    bind(address.namespace.name(), &address.scope.key(), &address.name)
}

/// Each part is preceded by its length, so no two addresses read alike.
fn bind(namespace: &str, scope: &str, name: &str) -> Vec<u8> {
    let mut data = Vec::new();
    for part in [namespace, scope, name] {
        data.extend((part.len() as u64).to_be_bytes());
        data.extend(part.as_bytes());
    }
    data
}

/// A sealed text by which a key is recognised.
pub(crate) fn key_check(master_key: &MasterKey) -> Result<String, StoreError> {
    seal(&sealing_key(master_key, CHECK_PURPOSE), b"key-check", CHECK_TEXT)
}

/// Whether this key sealed the check.
pub(crate) fn key_fits(master_key: &MasterKey, check: &str) -> bool {
    open(&sealing_key(master_key, CHECK_PURPOSE), b"key-check", check).is_some_and(|text| text.reveal() == CHECK_TEXT)
}

/// The row of a secret, or of the key check, sealed with another key; `None` when it does not open with the old one.
pub(crate) fn reseal(row: &Entity, old: &MasterKey, new: &MasterKey) -> Result<Option<Entity>, StoreError> {
    let sealed = row.text(SEALED)?;
    let fresh = if row.partition_key == KEY_CHECK_PARTITION {
        key_fits(old, sealed).then(|| key_check(new)).transpose()?
    } else {
        let Some((namespace, name)) = row.row_key.split_once(':') else { return Ok(None) };
        let bound = bind(namespace, &row.partition_key, name);
        open(&sealing_key(old, PURPOSE), &bound, sealed)
            .map(|value| seal(&sealing_key(new, PURPOSE), &bound, value.reveal()))
            .transpose()?
    };
    Ok(fresh.map(|fresh| Entity { etag: None, ..row.clone() }.with(SEALED, fresh)))
}

fn prefix(namespace: SecretNamespace) -> String {
    format!("{}:", namespace.name())
}

fn row_key(address: &SecretAddress) -> String {
    format!("{}{}", prefix(address.namespace), address.name)
}

#[async_trait]
impl SecretStore for LocalSecrets {
    async fn set(&self, address: &SecretAddress, value: &SecretValue) -> Result<(), StoreError> {
        let row = self.sealed(address, value)?;
        let commit =
            Commit { writes: vec![(Table::Secrets, Write::UpsertReplace(row))], guards: vec![self.same_key().await?] };
        match self.tables.commit(commit).await {
            Err(StoreError::PreconditionFailed) => Err(key_changed()),
            outcome => outcome,
        }
    }

    async fn get(&self, address: &SecretAddress) -> Result<Option<SecretValue>, StoreError> {
        let row = self.row(address).await?;
        row.map(|row| self.opened(address, &row)).transpose()
    }

    async fn delete(&self, address: &SecretAddress) -> Result<(), StoreError> {
        let delete = Write::delete(address.scope.key(), row_key(address), IfMatch::Any);
        match self.tables.write(Table::Secrets, delete).await {
            Ok(_) | Err(StoreError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn within(&self, changes: &[SecretChange]) -> Result<Option<Commit>, StoreError> {
        let mut commit = Commit { writes: Vec::new(), guards: vec![self.same_key().await?] };
        for change in changes {
            commit.writes.extend(self.change(change).await?.map(|write| (Table::Secrets, write)));
        }
        Ok(Some(commit))
    }

    async fn names(&self, namespace: SecretNamespace, scope: Scope) -> Result<Vec<String>, StoreError> {
        let prefix = prefix(namespace);
        let query = Query::partition(scope.key()).rows_with_prefix(&prefix);
        let rows = self.tables.query_all(Table::Secrets, query).await?;
        Ok(rows.iter().filter_map(|row| row.row_key.strip_prefix(&prefix)).map(str::to_owned).collect())
    }
}
