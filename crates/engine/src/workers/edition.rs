//! One loaded state of the workspace: its copy, how its workers are launched, and what it offers. A changed workspace
//! is a new edition; executions and processes belong to the one they began with.

use super::{TargetKind, copies::Bundle, frames::Loaded, launcher::Launch, pool::Pool, process::Overseer};
use msp_domain::{BundleMetadata, FileError};
use std::{
    collections::HashSet,
    fmt,
    path::Path,
    sync::{Arc, Mutex},
};
use tokio::sync::watch;

/// A loaded bundle. Whoever holds it can still run what was admitted under it, whatever is saved meanwhile.
pub struct Edition {
    pub(super) number: u64,
    pub(super) bundle: Bundle,
    pub(super) launch: Launch,
    report: Mutex<Report>,
    alone: Mutex<HashSet<(TargetKind, String)>>,
    /// Becomes true once its first worker has loaded the bundle, or failed to.
    settled: watch::Sender<bool>,
}

struct Report {
    /// What is shown: the edition's own errors, and those of later saves that are held back.
    metadata: Arc<BundleMetadata>,
    /// The errors of this edition itself.
    own: Vec<FileError>,
    /// Whether no worker could load it at all.
    is_hopeless: bool,
}

impl fmt::Debug for Edition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Edition({}, {})", self.number, self.bundle.hash)
    }
}

impl Edition {
    pub(super) fn new(number: u64, bundle: Bundle, launch: Launch, errors: Vec<FileError>) -> Self {
        let metadata = BundleMetadata { bundle: bundle.hash.clone(), ..BundleMetadata::default() };
        Self {
            number,
            bundle,
            launch,
            report: Mutex::new(Report { metadata: Arc::new(metadata), own: errors, is_hopeless: false }),
            alone: Mutex::default(),
            settled: watch::channel(false).0,
        }
    }

    /// What it offers, and what is wrong with it or with a later save that is held back. Changes when a workflow is
    /// seen to block its loop: it is exclusive from then on.
    pub fn metadata(&self) -> Arc<BundleMetadata> {
        Arc::clone(&super::lock(&self.report).metadata)
    }

    /// The content hash of its bundle.
    pub fn bundle(&self) -> &str {
        &self.bundle.hash
    }

    /// Whether the target was seen to block its loop.
    pub(super) fn runs_alone(&self, kind: TargetKind, name: &str) -> bool {
        let alone = super::lock(&self.alone);
        !alone.is_empty() && alone.contains(&(kind, name.to_owned()))
    }

    /// Resolves once it is known what it offers.
    pub(super) async fn settled(&self) {
        let _ = self.settled.subscribe().wait_for(|settled| *settled).await;
    }

    /// What the first worker reports is what the bundle offers; the reports of later ones are the same.
    pub(super) fn settle(&self, outcome: Result<Loaded, &str>) {
        let mut report = super::lock(&self.report);
        if *self.settled.borrow() {
            return;
        }
        let mut metadata = BundleMetadata::clone(&report.metadata);
        match outcome {
            Ok(loaded) => {
                metadata.workflows = loaded.workflows;
                metadata.option_generators = loaded.option_generators;
                metadata.warnings = loaded.warnings;
                report.own.extend(loaded.errors);
            }
            Err(fault) => {
                let message = format!("The workspace could not be loaded: {fault}");
                report.own.push(FileError { file: "workflows".to_owned(), line: None, message });
                report.is_hopeless = true;
            }
        }
        // Authors know their files by the workspace's paths, not by the copy's.
        let copy = format!("{}/", self.bundle.folder.display());
        for error in &mut report.own {
            error.message = error.message.replace(&copy, "");
        }
        metadata.errors.clone_from(&report.own);
        report.metadata = Arc::new(metadata);
        self.settled.send_replace(true);
    }

