//! Following an execution to its end, line by line.

use super::client::{Client, ExecutionView, ProgressView};
use anyhow::Result;
use msp_domain::{LogLevel, LogLine};
use std::time::Duration;
use tokio::time::sleep;

/// First and longest pause between two looks at an execution: quick runs end at once, long ones cost the server little.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Prints log lines and progress as they come, and answers the execution once it has ended.
pub async fn follow(client: &Client, id: &str) -> Result<ExecutionView> {
    let mut shown = 0;
    let mut progress = None;
    let mut pause = FIRST_PAUSE;
    loop {
        // The status first: every line an ended execution wrote can be read by then.
        let execution = client.execution(id).await?;
        let before = shown;
        // Not only up to `logs_through`, which a running execution updates together with its progress.
        loop {
            let lines = client.logs(id, shown).await?;
            let Some(last) = lines.last() else { break };
            shown = last.seq;
            lines.iter().for_each(print_line);
        }
        let moved = execution.progress.is_some() && execution.progress != progress;
        if moved {
            progress.clone_from(&execution.progress);
            print_progress(progress.as_ref());
        }
        if execution.status.is_final() {
            return Ok(execution);
        }
        pause = if moved || shown > before { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
        sleep(pause).await;
    }
}

fn print_line(line: &LogLine) {
    let level = match line.level {
        LogLevel::Debug => "debug  ",
        LogLevel::Info => "info   ",
        LogLevel::Warning => "warning",
        LogLevel::Error => "error  ",
    };
    eprintln!("{}  {level}  {}", line.at.format("%H:%M:%S%.3f"), plain(&line.message));
}

fn print_progress(progress: Option<&ProgressView>) {
    let Some(progress) = progress else { return };
    let percent = progress.percent.map_or_else(String::new, |percent| format!("{percent:.0} %"));
    eprintln!("{percent:>12}  {}", plain(progress.message.as_deref().unwrap_or_default()));
}

/// What author code wrote, as it may reach a terminal: escape sequences could rewrite what stands there.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_do_not_reach_the_terminal_and_tracebacks_keep_their_lines() {
        assert_eq!(plain("a\u{1b}[2Jb\r\u{9b}c"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}c");
        assert_eq!(plain("Traceback:\n\tgrün"), "Traceback:\n\tgrün");
    }
}
