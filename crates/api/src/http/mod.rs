//! What every route stands on: problems, callers and access, bodies, queries, versions, and the layers around all.

pub(crate) mod access;
pub(crate) mod attempts;
pub(crate) mod caller;
pub(crate) mod cookies;
pub(crate) mod csv;
pub(crate) mod denials;
pub(crate) mod etag;
mod from_errors;
pub(crate) mod json;
mod kinds;
pub(crate) mod layers;
pub(crate) mod organization;
pub(crate) mod origin;
pub(crate) mod paging;
pub(crate) mod params;
mod problem;
pub(crate) mod rights;
pub(crate) mod traffic;

pub(crate) use from_errors::{outside_categories, unknown_name};
pub use kinds::ProblemKind;
pub use problem::{PROBLEM_JSON, Problem, ProblemBody};
