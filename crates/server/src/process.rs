//! Figures of this process, under the names every Prometheus dashboard knows.

use msp_metrics::{Registry, gauge};
use nix::unistd::{SysconfVar, sysconf};
use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

/// Registers the figures; what the system does not tell is left out.
pub fn register(registry: &mut Registry, started: SystemTime) {
    if let Some(bytes) = resident_bytes() {
        gauge(registry, "process_resident_memory_bytes", "Resident memory size in bytes", bytes);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // One of them reads the folder.
        let open = u32::try_from(open.count().saturating_sub(1)).unwrap_or(u32::MAX);
        gauge(registry, "process_open_fds", "Number of open file descriptors", open);
    }
    let since = started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    gauge(registry, "process_start_time_seconds", "Start time of the process since unix epoch in seconds", since);
    let up = started.elapsed().unwrap_or_default().as_secs_f64();
    gauge(registry, "process_uptime_seconds", "Time since the start of the process", up);
}

/// The second figure of `statm` counts resident pages (proc(5)).
fn resident_bytes() -> Option<f64> {
    let pages: u32 = fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    let page = u32::try_from(sysconf(SysconfVar::PAGE_SIZE).ok()??).ok()?;
    Some(f64::from(pages) * f64::from(page))
}
