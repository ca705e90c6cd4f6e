//! Loading the workspace as it stands on disk, in a worker of its own, whether or not a server runs.

use crate::{cli::Places, platform, settings::Settings};
use anyhow::{Context, Result};
use msp_domain::BundleMetadata;
use msp_engine::workers::WorkerPool;
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    sync::Arc,
    time::Duration,
};

/// What the workspace offers, and what of it cannot be used.
pub async fn load(places: &Places, settings: &Settings) -> Result<Arc<BundleMetadata>> {
    let workspace = platform::workspace(&places.workspace)?;
    // A folder of its own: a server may be working in the installation's.
    let temporary = tempfile::tempdir().context("no temporary folder can be made")?;
    let engine_dir = temporary.path().join("data/engine");
    share_installed(places, &engine_dir)
        .with_context(|| format!("the folder {} cannot be prepared", engine_dir.display()))?;
    fs::set_permissions(temporary.path(), fs::Permissions::from_mode(0o711))?;
    let mut options = platform::pool_options(settings, workspace, engine_dir)?;
    options.spares = 0;
    let pool = WorkerPool::start(options).await?;
    let bundle = pool.metadata();
    pool.shutdown(Duration::ZERO).await;
    Ok(bundle)
}

/// Packages an installation holds already are not installed again; without one they come and go.
fn share_installed(places: &Places, engine_dir: &Path) -> Result<()> {
    fs::create_dir_all(engine_dir)?;
    if !places.data.join("msp.db").is_file() {
        return Ok(());
    }
    for part in ["environments", "sdk"] {
        let installed = std::path::absolute(places.data.join("engine").join(part))?;
        fs::create_dir_all(&installed)?;
        symlink(installed, engine_dir.join(part))?;
    }
    Ok(())
}
