//! Rules by which failures are told: those of an organization, and those of everybody.

mod draft;
pub(crate) mod global;
pub(crate) mod of_organization;
mod shared;
mod view;
