#![doc = include_str!("../README.md")]

pub mod engine;
pub mod workers;

pub use engine::{
    Engine, EngineError, EngineOptions, OptionsAnswer, OptionsRequest, RunAnswer, RunError, RunRequest, Wait,
};
