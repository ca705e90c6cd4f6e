#![doc = include_str!("../README.md")]

mod client;
mod exports;
mod http;
mod management;
mod openapi;
mod router;
mod state;
mod workflows;

pub use client::{Client, ClientFile};
pub use http::{PROBLEM_JSON, Problem, ProblemKind};
pub use management::metrics::{Scraping, Source};
pub use router::{openapi, router};
pub use state::{ApiOptions, ApiState, EngineSlot};
