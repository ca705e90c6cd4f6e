//! Where log lines go: standard error, for people at a terminal and for machines otherwise. Standard output belongs
//! to what a command was asked for.

use std::io::{self, IsTerminal};
use tracing_subscriber::EnvFilter;

/// Starts logging. `quiet` is for commands whose log nobody reads: warnings only, unless a filter was set.
pub fn start(filter: Option<&str>, quiet: bool) {
    let fallback = if quiet { "warn" } else { "info" };
    // The settings have checked the filter already.
    let filter = EnvFilter::try_new(filter.unwrap_or(fallback)).unwrap_or_else(|_| EnvFilter::new(fallback));
    // A log that cannot be written, on a full disk for example, must not become a panic of whoever logs: the subscriber
    // would report it with `eprintln!`.
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).log_internal_errors(false);
    let started = if io::stderr().is_terminal() {
        subscriber.with_target(false).try_init()
    } else {
        subscriber.json().flatten_event(true).try_init()
    };
    debug_assert!(started.is_ok(), "logging is started once");
}
