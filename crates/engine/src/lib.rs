#![doc = include_str!("../README.md")]

mod backlog;
mod batches;
mod cancel;
mod counting;
mod dispatcher;
mod ending;
pub mod engine;
pub mod fault;
mod files;
mod host;
mod idempotency;
mod line;
mod line_masker;
mod live;
mod log_sink;
pub mod masking;
mod metrics;
mod options;
mod packing;
mod panics;
mod patience;
mod pauses;
mod places;
mod prepare;
mod record;
mod recovery;
mod refusal;
mod retention;
mod run;
mod run_files;
mod runtime;
mod schedule;
mod steps;
pub mod workers;

pub use batches::{BatchRequest, CancelBatchError, RowFault, RowInput};
pub use cancel::CancelError;
pub use engine::{
    Engine, EngineError, EngineOptions, Idempotency, OptionsAnswer, OptionsError, OptionsRequest, RunAnswer, RunError,
    RunRequest, SubmittedForm, Wait,
};
pub use live::Changes;
pub use panics::keep_running;
