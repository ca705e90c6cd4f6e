//! `msp restore`.

use crate::{
    cli::{Places, Restore as Arguments},
    failure::UsageError,
    sealing::seal_rest,
    settings::Settings,
};
use anyhow::{Context, Result};
use msp_domain::{Clock, SystemClock};
use msp_storage::{Repositories, repositories::Actor};
use msp_storage_local::{LocalHome, LocalOptions, Restore, Restoring};
use std::{path::PathBuf, sync::Arc};
use tokio::task::spawn_blocking;

/// Puts a backup back.
pub async fn restore(places: &Places, settings: &Settings, arguments: &Arguments) -> Result<()> {
    let (key_file, keep_key) = key(settings, arguments)?;
    let data = std::path::absolute(&places.data).context("the data folder cannot be named")?;
    let restore = Restore::read(&arguments.backup, &data)?;
    let made_at = restore.manifest().created_at;
    let key = key_file.clone();
    let restoring = spawn_blocking(move || restore.copy(&key, keep_key)).await.context("the restore crashed")??;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let home = open(&restoring, (!keep_key).then_some(key_file), &clock).await?;
    let repositories = Repositories::new(home.stores, clock);
    let set_right = repositories.set_right_after_restore(made_at, &Actor::PLATFORM).await?;
    seal_rest(&repositories.seals).await;
    // The database is closed with its last user.
    drop(repositories);
    restoring.finish()?;
    println!("{} is as it was at {made_at:?}.", data.display());
    if set_right.interrupted > 0 {
        println!(
            "{} executions had not ended then. They are on record as Interrupted and are not run again; each says so.",
            set_right.interrupted
        );
    }
    println!("Everybody signs in anew. Start it with: msp serve --data {}", data.display());
    Ok(())
}

/// The key file, and whether it is to be copied into the data folder.
fn key(settings: &Settings, arguments: &Arguments) -> Result<(PathBuf, bool), UsageError> {
    match (&settings.master_key_file, &arguments.key) {
        (Some(file), None) => Ok((file.clone(), false)),
        (None, Some(file)) => Ok((file.clone(), true)),
        (None, None) => Err(UsageError(
            "the master key is not in a backup: name the key file kept apart from it with --key FILE, or set \
             MSP_MASTER_KEY_FILE"
                .to_owned(),
        )),
        (Some(file), Some(_)) => Err(UsageError(format!(
            "MSP_MASTER_KEY_FILE names the key already ({}); leave --key out, or unset the variable",
            file.display()
        ))),
    }
}

async fn open(restoring: &Restoring, master_key_file: Option<PathBuf>, clock: &Arc<dyn Clock>) -> Result<LocalHome> {
    let data = restoring.folder().to_owned();
    let options = LocalOptions { data, master_key_file, create: false, clock: Arc::clone(clock) };
    LocalHome::open(options).await.context("the restored database cannot be opened")
}
