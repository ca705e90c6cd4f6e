#![doc = include_str!("../README.md")]

mod backup;
mod blobs;
mod engine_lock;
mod folder;
mod home;
mod master_key;
mod metrics;
mod queue;
mod rotation;
mod secrets;
mod sqlite;

pub use backup::{BackupError, Manifest, NewBackup, Restore, Restoring, Written};
pub use engine_lock::{EngineLock, lock_engine};
pub use home::{LocalHome, LocalOptions, OpenError};
pub use master_key::MasterKey;
pub use metrics::StoreMetrics;
pub use rotation::{KeyRotation, RotationError};
