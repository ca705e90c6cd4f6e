//! Exports on a schedule: the schedules, and the files they wrote.

mod access;
pub(crate) mod files;
pub(crate) mod schedules;
mod view;
