//! Nothing a worker started outlives it. The host is a child subreaper, so whatever loses its parent below a worker
//! becomes a child of the host; those are told apart from the host's own children, killed and reaped.
//!
//! A stranger below the host belongs to a worker if it is in the worker's session or group, has the uid made for it,
//! or carries its mark: a hard limit, unique to each worker, that every descendant inherits and nobody without
//! privileges can raise. Code that lowered even that still cannot shed `no_new_privs`, which the host itself does not
//! have and gives to workers only.

use nix::{
    sys::{
        prctl,
        signal::{Signal, kill, killpg},
        wait::{WaitPidFlag, waitpid},
    },
    unistd::Pid,
};
use std::{
    collections::HashMap,
    fs, io,
    path::PathBuf,
    sync::{LazyLock, Mutex},
    time::Duration,
};

/// How a worker's descendants are recognized.
#[derive(Debug, Clone)]
pub(super) struct Kin {
    /// The worker's process id, session and group.
    pub pid: u32,
    /// The uid made for it alone.
    pub identity: Option<u32>,
    /// The hard limit that marks it and all it starts (see [`mark`]).
    pub mark: u64,
    /// Its temporary folder.
    pub temp: PathBuf,
}

/// Linux's default for RLIMIT_MSGQUEUE, bytes (mq_overview(7)); marks lie below it. Only POSIX message queues depend
/// on this limit, and what is left is enough for several.
const HIGHEST_MARK: u64 = 819_200;
const MARKS: u64 = 400_000;

/// The mark of the worker with this number.
pub(super) fn mark(worker: u32) -> u64 {
    HIGHEST_MARK - 1 - u64::from(worker) % MARKS
}

/// Living workers of this process. Held while one is started, so that a sweep never meets one it does not know.
static KNOWN: LazyLock<Mutex<HashMap<u32, Kin>>> = LazyLock::new(Mutex::default);

/// Rounds of a sweep: killing a parent hands its children to the host, which the next round sees.
const MOST_ROUNDS: usize = 200;
const BETWEEN_ROUNDS: Duration = Duration::from_millis(5);

/// Makes this process the parent of its orphaned descendants.
pub(super) fn adopt() {
    if let Err(error) = prctl::set_child_subreaper(true) {
        tracing::warn!(%error, "Orphans of workers cannot be adopted; what a workflow leaves behind may live on");
    }
}

/// Starts a worker and knows it from then on.
pub(super) fn start<T>(start: impl FnOnce() -> io::Result<(T, Kin)>) -> io::Result<T> {
    let mut known = super::lock(&KNOWN);
    let (started, kin) = start()?;
    known.insert(kin.pid, kin);
    Ok(started)
}

/// Sends a signal to the worker's group, and to the worker itself in case it has no group of its own yet.
pub(super) fn signal(pid: u32, signal: Signal) {
    let Ok(pid) = i32::try_from(pid).map(Pid::from_raw) else { return };
    let _ = killpg(pid, signal);
    let _ = kill(pid, signal);
}

/// Kills and reaps whatever an ended worker left behind. Blocks for some milliseconds.
pub(super) fn sweep(ended: &Kin) {
    let Ok(group) = i32::try_from(ended.pid).map(Pid::from_raw) else { return };
    for _ in 0..MOST_ROUNDS {
        let _ = killpg(group, Signal::SIGKILL);
        let left = strangers();
        let known = super::lock(&KNOWN).clone();
        let mut found = false;
        for stranger in left.iter().filter(|stranger| !known.contains_key(&stranger.pid)) {
            let unclaimed = || !known.values().any(|kin| kin.pid != ended.pid && stranger.descends_from(kin));
            if stranger.descends_from(ended) || (stranger.is_confined() && unclaimed()) {
                found = true;
                stranger.end();
            }
        }
        if !found {
            break;
        }
        std::thread::sleep(BETWEEN_ROUNDS);
    }
    forget(ended);
}

/// A worker is gone that had nothing to leave behind.
pub(super) fn forget(ended: &Kin) {
    super::lock(&KNOWN).remove(&ended.pid);
}

/// Reaps orphans that ended by themselves while their worker lives.
pub(super) fn reap() {
    let left = strangers();
    let known = super::lock(&KNOWN).clone();
    for stranger in left.iter().filter(|stranger| stranger.ended && !known.contains_key(&stranger.pid)) {
        if stranger.is_confined() || known.values().any(|kin| stranger.descends_from(kin)) {
            stranger.end();
        }
    }
}

/// Of each of these workers, whether nothing it started is left.
pub(super) fn alone(workers: &[&Kin]) -> Vec<bool> {
    let host = std::process::id();
    let living: Vec<_> = processes().filter(|(_, process)| !process.ended).collect();
    let belongs = |(parent, process): &(u32, Stranger), worker: &Kin| {
        process.pid != worker.pid
            && (*parent == worker.pid
                || process.session == worker.pid
                || *parent == host && process.descends_from(worker))
    };
    workers.iter().map(|worker| !living.iter().any(|process| belongs(process, worker))).collect()
}

/// A process, mostly a child of this one.
struct Stranger {
    pid: u32,
    group: u32,
    session: u32,
    ended: bool,
}

impl Stranger {
    fn descends_from(&self, kin: &Kin) -> bool {
        self.session == kin.pid
            || self.group == kin.pid
            || kin.identity.is_some_and(|uid| self.status("Uid:") == Some(uid))
            || self.mark() == Some(kin.mark)
    }

    fn mark(&self) -> Option<u64> {
        let limits = fs::read_to_string(format!("/proc/{}/limits", self.pid)).ok()?;
        let line = limits.lines().find_map(|line| line.strip_prefix("Max msgqueue size"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    fn is_confined(&self) -> bool {
        static HOST_IS_CONFINED: LazyLock<bool> = LazyLock::new(|| prctl::get_no_new_privs().unwrap_or(true));
        !*HOST_IS_CONFINED && self.status("NoNewPrivs:") == Some(1)
    }

    fn status(&self, field: &str) -> Option<u32> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(field))?;
        line.split_whitespace().next()?.parse().ok()
    }

    fn end(&self) {
        let Ok(pid) = i32::try_from(self.pid).map(Pid::from_raw) else { return };
        let _ = kill(pid, Signal::SIGKILL);
        let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
    }
}

fn strangers() -> Vec<Stranger> {
    let host = std::process::id();
    processes().filter(|(parent, _)| *parent == host).map(|(_, stranger)| stranger).collect()
}

/// Every process of the machine that can be seen, with its parent.
fn processes() -> impl Iterator<Item = (u32, Stranger)> {
    let listed = fs::read_dir("/proc").into_iter().flatten();
    listed
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter_map(|pid| parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?))
}

/// Reads `/proc/PID/stat` (proc_pid_stat(5)); the name in parentheses may hold anything, so fields follow the last `)`.
fn parse(pid: u32, stat: &str) -> Option<(u32, Stranger)> {
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace();
    let ended = fields.next()? == "Z";
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let session = fields.next()?.parse().ok()?;
    Some((parent, Stranger { pid, group, session, ended }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_parentheses_and_spaces_does_not_confuse_the_fields() {
        let (parent, stranger) = parse(7, "7 (a) Z 1 (b c) S 42 43 44 0 -1").expect("fields");
        assert_eq!((parent, stranger.group, stranger.session, stranger.ended), (42, 43, 44, false));
    }
}
