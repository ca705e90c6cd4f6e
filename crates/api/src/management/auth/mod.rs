//! Signing in and out.

pub(crate) mod entra;
pub(crate) mod link;
mod session;
pub(crate) mod sign_out;
