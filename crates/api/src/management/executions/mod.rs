//! Executions on record: one, many, their results and their logs.

pub(crate) mod cancel;
mod download;
pub(crate) mod export;
pub(crate) mod external;
pub(crate) mod files;
pub(crate) mod find;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod read;
pub(crate) mod rerun;
pub(crate) mod statistics;
mod stream;
pub(crate) mod stream_places;
pub(crate) mod table;
mod view;

pub(crate) use stream::accepts;
