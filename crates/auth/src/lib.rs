#![doc = include_str!("../README.md")]

pub mod authenticate;
pub mod gate;
pub mod tokens;
mod verified;

pub use authenticate::{AuthError, Authenticator};
pub use gate::{Access, Denied, Gate};
pub use tokens::{TokenError, Tokens};
