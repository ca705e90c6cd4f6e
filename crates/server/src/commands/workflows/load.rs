//! Loading the workspace as it stands on disk, in a worker of its own, whether or not a server runs.

use crate::{cli::Places, platform, settings::Settings};
use anyhow::{Context, Result};
use msp_domain::BundleMetadata;
use msp_engine::workers::WorkerPool;
use std::{sync::Arc, time::Duration};

/// What the workspace offers, and what of it cannot be used.
pub async fn load(places: &Places, settings: &Settings) -> Result<Arc<BundleMetadata>> {
    let workspace = platform::workspace(&places.workspace)?;
    // The folder of an installation holds the packages the workspace requires already; otherwise they come and go.
    let installed = places.data.join("msp.db").is_file().then(|| places.data.join("engine"));
    let temporary = tempfile::tempdir().context("no temporary folder can be made")?;
    let engine_dir = std::path::absolute(installed.unwrap_or_else(|| temporary.path().join("engine")))?;
    let mut options = platform::pool_options(settings, workspace, engine_dir)?;
    options.spares = 0;
    let pool = WorkerPool::start(options).await?;
    let bundle = pool.metadata();
    pool.shutdown(Duration::ZERO).await;
    Ok(bundle)
}
