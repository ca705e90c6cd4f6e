//! Following an execution to its end, line by line.

use super::client::{Client, ExecutionView, ProgressView, StepView};
use anyhow::Result;
use msp_domain::{ExecutionStatus, LogLevel, LogLine};
use std::{collections::HashMap, time::Duration};
use tokio::time::sleep;

/// First and longest pause between two looks at an execution: quick runs end at once, long ones cost the server little.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Prints log lines, steps and progress as they come, and answers the execution once it has ended.
pub async fn follow(client: &Client, id: &str) -> Result<ExecutionView> {
    let mut shown = 0;
    let mut progress = None;
    let mut steps = HashMap::new();
    let mut pause = FIRST_PAUSE;
    loop {
        // The status first: every line an ended execution wrote can be read by then.
        let execution = client.execution(id).await?;
        let before = shown;
        let began = show_steps(&execution.steps, &mut steps, |status| !status.is_final());
        // Not only up to `logs_through`, which a running execution updates together with its progress.
        loop {
            let lines = client.logs(id, shown).await?;
            let Some(last) = lines.last() else { break };
            shown = last.seq;
            lines.iter().for_each(print_line);
        }
        let ended = show_steps(&execution.steps, &mut steps, ExecutionStatus::is_final);
        let moved = execution.progress.is_some() && execution.progress != progress;
        if moved {
            progress.clone_from(&execution.progress);
            print_progress(progress.as_ref());
        }
        if execution.status.is_final() {
            return Ok(execution);
        }
        pause = if moved || began || ended || shown > before { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
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

/// Prints the steps of that kind that are new or stand differently; answers whether there were any. One that began and
/// ended between two looks is shown once.
fn show_steps(
    steps: &[StepView],
    shown: &mut HashMap<u32, ExecutionStatus>,
    wanted: impl Fn(ExecutionStatus) -> bool,
) -> bool {
    let mut any = false;
    for step in steps.iter().filter(|step| wanted(step.status)) {
        if shown.insert(step.seq, step.status) != Some(step.status) {
            any = true;
            eprintln!("{}", step_line(step));
        }
    }
    any
}

fn step_line(step: &StepView) -> String {
    let state = if step.status.is_final() { step.status.name() } else { "began" };
    let took = step.duration_ms.map_or_else(String::new, |ms| format!(" after {ms} ms"));
    let error = step.error_message.as_ref().map_or_else(String::new, |error| format!(": {error}"));
    plain(&format!("        step  {}. {}: {state}{took}{error}", step.seq, step.name))
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
