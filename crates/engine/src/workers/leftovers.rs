//! What a run leaves behind ends soon after it, though its worker goes on: an idle worker that is not alone takes no new
//! work and ends, and everything it started with it (see [`super::orphans`]).

use super::{orphans, pool::Pool};
use std::{
    sync::Weak,
    time::{Duration, Instant},
};

/// How often workers that have become idle are looked at; a server at rest is left alone.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Looks as long as the pool lives.
pub(super) async fn watch(watched: Weak<Pool>) {
    let mut looked_at = Instant::now();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(pool) = watched.upgrade() else { return };
        let now = Instant::now();
        let idle = super::lock(&pool.roster).idle_since(looked_at);
        looked_at = now;
        drop(pool);
        if idle.is_empty() {
            continue;
        }
        // Reading `/proc` may take a while on a busy machine.
        let looked = tokio::task::spawn_blocking(move || {
            let kin: Vec<_> = idle.iter().map(|process| &process.kin).collect();
            let alone = orphans::alone(&kin);
            idle.iter().zip(alone).filter(|(_, alone)| !alone).map(|(process, _)| process.worker).collect::<Vec<_>>()
        });
        let Some(kept) = looked.await.ok().filter(|kept| !kept.is_empty()) else { continue };
        if let Some(pool) = watched.upgrade() {
            super::lock(&pool.roster).wear_out(&kept);
            pool.pump();
        }
    }
}
