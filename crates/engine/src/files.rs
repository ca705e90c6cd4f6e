//! Uploads nobody submitted.

use crate::runtime::Runtime;
use std::{sync::Arc, time::Duration};

/// How often expired uploads are removed.
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);

/// Removes expired uploads, now and every hour, until the engine stops.
pub(crate) async fn sweep(runtime: Arc<Runtime>) {
    loop {
        if let Err(error) = runtime.repositories.files.sweep_uploads().await {
            tracing::warn!(error = %error, "Expired uploads could not be removed; they are tried again in an hour");
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP_EVERY) => {}
            () = runtime.stopping.cancelled() => return,
        }
    }
}
