//! `msp workflows check`.

use super::load::load;
use crate::{cli::Places, failure::Reported, settings::Settings};
use anyhow::Result;

/// Loads the workspace and prints every mistake as `file:line: what is wrong`.
pub async fn check(places: &Places, settings: &Settings) -> Result<()> {
    let bundle = load(places, settings).await?;
    for mistake in bundle.errors.iter().chain(&bundle.warnings) {
        let line = mistake.line.map_or_else(String::new, |line| format!(":{line}"));
        println!("{}{line}: {}", mistake.file, mistake.message);
    }
    let mistakes = bundle.errors.len() + bundle.warnings.len();
    let count = |number: usize, thing: &str| format!("{number} {thing}{}", if number == 1 { "" } else { "s" });
    println!(
        "{}, {}, {}",
        count(bundle.workflows.len(), "workflow"),
        count(bundle.option_generators.len(), "option generator"),
        count(mistakes, "mistake"),
    );
    if mistakes == 0 { Ok(()) } else { Err(Reported.into()) }
}