    /// The errors for which this edition must not replace the one that serves: none if it may. It must not when it
    /// does not load at all, when a file that worked is broken, when one that defined something is empty, or when its
    /// requirements cannot be installed. A new file that is broken takes nothing away; a file that was removed was
    /// meant to go.
    pub(super) fn objections(&self, serving: &Self) -> Vec<FileError> {
        let before = super::lock(&serving.report);
        let after = super::lock(&self.report);
        let fresh: Vec<&FileError> =
            after.own.iter().filter(|error| before.own.iter().all(|known| known.file != error.file)).collect();
        let loses =
            |error: &&FileError| error.file == "requirements.txt" || serving.bundle.files.contains_key(&error.file);
        let emptied = self.emptied(serving, &before.metadata);
        if before.is_hopeless || !(after.is_hopeless || fresh.iter().any(loses) || !emptied.is_empty()) {
            return Vec::new();
        }
        fresh.into_iter().cloned().chain(emptied).collect()
    }

    /// Files that defined something in the edition that serves, and hold nothing any more. To Python they are no
    /// mistake, to authors nearly always: who wants a workflow gone removes its file.
    fn emptied(&self, serving: &Self, offered: &BundleMetadata) -> Vec<FileError> {
        let workflows = offered.workflows.iter().map(|one| one.file.as_str());
        let defining: HashSet<&str> =
            workflows.chain(offered.option_generators.iter().map(|one| one.file.as_str())).collect();
        let emptied = self.bundle.emptied(&serving.bundle).into_iter().filter(|file| defining.contains(file));
        let error = |file: &str| FileError {
            file: file.to_owned(),
            line: None,
            message: "The file is empty: save its content again, or delete it if what it defined shall go".to_owned(),
        };
        emptied.map(error).collect()
    }

    /// Shows the errors of a save that is held back beside its own; none when there is no such save any more. Says
    /// whether that is news.
    pub(super) fn show_held(&self, held: Vec<FileError>) -> bool {
        let mut report = super::lock(&self.report);
        let mut errors = report.own.clone();
        errors.extend(held.into_iter().map(|error| FileError {
            message: format!("{} (held back: the last working version keeps serving)", error.message),
            ..error
        }));
        if report.metadata.errors == errors {
            return false;
        }
        Arc::make_mut(&mut report.metadata).errors = errors;
        true
    }
}

/// Listens to one process of an edition.
pub(super) struct Listener {
    pub pool: Arc<Pool>,
    pub edition: Arc<Edition>,
}

impl Overseer for Listener {
    fn loaded(&self, worker: u64, loaded: Loaded) {
        self.edition.settle(Ok(loaded));
        self.pool.loaded(worker);
    }

    fn recovered(&self) {
        self.pool.recovered();
    }

    fn blocks(&self, kind: TargetKind, name: &str) {
        if !super::lock(&self.edition.alone).insert((kind, name.to_owned())) {
            return;
        }
        tracing::warn!("`{name}` blocks the event loop: it runs in a process of its own from now on");
        let mut report = super::lock(&self.edition.report);
        let metadata = Arc::make_mut(&mut report.metadata);
        let exclusive = match kind {
            TargetKind::Workflow => {
                metadata.workflows.iter_mut().find(|one| one.name == name).map(|one| &mut one.exclusive)
            }
            TargetKind::Options => {
                metadata.option_generators.iter_mut().find(|one| one.name == name).map(|one| &mut one.exclusive)
            }
        };
        if let Some(exclusive) = exclusive {
            *exclusive = true;
        }
    }

    fn stands_in(&self, kind: TargetKind, name: &str, file: &str) -> bool {
        let metadata = self.edition.metadata();
        let own = match kind {
            TargetKind::Workflow => metadata.workflow(name).map(|one| one.file.as_str()),
            TargetKind::Options => metadata.option_generator(name).map(|one| one.file.as_str()),
        };
        let relative = Path::new(file).strip_prefix(&self.edition.bundle.folder).unwrap_or(Path::new(file));
        own.is_some_and(|own| Path::new(own) == relative)
    }
}
