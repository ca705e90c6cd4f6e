//! How large the write-ahead log becomes while others work.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// Far less than the log needs to grow by a noticeable part of the bar, far more than one look costs.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Watches the log of a data folder for as long as it exists.
pub struct LogSize {
    largest: Arc<AtomicU64>,
}

impl LogSize {
    /// Begins to watch.
    pub fn watch(data: &Path) -> Self {
        let log = data.join("msp.db-wal");
        let largest = Arc::new(AtomicU64::new(0));
        let seen = Arc::downgrade(&largest);
        thread::spawn(move || {
            while let Some(largest) = seen.upgrade() {
                largest.fetch_max(fs::metadata(&log).map_or(0, |log| log.len()), Ordering::Relaxed);
                drop(largest);
                thread::sleep(LOOK_EVERY);
            }
        });
        Self { largest }
    }

    /// The largest size so far, in MiB.
    pub fn largest_mib(&self) -> f64 {
        #[expect(clippy::cast_precision_loss)]
        let bytes = self.largest.load(Ordering::Relaxed) as f64;
        bytes / (1024.0 * 1024.0)
    }
}
