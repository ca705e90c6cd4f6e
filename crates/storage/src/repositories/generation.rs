//! The `Generation` row: changed with every change of rights, users, organizations, config or integrations, so
//! that a cache, or the insert of an execution, can prove that what it read still holds (design section 3).

use crate::{Etag, Guard, StoreError, TableWrite};

/// The version of everything the gate and the engine read.
#[derive(Clone)]
pub struct Generation {}

impl Generation {
    /// The current version; `None` before the first change ever.
    pub async fn current(&self) -> Result<Option<Etag>, StoreError> {
        todo!("storage")
    }

    /// The guard that holds while nothing has changed since `seen`.
    pub fn guard(&self, seen: Option<Etag>) -> Guard {
        let _ = seen;
        todo!("storage")
    }

    /// The write that goes into the commit of every change: a fresh random value, so no reader is needed and two
    /// changes never conflict.
    pub fn bump(&self) -> TableWrite {
        todo!("storage")
    }
}
