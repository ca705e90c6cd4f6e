//! Watching the workspace. Looking at the times of its files is as quick as being notified of changes for the sizes
//! workspaces have, and works on every file system: notifications are lost on network and container mounts.

use super::{bundle::Workspace, pool::Pool};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How often the workspace is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Looking may take this part of the time at most, however many files there are.
const SHARE: u32 = 20;
/// A save of many files is over when nothing has changed for this long.
const SETTLED: Duration = Duration::from_millis(40);
/// A workspace that never settles is loaded all the same.
const SETTLED_WITHIN: Duration = Duration::from_secs(1);

/// Reloads after every change until it is told to stop.
pub(super) async fn watch(pool: Arc<Pool>, stop: CancellationToken) {
    let _ = stop.run_until_cancelled(look_on(&pool)).await;
}

async fn look_on(pool: &Arc<Pool>) {
    // What was saved between the start of the pool and the first look counts as well.
    let mut served = None;
    loop {
        let began = Instant::now();
        let mut sign = look(&pool.workspace).await;
        let took = began.elapsed();
        if sign == served {
            sleep(LOOK_EVERY.max(took * SHARE)).await;
            continue;
        }
        while began.elapsed() < SETTLED_WITHIN {
            sleep(SETTLED).await;
            let again = look(&pool.workspace).await;
            if again == sign {
                break;
            }
            sign = again;
        }
        pool.reload().await;
        // Taken before the copy was: what is written from then on gives another sign.
        served = sign;
    }
}

/// `None` for a workspace that cannot be read.
async fn look(workspace: &Workspace) -> Option<u64> {
    let workspace = workspace.clone();
    tokio::task::spawn_blocking(move || workspace.sign().ok()).await.ok().flatten()
}
