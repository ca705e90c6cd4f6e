//! `msp secrets`.

use crate::{cli::Secrets, platform::Platform};
use anyhow::{Context, Result};
use msp_domain::Scope;
use msp_storage::repositories::{Actor, audit::AuditDraft};
use msp_storage_local::{KeyRotation, RotationError, lock_engine};
use serde_json::json;
use tokio::task::spawn_blocking;

/// Does what is asked with the secrets.
pub async fn secrets(platform: &Platform, command: &Secrets) -> Result<()> {
    match command {
        Secrets::RotateKey => rotate_key(platform).await,
    }
}

async fn rotate_key(platform: &Platform) -> Result<()> {
    let lock = lock_engine(&platform.data)?;
    let key_file = platform.master_key_file();
    let details = json!({ "made_by": "command line" });
    let draft = AuditDraft::new(Scope::Global, &Actor::PLATFORM, "Secrets.RotateKey", "master key", details);
    let audit = platform.repositories.audit.row(draft);
    // Read while the old key opens it: the row of the change is sealed after it.
    platform.repositories.seals.prepare().await?;
    let (data, master_key_file) = (platform.data.clone(), key_file.clone());
    let rotate = move || {
        let rotation = KeyRotation::begin(&data, Some(&master_key_file), &lock)?;
        let secrets = rotation.commit(audit)?;
        rotation.finish()?;
        Ok::<_, RotationError>(secrets)
    };
    let secrets = spawn_blocking(rotate).await.context("the change of the key crashed")??;
    println!("{secrets} secrets are encrypted with the new key in {}.", key_file.display());
    println!(
        "Keep a copy of it somewhere else, apart from backups. The old key is kept nowhere: without a copy of it,"
    );
    println!("the secrets in backups made until now are lost. Make a new backup: msp backup DIR");
    println!("Tokens that were printed by `msp token` until now are refused.");
    Ok(())
}
