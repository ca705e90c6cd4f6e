#![doc = include_str!("../README.md")]

pub mod blobs;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod entity;
pub mod error;
pub mod limits;
pub mod queue;
pub mod repositories;
pub mod secrets;
pub mod tables;

pub use blobs::BlobStore;
pub use entity::{Entity, Etag, Property};
pub use error::StoreError;
pub use queue::{ExecutionPointer, ExecutionQueue, QueueMessage};
pub use repositories::Repositories;
pub use secrets::{SecretAddress, SecretChange, SecretNamespace, SecretStore, SecretValue};
pub use tables::{
    Commit, Comparison, Continuation, Filter, Guard, IfMatch, Page, Query, Table, TableStore, TableWrite, Timeline,
    Write,
};
