//! A small pool of connections that only read. None is held across an await.

use super::schema;
use crate::OpenError;
use msp_storage::StoreError;
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// More would not read faster than the cores there are.
const CONNECTIONS: usize = 4;
/// KiB of pages each keeps: enough for the inner pages of the tree. Every commit empties it, and the system keeps the
/// rest of the file.
const CACHE_KIB: i64 = 512;

pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

/// A connection on loan. Goes back when dropped, also when the borrower panicked or was cancelled.
struct Loan {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
    // After the connection is back, because fields drop after `drop` ran.
    _permit: OwnedSemaphorePermit,
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(self.connection.take());
    }
}

impl Readers {
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let connect = |_| {
            let connection = schema::connect(path)?;
            connection.pragma_update(None, "query_only", true)?;
            // Negative: kibibytes instead of pages.
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
            Ok(connection)
        };
        let idle = (0..CONNECTIONS).map(connect).collect::<Result<_, _>>().map_err(OpenError::database(path))?;
        Ok(Self { idle: Arc::new(Mutex::new(idle)), permits: Arc::new(Semaphore::new(CONNECTIONS)) })
    }

    /// Reads on the thread of the caller: for what takes microseconds.
    pub(super) async fn here<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let loan = self.borrow().await?;
        let connection = loan.connection.as_ref().ok_or_else(exhausted)?;
        read(connection)
    }

    /// Reads on a thread that may block.
    pub(super) async fn aside<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let loan = self.borrow().await?;
        tokio::task::spawn_blocking(move || {
            let connection = loan.connection.as_ref().ok_or_else(exhausted)?;
            read(connection)
        })
        .await
        .map_err(StoreError::unavailable)?
    }

    async fn borrow(&self) -> Result<Loan, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(StoreError::unavailable)?;
        let connection = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Ok(Loan { connection, idle: Arc::clone(&self.idle), _permit: permit })
    }
}

/// There is a connection for every permit; this says so without a panic.
fn exhausted() -> StoreError {
    StoreError::unavailable("no reader connection is left")
}
