//! Facts of this installation: table `Platform`, PK `INSTALLATION`.

use crate::StoreError;
use uuid::Uuid;

/// The facts.
#[derive(Clone)]
pub struct InstallationFacts {}

impl InstallationFacts {
    /// The `tid` of local accounts: made once, at the first call ever; racing calls agree.
    pub async fn directory_id(&self) -> Result<Uuid, StoreError> {
        todo!("storage")
    }
}
