//! Executions on record: one, many, their results and their logs.

mod find;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod read;
mod view;
