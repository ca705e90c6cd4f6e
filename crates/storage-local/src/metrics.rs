//! Figures of the store, for operators.

use msp_metrics::{Counter, Histogram, Registry, Unit, count_of, gauge};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the store counts. Clones are the same.
#[derive(Debug, Clone)]
pub struct StoreMetrics {
    database: PathBuf,
    commit_duration: Histogram,
    commit_size: Histogram,
    failures: Counter,
}

impl StoreMetrics {
    pub(crate) fn new(database: &Path) -> Self {
        Self {
            database: database.to_owned(),
            commit_duration: Histogram::of_seconds(),
            commit_size: Histogram::of_sizes(),
            failures: Counter::default(),
        }
    }

    /// A group of requests was committed.
    pub(crate) fn committed(&self, requests: usize, took: Duration) {
        self.commit_duration.observe(took.as_secs_f64());
        self.commit_size.observe(count_of(requests));
    }

    /// A request could not be written for a reason that is not its own.
    pub(crate) fn failed(&self) {
        self.failures.inc();
    }

    /// Registers the figures as they are now.
    pub fn register(&self, registry: &mut Registry) {
        let duration = self.commit_duration.clone();
        registry.register_with_unit("store_commit_duration", "Durable commits of the store", Unit::Seconds, duration);
        registry.register("store_commit_requests", "Requests in one commit", self.commit_size.clone());
        let failures = self.failures.clone();
        registry.register("store_failures", "Writes the store could not make, for want of room for example", failures);
        let log = PathBuf::from(format!("{}-wal", self.database.display()));
        for (name, help, path) in [
            ("store_database_bytes", "Size of the database file", &self.database),
            ("store_log_bytes", "Size of the write-ahead log", &log),
        ] {
            // A log that is not there is empty.
            let bytes = fs::metadata(path).map_or(0, |file| file.len());
            gauge(registry, name, help, bytes as f64);
        }
    }
}
