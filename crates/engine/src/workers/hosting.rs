//! One worker from its start to the last trace of it.

use super::{
    attend,
    edition::{Edition, Listener},
    frames::ToWorker,
    launcher::Launch,
    orphans,
    outgoing::Outgoing,
    pool::Pool,
    process::{Overseer, Process},
    walls,
};
use std::{fs, sync::Arc};

impl Pool {
    /// Starts an enrolled worker.
    pub fn start_worker(self: &Arc<Self>, number: u64, edition: Arc<Edition>) {
        tokio::spawn(Arc::clone(self).tend(number, edition));
    }

    async fn tend(self: Arc<Self>, number: u64, edition: Arc<Edition>) {
        let (reason, failed) = match self.host_worker(number, &edition).await {
            Ok(ended) => (ended.loss.error_type, (!ended.loaded).then_some(ended.loss.message)),
            Err(error) => ("not_started", Some(error.to_string())),
        };
        super::lock(&self.ended).entry(reason).or_default().inc();
        if let Some(fault) = &failed {
            // A spare that a shutdown meets while it loads is no fault of the workspace.
            if !super::lock(&self.roster).closing {
                tracing::error!("A worker did not start: {fault}");
            }
            edition.settle(Err(fault));
        }
        super::lock(&self.roster).ended(number, failed);
        self.changed.notify_waiters();
        self.pump();
    }

    async fn host_worker(self: &Arc<Self>, number: u64, edition: &Arc<Edition>) -> std::io::Result<attend::Ended> {
        let (launch, spawned) = walls::spawn(&self.spawner, &edition.launch).await?;
        let (control, outgoing) = spawned.control.into_split();
        let overseer: Arc<dyn Overseer> = Arc::new(Listener { pool: Arc::clone(self), edition: Arc::clone(edition) });
        let process = Arc::new(Process::new(number, spawned.kin, Outgoing::new(outgoing), overseer));
        super::lock(&self.roster).runs(number, Arc::clone(&process));
        let Launch { workspace, site_packages, .. } = &launch;
        let load = ToWorker::Load { workspace, site_packages: site_packages.as_deref(), bundle: edition.bundle() };
        process.send(&load).map_err(std::io::Error::other)?;
        let wires = attend::Wires { child: spawned.child, control, stdout: spawned.stdout, stderr: spawned.stderr };
        let ended = attend::attend(&process, wires).await;
        let kin = process.kin.clone();
        let _ = tokio::task::spawn_blocking(move || {
            orphans::sweep(&kin);
            let _ = fs::remove_dir_all(&kin.temp);
        })
        .await;
        Ok(ended)
    }
}
