#![doc = include_str!("../README.md")]

mod dispatcher;
mod ending;
pub mod engine;
pub mod fault;
mod host;
mod log_sink;
pub mod masking;
mod options;
mod prepare;
mod record;
mod recovery;
mod run;
mod runtime;
pub mod workers;

pub use engine::{
    Engine, EngineError, EngineOptions, OptionsAnswer, OptionsError, OptionsRequest, RunAnswer, RunError, RunRequest,
    Wait,
};
