//! The engine's routes: running workflows, options of fields, what the bundle offers.

pub(crate) mod attempts;
pub(crate) mod choices;
pub(crate) mod idempotency;
pub(crate) mod metadata;
pub(crate) mod options;
pub(crate) mod prefer;
pub(crate) mod run;
pub(crate) mod run_at;
pub(crate) mod submission;
mod submitted_files;

use crate::{
    http::{Problem, ProblemKind},
    state::Api,
};
use msp_engine::Engine;

/// The engine, or 503 while it loads its first bundle.
pub(crate) fn engine(api: &Api) -> Result<&Engine, Problem> {
    api.engine.get().ok_or_else(|| {
        Problem::new(ProblemKind::EngineStarting).detail("The first bundle is being loaded. Try again shortly.")
    })
}
