//! `msp workflows list`.

use super::load::load;
use crate::{cli::Places, settings::Settings};
use anyhow::Result;
use msp_domain::{BundleMetadata, Workflow};

/// Prints what the workspace offers.
pub async fn list(places: &Places, settings: &Settings) -> Result<()> {
    let bundle = load(places, settings).await?;
    let width = names(&bundle).map(str::len).max().unwrap_or_default();
    for workflow in &bundle.workflows {
        println!("{:<width$}  {}", workflow.name, workflow.description);
        println!("{:<width$}  {}", "", signature(workflow));
    }
    if !bundle.option_generators.is_empty() {
        println!("\nOption generators");
        for generator in &bundle.option_generators {
            println!("{:<width$}  {}", generator.name, generator.description);
        }
    }
    if !bundle.errors.is_empty() {
        eprintln!("\n{} of its files could not be used; `msp workflows check` says why", bundle.errors.len());
    }
    Ok(())
}

fn names(bundle: &BundleMetadata) -> impl Iterator<Item = &str> {
    let workflows = bundle.workflows.iter().map(|workflow| workflow.name.as_str());
    workflows.chain(bundle.option_generators.iter().map(|generator| generator.name.as_str()))
}

/// What a run takes: parameters, optional ones in brackets, and whether it needs an organization.
fn signature(workflow: &Workflow) -> String {
    let mut words: Vec<_> = workflow
        .parameters
        .iter()
        .map(|parameter| if parameter.required { parameter.name.clone() } else { format!("[{}]", parameter.name) })
        .collect();
    if workflow.requires_org {
        words.insert(0, "--org".to_owned());
    }
    words.join(" ")
}
