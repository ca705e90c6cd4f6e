//! A changed workspace: copied, loaded in a fresh worker, and only then put in place of what serves.

use super::{
    bundle::Workspace,
    copies::{Bundle, Copies},
    edition::Edition,
    environment,
    launcher::Launch,
    pool::Pool,
    python::Python,
    written::{WRITTEN_WITHIN, written},
};
use msp_domain::FileError;
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

/// What became of a look at the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reload {
    /// Its content is what serves already.
    Unchanged,
    /// It serves from now on.
    Replaced,
    /// It is not used, for these reasons: what served keeps serving.
    Held(Vec<FileError>),
}

/// The packages of a bundle.
pub(super) struct Packages {
    pub folder: Option<PathBuf>,
    /// Why they are not there.
    pub errors: Vec<FileError>,
}

impl Pool {
    /// Looks at the workspace and serves what it holds now, unless that breaks what works (`Edition::objections`).
    pub async fn reload(self: &Arc<Self>) -> Reload {
        let _one_at_a_time = self.reloading.lock().await;
        let began = Instant::now();
        let serving = self.edition();
        let take = || copy(&self.copies, &self.workspace);
        let bundle = match written(&serving.bundle, WRITTEN_WITHIN, take).await {
            Ok(bundle) => bundle,
            Err(error) => {
                let message = format!("The workspace cannot be read: {error}");
                return hold(&serving, vec![FileError { file: ".".to_owned(), line: None, message }]);
            }
        };
        if bundle.hash == serving.bundle() {
            if serving.show_held(Vec::new()) {
                tracing::info!("The workspace is again what serves");
            }
            return Reload::Unchanged;
        }
        let Some(edition) = self.try_out(bundle).await else { return Reload::Unchanged };
        let objections = edition.objections(&serving);
        let proven = objections.is_empty().then(|| Arc::clone(&edition));
        super::lock(&self.roster).decide(proven);
        // Spares of the one that does not serve, or serves no longer, end.
        self.pump();
        if !objections.is_empty() {
            return hold(&serving, objections);
        }
        let metadata = edition.metadata();
        for error in &metadata.errors {
            tracing::warn!(file = error.file, line = error.line, reason = error.message, "A file cannot be used");
        }
        tracing::info!(
            bundle = edition.bundle(),
            workflows = metadata.workflows.len(),
            option_generators = metadata.option_generators.len(),
            errors = metadata.errors.len(),
            duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "The changed workspace serves"
        );
        Reload::Replaced
    }

    /// Loads a bundle in a worker of its own; `None` when the pool is shutting down.
    async fn try_out(self: &Arc<Self>, bundle: Bundle) -> Option<Arc<Edition>> {
        let packages =
            packages(&bundle, &self.workspace, &self.python, &self.launch.engine_dir, self.install_requirements).await;
        let launch = Launch { workspace: bundle.folder.clone(), site_packages: packages.folder, ..self.launch.clone() };
        let number = self.editions.fetch_add(1, Ordering::Relaxed);
        let edition = Arc::new(Edition::new(number, bundle, launch, packages.errors));
        let worker = {
            let mut roster = super::lock(&self.roster);
            if roster.closing {
                return None;
            }
            roster.try_out(&edition)
        };
        self.start_worker(worker, Arc::clone(&edition));
        edition.settled().await;
        Some(edition)
    }
}

fn hold(serving: &Edition, errors: Vec<FileError>) -> Reload {
    if serving.show_held(errors.clone()) {
        for error in &errors {
            tracing::warn!(
                file = error.file,
                line = error.line,
                reason = error.message,
                "A change is held back: the last working version keeps serving"
            );
        }
    }
    Reload::Held(errors)
}

/// Copies the workspace on a thread that may wait for the disk.
pub(super) async fn copy(copies: &Arc<Copies>, workspace: &Workspace) -> io::Result<Bundle> {
    let (copies, workspace) = (Arc::clone(copies), workspace.clone());
    tokio::task::spawn_blocking(move || copies.take(&workspace)).await.map_err(io::Error::other)?
}

/// Finds or installs what the bundle requires.
pub(super) async fn packages(
    bundle: &Bundle,
    workspace: &Workspace,
    python: &Python,
    engine_dir: &Path,
    install: bool,
) -> Packages {
    let found = if install {
        environment::site_packages(bundle, &workspace.root, python, engine_dir).await
    } else {
        environment::existing(bundle, python, engine_dir)
    };
    match found {
        Ok(folder) => Packages { folder, errors: Vec::new() },
        Err(message) => {
            tracing::warn!("The workspace's requirements are not installed: {message}");
            Packages {
                folder: None,
                errors: vec![FileError { file: "requirements.txt".to_owned(), line: None, message }],
            }
        }
    }
}
