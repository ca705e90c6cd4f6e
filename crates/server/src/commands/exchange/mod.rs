//! `msp import` and `msp export`: organizations, variables and forms as a folder of files that people and other tools write.
//!
//! Both work on the store, beside a running server or without one; a running server knows the change at its next request.

mod export;
mod forms;
mod import;
mod layout;
mod organizations;
mod plan;
mod rows;
mod variables;

pub use export::export;
pub use import::import;
