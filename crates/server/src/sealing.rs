//! The audit trail of a running server is sealed right after it is written, and what is older than it must be kept is removed.

use chrono::TimeDelta;
use msp_domain::Clock;
use msp_engine::keep_running;
use msp_storage::repositories::seals::AuditSeals;
use std::{sync::Arc, time::Duration};
use tokio::{
    task::JoinHandle,
    time::{Instant, Sleep, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// How long audit rows wait to be sealed together, at most twice.
const SEAL_EVERY: Duration = Duration::from_secs(1);
/// How often the rows of killed processes are looked for, and those that need not be kept any longer.
const SWEEP_EVERY: Duration = Duration::from_secs(300);

/// How long it waits after a block of 300 rows that may be one of thousands: the disk is then free for runs most of the time,
/// and half a million rows take a minute.
const GIVE_WAY: Duration = Duration::from_millis(25);

/// Seals while the server runs.
pub struct Sealing {
    seals: AuditSeals,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Sealing {
    /// Begins. `keep_days`: how long audit rows are kept, if not for ever.
    pub fn start(seals: AuditSeals, clock: Arc<dyn Clock>, keep_days: Option<u32>) -> Self {
        let stop = CancellationToken::new();
        let (seals_of_task, stop_of_task) = (seals.clone(), stop.clone());
        let task = keep_running("sealing", move || {
            let (seals, clock, stop) = (seals_of_task.clone(), Arc::clone(&clock), stop_of_task.clone());
            async move {
                stop.run_until_cancelled(run(&seals, clock.as_ref(), keep_days)).await;
            }
        });
        Self { seals, stop, task }
    }

    /// Ends, and seals what was written until now: nothing may be written any more.
    pub async fn stop(self) {
        self.stop.cancel();
        // Cut short at any await it leaves nothing half done: a block and its head are one commit.
        let _ = self.task.await;
        seal_rest(&self.seals).await;
    }
}

/// Seals what this process has written. A failure is no reason to fail whatever was done: the server, or the next one, seals
/// the rest.
pub async fn seal_rest(seals: &AuditSeals) {
    if let Err(error) = seals.seal_rest().await {
        tracing::warn!(error = %error, "The last audit rows are not sealed; the next start seals them");
    }
}

async fn run(seals: &AuditSeals, clock: &dyn Clock, keep_days: Option<u32>) {
    loop {
        report("The audit trail could not be sealed", seals.seal_everything(give_way).await.map(|_| ()));
        if let Some(days) = keep_days {
            let before = clock.now() - TimeDelta::days(days.into());
            match seals.remove_before(before).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(rows, days, "Audit rows that need not be kept any longer were removed"),
                Err(error) => report("Old audit rows could not be removed", Err(error)),
            }
        }
        let next_sweep = Instant::now() + SWEEP_EVERY;
        loop {
            tokio::select! {
                () = seals.written() => sleep(SEAL_EVERY).await,
                () = sleep_until(next_sweep) => break,
            }
            report("The audit trail could not be sealed", seals.seal_due().await.map(|_| ()));
        }
    }
}

/// The rest of the platform goes first: what is sealed here has waited for minutes, or for years.
fn give_way() -> Sleep {
    sleep(GIVE_WAY)
}

fn report(what: &str, outcome: Result<(), msp_storage::StoreError>) {
    if let Err(error) = outcome {
        tracing::error!(error = %error, "{what}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Utc};
    use msp_domain::{Scope, SystemClock};
    use msp_storage::Repositories;
    use msp_storage::repositories::{Actor, audit::AuditDraft};
    use msp_storage_local::{LocalHome, LocalOptions};
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Panics when it is first asked.
    #[derive(Default)]
    struct Shy(AtomicBool);

    impl Clock for Shy {
        fn now(&self) -> DateTime<Utc> {
            assert!(self.0.swap(true, Ordering::SeqCst), "the first time");
            SystemClock.now()
        }
    }

    #[tokio::test]
    async fn sealing_goes_on_after_a_panic() {
        let folder = tempfile::tempdir().expect("a folder");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let options = LocalOptions {
            data: folder.path().join("data"),
            master_key_file: None,
            create: true,
            clock: Arc::clone(&clock),
        };
        let home = LocalHome::open(options).await.expect("opens");
        let repositories = Repositories::new(home.stores, clock);
        let mut sealed = repositories.seals.follow(None, None);
        let sealing = Sealing::start(repositories.seals.clone(), Arc::new(Shy::default()), Some(365));
        // Behind the panic, which is at the end of its first look.
        tokio::time::timeout(Duration::from_secs(60), async {
            loop {
                let draft = AuditDraft::new(Scope::Global, &Actor::PLATFORM, "Test.Go", "on", serde_json::json!({}));
                repositories.audit.record(draft).await.expect("recorded");
                sealed.moved().await;
                if !sealed.next().await.expect("read").is_empty() {
                    break;
                }
            }
        })
        .await
        .expect("it is sealed");
        sealing.stop().await;
    }
}
