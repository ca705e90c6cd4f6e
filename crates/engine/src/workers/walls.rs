//! Which walls stand on this machine: tried once with a throw-away process, not hoped for.

use super::{
    launcher::{Found, Launch, Walls},
    orphans,
    spawner::{Spawned, Spawner},
};
use nix::unistd::Uid;
use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, chown},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tokio::io::AsyncReadExt;

/// Uids given to workers of a host that is root, one each, so that they cannot touch each other. The range lies in what
/// systemd sets aside for users made at run time (61184-65519, systemd.exec(5)) and exists in small user namespaces.
const FIRST_UID: u32 = 62_000;
const UIDS: u32 = 3_000;
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What was found.
pub(super) struct Standing {
    /// `Some` when workers get uids of their own; the number is replaced for each.
    pub identity: Option<u32>,
    /// A sentence each.
    pub layers: Vec<String>,
}

/// Raises the walls around nothing and looks from behind them.
///
/// # Errors
/// When no worker can be started at all.
pub(super) async fn probe(spawner: &Spawner, launch: &Launch) -> io::Result<Standing> {
    let mut kept = "Workers keep the server's uid: only root can give them another".to_owned();
    let other_uid = async {
        match Uid::effective().is_root() {
            true => Some(look(spawner, launch, Some(FIRST_UID)).await),
            false => None,
        }
    };
    // At once, though often only one of them counts: a start waits for both.
    let (other_uid, own_uid) = tokio::join!(other_uid, look(spawner, launch, None));
    match other_uid {
        Some(Ok(found)) if found.unreachable.is_none() => {
            let sentence = format!("Each worker has a uid of its own, from {FIRST_UID} on");
            return Ok(Standing { identity: Some(FIRST_UID), layers: describe(sentence, &found) });
        }
        Some(Ok(found)) => {
            let fault = found.unreachable.unwrap_or_default();
            kept = format!("Workers keep the server's uid: another could not reach {fault}");
        }
        Some(Err(error)) => kept = format!("Workers keep the server's uid: {error}"),
        None => {}
    }
    let found = own_uid?;
    match &found.unreachable {
        Some(fault) => Err(io::Error::other(format!("a worker cannot reach {fault}"))),
        None => Ok(Standing { identity: None, layers: describe(kept, &found) }),
    }
}

fn describe(uid: String, found: &Found) -> Vec<String> {
    let landlock = match found.landlock {
        Walls::Full => {
            "Landlock confines files to interpreter, packages, workspace and a temporary folder, and signals to the worker itself"
        }
        Walls::Partial => {
            "Landlock confines files; this kernel is too old to confine signals or some file operations too"
        }
        Walls::None => "Landlock is not available: workers can read every file their uid can read",
    };
    let capabilities = if found.capabilities_dropped {
        "No capability is left, and none can be gained"
    } else {
        "No capability is left; the bounding set stays, as only a privileged server can drop it"
    };
    let calls = if found.calls_filtered {
        "System calls about other processes' limits, priorities and memory are refused, and so are changes of owners"
    } else {
        "System calls are not filtered: workers of the server's uid can change the server's limits and its files' modes"
    };
    [
        uid,
        landlock.to_owned(),
        calls.to_owned(),
        capabilities.to_owned(),
        "no_new_privs is set: programs with special rights give none".to_owned(),
        "Workers are killed when the server dies, with all processes they started when they end".to_owned(),
        "Limits stand on core dumps, descriptors, memory and file size".to_owned(),
        "The environment holds nothing of the server's".to_owned(),
    ]
    .into()
}

async fn look(spawner: &Spawner, launch: &Launch, identity: Option<u32>) -> io::Result<Found> {
    let template = Launch { probe: true, identity, ..launch.clone() };
    let (_, mut spawned) = spawn(spawner, &template).await?;
    let mut answer = String::new();
    let mut words = String::new();
    let read = async {
        tokio::try_join!(spawned.stdout.read_to_string(&mut answer), spawned.stderr.read_to_string(&mut words))
    };
    let read = tokio::time::timeout(ANSWER_WITHIN, read).await;
    let _ = spawned.child.kill().await;
    let kin = spawned.kin;
    let temp = kin.temp.clone();
    orphans::forget(&kin);
    fs::remove_dir_all(temp)?;
    read.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the launcher does not answer"))??;
    serde_json::from_str(&answer).map_err(|_| io::Error::other(format!("the launcher failed: {}", words.trim())))
}

/// Starts one worker with a temporary folder, and a uid if it is to have one, of its own.
pub(super) async fn spawn(spawner: &Spawner, template: &Launch) -> io::Result<(Launch, Spawned)> {
    /// Across all pools of this process, so that two never share a uid or a mark.
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mut launch = template.clone();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    launch.identity = template.identity.map(|_| FIRST_UID + number % UIDS);
    launch.mark = orphans::mark(number);
    launch.temp = launch.engine_dir.join("tmp").join(uuid::Uuid::new_v4().simple().to_string());
    fs::DirBuilder::new().mode(0o700).create(&launch.temp)?;
    if launch.identity.is_some() {
        chown(&launch.temp, launch.identity, launch.identity)?;
    }
    match spawner.spawn(launch.clone()).await {
        Ok(spawned) => Ok((launch, spawned)),
        Err(error) => {
            let _ = fs::remove_dir_all(&launch.temp);
            Err(error)
        }
    }
}
