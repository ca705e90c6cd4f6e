//! Forms: of one organization, or of everybody.

pub(crate) mod change;
pub(crate) mod draft;
pub(crate) mod find;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod read;
mod view;
