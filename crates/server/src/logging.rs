//! Where log lines go: standard error, for people at a terminal and for machines otherwise. Standard output belongs
//! to what a command was asked for.

use msp_metrics::Counter;
use std::{
    io::{self, IsTerminal, Write},
    panic,
    sync::LazyLock,
};
use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// A sentence and its fields, for people.
    Text,
    /// One JSON object per line, for programs.
    Json,
}

/// Lines that could not be written. There is one log in a process, and so there is one count.
static DROPPED: LazyLock<Counter> = LazyLock::new(Counter::default);

/// How many lines could not be written so far.
pub fn dropped() -> Counter {
    DROPPED.clone()
}

/// Standard error, counting what it does not take.
struct Log;

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.write_all(line).map(|()| line.len())
    }

    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        io::stderr().write_all(line).inspect_err(|_| {
            DROPPED.inc();
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Starts logging. `quiet` is for commands whose log nobody reads: warnings only, unless a filter was set.
pub fn start(filter: Option<&str>, format: Option<LogFormat>, quiet: bool) {
    let fallback = if quiet { "warn" } else { "info" };
    // The settings have checked the filter already.
    let filter = EnvFilter::try_new(filter.unwrap_or(fallback)).unwrap_or_else(|_| EnvFilter::new(fallback));
    // A log that cannot be written, on a full disk for example, must not become a panic of whoever logs: the subscriber
    // would report it with `eprintln!`.
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Log).log_internal_errors(false);
    let is_terminal = io::stderr().is_terminal();
    let format = format.unwrap_or(if is_terminal { LogFormat::Text } else { LogFormat::Json });
    let started = match format {
        LogFormat::Text => subscriber.with_target(false).with_ansi(is_terminal).try_init(),
        LogFormat::Json => {
            // Every line is one object, also the last words of a thread.
            panic::set_hook(Box::new(|panic| tracing::error!(panic = %panic, "A thread panicked")));
            subscriber.json().flatten_event(true).with_span_list(false).try_init()
        }
    };
    debug_assert!(started.is_ok(), "logging is started once");
}
