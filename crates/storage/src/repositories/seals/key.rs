//! The key of the chains: random, kept among the platform's own secrets, and named by one row that is written once. So two
//! processes that start at the same moment end up with the same key, whatever store keeps the secrets.

use super::AuditSeals;
use super::mac::{Kind, SealKey};
use crate::{Entity, SecretAddress, SecretNamespace, SecretValue, StoreError, Table, Write};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use msp_domain::Scope;
use uuid::Uuid;

const PARTITION: &str = "KEY";
const ROW: &str = "current";
const KEY_BYTES: usize = 32;

/// What is known of the key.
pub(super) enum KeyState {
    /// Nothing has ever been sealed here.
    None,
    /// It is named, but gone from the secrets or not the one that was named.
    Lost(String),
    /// It is there, and was made at this instant.
    Ready(SealKey, DateTime<Utc>),
}

fn address(id: &str) -> SecretAddress {
    SecretAddress::new(SecretNamespace::Platform, Scope::Global, format!("audit-seal-key-{id}"))
}

impl AuditSeals {
    /// The key, made when there is none.
    pub(super) async fn key(&self) -> Result<SealKey, StoreError> {
        let key = self.key.get_or_try_init(|| async {
            match self.look_for_key().await? {
                KeyState::Ready(key, _) => Ok(key),
                KeyState::Lost(reason) => Err(StoreError::Corrupt(reason)),
                KeyState::None => self.make_key().await,
            }
        });
        key.await.cloned()
    }

    /// The key as it is, made by nobody.
    pub(super) async fn look_for_key(&self) -> Result<KeyState, StoreError> {
        let Some(row) = self.tables.get(Table::AuditSeals, PARTITION, ROW).await? else {
            return Ok(KeyState::None);
        };
        let Some(secret) = self.secrets.get(&address(row.text("KeyId")?)).await? else {
            return Ok(KeyState::Lost("the key of the audit chains is not among the secrets any more".to_owned()));
        };
        let bytes = BASE64_STANDARD.decode(secret.reveal()).unwrap_or_default();
        let key = SealKey::new(&bytes);
        if bytes.len() != KEY_BYTES || !key.fits(Kind::Key, &row) {
            return Ok(KeyState::Lost("the key of the audit chains is not the one they were begun with".to_owned()));
        }
        Ok(KeyState::Ready(key, row.instant("MadeAt")?))
    }

    /// The secret first, then the row that names it: a row never names a key that is not there.
    async fn make_key(&self) -> Result<SealKey, StoreError> {
        let mut bytes = [0; KEY_BYTES];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| StoreError::unavailable("the system gave no random numbers"))?;
        let id = Uuid::new_v4().simple().to_string();
        self.secrets.set(&address(&id), &SecretValue::new(BASE64_STANDARD.encode(bytes))).await?;
        let key = SealKey::new(&bytes);
        let row = key
            .signed(Kind::Key, Entity::new(PARTITION, ROW).with("KeyId", id.as_str()).with("MadeAt", self.clock.now()));
        match self.tables.write(Table::AuditSeals, Write::Insert(row)).await {
            Ok(_) => Ok(key),
            Err(StoreError::AlreadyExists) => {
                self.secrets.delete(&address(&id)).await?;
                match self.look_for_key().await? {
                    KeyState::Ready(key, _) => Ok(key),
                    KeyState::Lost(reason) => Err(StoreError::Corrupt(reason)),
                    KeyState::None => Err(StoreError::PreconditionFailed),
                }
            }
            Err(error) => Err(error),
        }
    }
}
