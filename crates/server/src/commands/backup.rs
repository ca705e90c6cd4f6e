//! `msp backup`.

use crate::{cli::Backup, platform::Platform};
use anyhow::{Context, Result};
use msp_domain::Scope;
use msp_storage::repositories::{Actor, audit::AuditDraft};
use msp_storage_local::{NewBackup, Written};
use serde_json::json;
use tokio::task::spawn_blocking;

/// Blobs named on the terminal at most, when some are lost.
const SHOWN: usize = 10;

/// Writes a backup and says what is not in it.
pub async fn backup(platform: &Platform, arguments: &Backup) -> Result<()> {
    let new = NewBackup::begin(&platform.data, &arguments.target)?;
    let target = new.target().display().to_string();
    // First, so that no data ever leaves unrecorded, and the backup itself tells of it.
    let details = json!({ "made_by": "command line" });
    let draft = AuditDraft::new(Scope::Global, &Actor::PLATFORM, "Backup.Create", target.clone(), details);
    platform.repositories.audit.record(draft).await?;
    let now = platform.clock.now();
    let Written { manifest, lost_blobs } = spawn_blocking(move || new.write(env!("CARGO_PKG_VERSION"), now))
        .await
        .context("the backup crashed")?
        .with_context(|| format!("what is in {target} is no backup; remove it"))?;
    println!("{target}: {} files, {} bytes", manifest.files.len(), manifest.size_bytes());
    println!(
        "The master key is not in it, and without the key no stored secret can be read. Keep a copy of {} somewhere else.",
        platform.master_key_file().display()
    );
    if !lost_blobs.is_empty() {
        eprintln!("warning: {} inputs, results or parts of logs were missing in the data folder:", lost_blobs.len());
        lost_blobs.iter().take(SHOWN).for_each(|path| eprintln!("  {path}"));
    }
    Ok(())
}
