//! Secrets: sealed with AES-256-GCM under a key derived from the master key, bound to their address.

use crate::master_key::MasterKey;
use async_trait::async_trait;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use msp_domain::Scope;
use msp_storage::{
    Entity, IfMatch, Query, SecretAddress, SecretNamespace, SecretStore, SecretValue, StoreError, Table, TableStore,
    Write, limits,
};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What the derived key is for. A new way of sealing gets a new label.
const PURPOSE: &str = "secrets/aes-256-gcm/v1";
const CHECK_PURPOSE: &str = "key-check/aes-256-gcm/v1";
const CHECK_TEXT: &str = "this database belongs to this key";
const SEALED: &str = "Sealed";

pub(crate) struct LocalSecrets {
    tables: Arc<dyn TableStore>,
    key: RandomizedNonceKey,
}

impl LocalSecrets {
    pub(crate) fn new(tables: Arc<dyn TableStore>, master_key: &MasterKey) -> Self {
        Self { tables, key: sealing_key(master_key, PURPOSE) }
    }
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

/// The address as associated data. Each part is preceded by its length, so no two addresses read alike.
fn associated(address: &SecretAddress) -> Vec<u8> {
    let mut data = Vec::new();
    for part in [address.namespace.name(), &address.scope.key(), &address.name] {
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

fn prefix(namespace: SecretNamespace) -> String {
    format!("{}:", namespace.name())
}

fn row_key(address: &SecretAddress) -> String {
    format!("{}{}", prefix(address.namespace), address.name)
}

#[async_trait]
impl SecretStore for LocalSecrets {
    async fn set(&self, address: &SecretAddress, value: &SecretValue) -> Result<(), StoreError> {
        limits::check_secret(value)?;
        let sealed = seal(&self.key, &associated(address), value.reveal())?;
        let row = Entity::new(address.scope.key(), row_key(address)).with(SEALED, sealed);
        self.tables.write(Table::Secrets, Write::UpsertReplace(row)).await.map(|_| ())
    }

    async fn get(&self, address: &SecretAddress) -> Result<Option<SecretValue>, StoreError> {
        let Some(row) = self.tables.get(Table::Secrets, &address.scope.key(), &row_key(address)).await? else {
            return Ok(None);
        };
        open(&self.key, &associated(address), row.text(SEALED)?).map(Some).ok_or_else(|| {
            StoreError::Corrupt(format!(
                "the secret ({}, {}) does not decrypt: it was changed, or moved from another place",
                row.partition_key, row.row_key
            ))
        })
    }

    async fn delete(&self, address: &SecretAddress) -> Result<(), StoreError> {
        let delete = Write::delete(address.scope.key(), row_key(address), IfMatch::Any);
        match self.tables.write(Table::Secrets, delete).await {
            Ok(_) | Err(StoreError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn names(&self, namespace: SecretNamespace, scope: Scope) -> Result<Vec<String>, StoreError> {
        let prefix = prefix(namespace);
        let query = Query::partition(scope.key()).rows_with_prefix(&prefix);
        let rows = self.tables.query_all(Table::Secrets, query).await?;
        Ok(rows.iter().filter_map(|row| row.row_key.strip_prefix(&prefix)).map(str::to_owned).collect())
    }
}
