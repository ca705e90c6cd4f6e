//! The one thread that starts workers. The kernel ties a parent-death signal to the *thread* that forked, so that
//! thread must live as long as the pool; runtime threads come and go.

use super::{
    launcher::Launch,
    orphans::{self, Kin},
};
use std::{
    io,
    os::{fd::OwnedFd, unix::net::UnixStream as StdStream},
    path::PathBuf,
    process::Stdio,
    sync::mpsc,
};
use tokio::{
    net::{UnixStream, unix::pipe::Receiver},
    process::{Child, Command},
    runtime::Handle,
    sync::oneshot,
};

/// A started process and its wires.
pub(super) struct Spawned {
    pub child: Child,
    pub kin: Kin,
    pub control: UnixStream,
    pub stdout: Receiver,
    pub stderr: Receiver,
}

struct Order {
    launch: Launch,
    answer: oneshot::Sender<io::Result<Spawned>>,
}

/// A handle to the thread; the thread ends with the last handle.
pub(super) struct Spawner {
    orders: mpsc::Sender<Order>,
}

impl Spawner {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(launcher: PathBuf) -> io::Result<Self> {
        let (orders, incoming) = mpsc::channel::<Order>();
        let runtime = Handle::current();
        std::thread::Builder::new().name("msp-spawner".to_owned()).spawn(move || {
            let _entered = runtime.enter();
            for order in incoming {
                // Nobody waits any more: dropping the answer ends the process.
                let _ = order.answer.send(spawn(&launcher, &order.launch));
            }
        })?;
        Ok(Self { orders })
    }

    /// Starts one process.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn spawn(&self, launch: Launch) -> io::Result<Spawned> {
        let (answer, answered) = oneshot::channel();
        let gone = || io::Error::other("the spawning thread has ended");
        self.orders.send(Order { launch, answer }).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

fn spawn(launcher: &PathBuf, launch: &Launch) -> io::Result<Spawned> {
    let (ours, theirs) = StdStream::pair()?;
    let (stdout, stdout_end) = io::pipe()?;
    let (stderr, stderr_end) = io::pipe()?;
    let mut command = Command::new(launcher);
    command
        .arg("__worker")
        .arg(serde_json::to_string(launch)?)
        .env_clear()
        .envs(launch.environment())
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::from(stdout_end))
        .stderr(Stdio::from(stderr_end))
        .kill_on_drop(true);
    let (child, kin) = orphans::start(|| {
        let child = command.spawn()?;
        let pid = child.id().ok_or_else(|| io::Error::other("the process ended at once"))?;
        let kin = Kin { pid, identity: launch.identity, mark: launch.mark, temp: launch.temp.clone() };
        Ok(((child, kin.clone()), kin))
    })?;
    ours.set_nonblocking(true)?;
    Ok(Spawned {
        child,
        kin,
        control: UnixStream::from_std(ours)?,
        stdout: Receiver::from_owned_fd(stdout.into())?,
        stderr: Receiver::from_owned_fd(stderr.into())?,
    })
}
