//! Batches: one form submitted with a file of rows.

pub(crate) mod cancel;
mod csv;
pub(crate) mod export;
mod find;
pub(crate) mod read;
pub(crate) mod rerun;
pub(crate) mod submit;
mod view;
