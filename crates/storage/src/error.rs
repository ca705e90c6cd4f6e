//! What can go wrong in a store, the same for every home.

/// A failed store operation.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The entity to change is not there.
    #[error("no such entity")]
    NotFound,
    /// The entity to insert is already there.
    #[error("the entity exists already")]
    AlreadyExists,
    /// Somebody changed the entity since it was read, or a guard of a commit no longer holds.
    #[error("the entity was changed meanwhile")]
    PreconditionFailed,
    /// The request breaks a limit of the store; nothing was written.
    #[error("{0}")]
    Limit(String),
    /// A stored entity does not have the shape this version writes.
    #[error("a stored entity is not readable: {0}")]
    Corrupt(String),
    /// The store has no room left, or is read-only. Nothing was written.
    #[error("the store accepts no writes: {0}")]
    Full(String),
    /// The store cannot be reached. Whether a write took place is unknown; every write here is safe to repeat.
    #[error("the store cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Wraps a cause as [`StoreError::Unavailable`].
    pub fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(cause.into())
    }
}
