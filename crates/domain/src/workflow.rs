//! What a bundle of workflows offers: the shape of `GET /admin/metadata` (design section 5).

use crate::Parameter;
use serde::{Deserialize, Serialize};

/// A workflow an author registered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Workflow {
    /// Its unique name.
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub description: String,
    /// What it is listed under.
    #[serde(default)]
    pub category: String,
    /// Whether a run needs an organization.
    pub requires_org: bool,
    /// Its parameters, in the author's order.
    pub parameters: Vec<Parameter>,
    /// Seconds until a run is ended.
    pub timeout_seconds: u64,
    /// Whether a run has its worker process to itself.
    pub exclusive: bool,
    /// Whether it runs only when a form is submitted.
    #[serde(default)]
    pub forms_only: bool,
    /// Minutes of work that a run which succeeds saves, by the word of its author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes_saved: Option<u32>,
    /// The file it stands in, relative to the workspace.
    pub file: String,
    /// The line of its function.
    pub line: u32,
}

/// A function that fills a dropdown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OptionGenerator {
    /// Its unique name.
    pub name: String,
    /// What it offers.
    #[serde(default)]
    pub description: String,
    /// The names of its arguments besides the context.
    pub inputs: Vec<String>,
    /// Seconds an answer is kept; 0: every request asks.
    pub cache_seconds: u64,
    /// Whether its function is a plain `def`, so it gets a worker process to itself while it runs.
    #[serde(default)]
    pub exclusive: bool,
    /// The file it stands in, relative to the workspace.
    pub file: String,
    /// The line of its function.
    pub line: u32,
}

/// Why a file of the workspace could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FileError {
    /// The file, relative to the workspace.
    pub file: String,
    /// The line at fault, when it is known.
    pub line: Option<u32>,
    /// What is wrong and what to do.
    pub message: String,
}

/// Everything a loaded bundle offers, and what of it could not be loaded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BundleMetadata {
    /// Content hash of the workspace.
    pub bundle: String,
    /// Workflows by name.
    pub workflows: Vec<Workflow>,
    /// Option generators by name.
    pub option_generators: Vec<OptionGenerator>,
    /// Files that could not be used.
    pub errors: Vec<FileError>,
    /// What works and is probably not meant: a dropdown whose option generator does not exist.
    #[serde(default)]
    pub warnings: Vec<FileError>,
}

impl BundleMetadata {
    /// The workflow with this name.
    pub fn workflow(&self, name: &str) -> Option<&Workflow> {
        self.workflows.iter().find(|workflow| workflow.name == name)
    }

    /// The option generator with this name.
    pub fn option_generator(&self, name: &str) -> Option<&OptionGenerator> {
        self.option_generators.iter().find(|generator| generator.name == name)
    }
}

/// The known name most like a mistyped one, if any is close enough to be meant.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const CLOSE_ENOUGH: f64 = 0.75;
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(wrong, name), name))
        .filter(|(similarity, _)| *similarity >= CLOSE_ENOUGH)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}
