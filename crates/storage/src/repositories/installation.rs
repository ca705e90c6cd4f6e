//! Facts of this installation: table `Platform`, PK `INSTALLATION`.

use crate::{Entity, StoreError, Table, TableStore, Write};
use std::sync::Arc;
use uuid::Uuid;

const PARTITION: &str = "INSTALLATION";
const DIRECTORY: &str = "directory";

/// The facts.
#[derive(Clone)]
pub struct InstallationFacts {
    tables: Arc<dyn TableStore>,
}

impl InstallationFacts {
    pub(super) fn new(tables: Arc<dyn TableStore>) -> Self {
        Self { tables }
    }

    /// The `tid` of local accounts: made once, at the first call ever; racing calls agree.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the stored id is no GUID.
    pub async fn directory_id(&self) -> Result<Uuid, StoreError> {
        if let Some(id) = self.stored().await? {
            return Ok(id);
        }
        let entity = Entity::new(PARTITION, DIRECTORY).with("DirectoryId", Uuid::new_v4());
        match self.tables.write(Table::Platform, Write::Insert(entity)).await {
            // Whoever came first, their id is the one that counts.
            Ok(_) | Err(StoreError::AlreadyExists) => self.stored().await?.ok_or(StoreError::NotFound),
            Err(error) => Err(error),
        }
    }

    async fn stored(&self) -> Result<Option<Uuid>, StoreError> {
        match self.tables.get(Table::Platform, PARTITION, DIRECTORY).await? {
            Some(entity) => entity
                .guid_opt("DirectoryId")?
                .ok_or_else(|| StoreError::Corrupt("the installation's row lacks `DirectoryId`".to_owned()))
                .map(Some),
            None => Ok(None),
        }
    }
}
