//! Private addresses integrations may call: table `Platform`, PK `ADDRESS`, RK `{ip}:{port}` with `:` as written.

use super::Actor;
use crate::StoreError;
use std::net::SocketAddr;

/// The allow-list. Empty means: public addresses only.
#[derive(Clone)]
pub struct AllowedAddresses {}

impl AllowedAddresses {
    /// Everything on the list.
    pub async fn list(&self) -> Result<Vec<SocketAddr>, StoreError> {
        todo!("storage")
    }

    /// Adds an address.
    pub async fn allow(&self, address: SocketAddr, actor: &Actor) -> Result<(), StoreError> {
        let _ = (address, actor);
        todo!("storage")
    }
}
