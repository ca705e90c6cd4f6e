//! Executions on record: one, many, their results and their logs.

pub(crate) mod cancel;
mod find;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod read;
pub(crate) mod rerun;
mod stream;
mod view;
