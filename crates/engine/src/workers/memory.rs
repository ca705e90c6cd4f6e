//! The limit on resident memory: a process, with all it started, that holds too much is ended before the machine
//! suffers. Looked at only while executions are in flight.

use super::{pool::Pool, process::Process};
use nix::sys::signal::Signal;
use std::{
    collections::HashMap,
    fs,
    sync::{Arc, Weak},
    time::Duration,
};

/// How often resident sizes are looked at (design section 6, "Workers"). What grows faster than that meets RLIMIT_DATA.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A worker that holds more than this part of the limit takes no new work and ends when it is idle: the next run
/// begins with all the room there is.
const GROWN: u64 = 2;

/// Looks for which the session of a process is remembered: asking each process of the machine again every time cost more
/// than all else here. A process that changes its session, or takes a freed number, is counted a second late.
const REMEMBERED_LOOKS: u8 = 5;

/// Ends whatever holds more than `limit_bytes`, as long as the pool lives.
pub(super) async fn guard(guarded: Weak<Pool>, limit_bytes: u64) {
    let mut sessions = Sessions::default();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(pool) = guarded.upgrade() else { return };
        let busy = super::lock(&pool.roster).busy();
        drop(pool);
        if busy.is_empty() {
            continue;
        }
        // Reading `/proc` may take a while on a busy machine.
        let looked = tokio::task::spawn_blocking(move || {
            let grown = end_what_is_too_large(&mut sessions, &busy, limit_bytes);
            (sessions, grown)
        });
        let grown;
        (sessions, grown) = looked.await.unwrap_or_default();
        if !grown.is_empty()
            && let Some(pool) = guarded.upgrade()
        {
            super::lock(&pool.roster).wear_out(&grown);
            // Idle by now, perhaps.
            pool.pump();
        }
    }
}

/// Answers the workers that hold more than their share: what they hold beyond it is seldom given back.
fn end_what_is_too_large(sessions: &mut Sessions, busy: &[Arc<Process>], limit_bytes: u64) -> Vec<u64> {
    let mut held: HashMap<u32, u64> = busy.iter().map(|process| (process.kin.pid, 0)).collect();
    sessions.add_resident(&mut held);
    let mut grown = Vec::new();
    for process in busy {
        let bytes = held.get(&process.kin.pid).copied().unwrap_or_default();
        if bytes > limit_bytes {
            let (peak, limit) = (bytes >> 20, limit_bytes >> 20);
            let why = format!(
                "was ended: it and what it started held {peak} MiB of memory, and the limit is {limit} MiB \
                 (MSP_WORKER_MEMORY_MB)"
            );
            process.end(super::OUT_OF_MEMORY, &why, Signal::SIGKILL);
        } else if bytes > limit_bytes / GROWN {
            grown.push(process.worker);
        }
    }
    grown
}

/// The session of each process of the machine, as last asked.
#[derive(Default)]
struct Sessions {
    known: HashMap<u32, u32>,
    looks: u8,
}

impl Sessions {
    /// Adds the bytes in memory of each of these sessions: a worker is the leader of its own, and what it starts belongs
    /// to it unless it asked for another.
    fn add_resident(&mut self, held: &mut HashMap<u32, u64>) {
        self.look();
        for (process, session) in &self.known {
            if let Some(bytes) = held.get_mut(session)
                && let Ok(status) = fs::read_to_string(format!("/proc/{process}/status"))
            {
                *bytes += resident(&status).unwrap_or_default();
            }
        }
    }

    /// Learns which processes there are, and asks those it does not know for their session.
    fn look(&mut self) {
        let Ok(processes) = fs::read_dir("/proc") else { return };
        self.looks = (self.looks + 1) % REMEMBERED_LOOKS;
        let known = if self.looks == 0 { HashMap::new() } else { std::mem::take(&mut self.known) };
        for process in processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()) {
            let session = known.get(&process).copied().or_else(|| session_of(process));
            self.known.extend(session.map(|session| (process, session)));
        }
    }
}

fn session_of(process: u32) -> Option<u32> {
    session(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// The sixth field of `/proc/PID/stat` (proc_pid_stat(5)); the name in parentheses may hold anything, so fields
/// follow the last `)`.
fn session(stat: &str) -> Option<u32> {
    stat.get(stat.rfind(')')? + 1..)?.split_whitespace().nth(3)?.parse().ok()
}

/// `VmRSS` of `/proc/PID/status` (proc_pid_status(5)), in bytes.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_process_is_found_in_its_session_with_a_plausible_size() {
        let stat = fs::read_to_string("/proc/self/stat").expect("on Linux");
        let own = session(&stat).expect("a session");
        let mut held = HashMap::from([(own, 0), (u32::MAX, 0)]);
        let mut sessions = Sessions::default();
        // The first look asks everybody, the second remembers.
        for look in 1..=2 {
            held.insert(own, 0);
            sessions.add_resident(&mut held);
            assert!(held[&own] > 1 << 20, "look {look}: {held:?}");
        }
        assert_eq!(held[&u32::MAX], 0);
    }
}
