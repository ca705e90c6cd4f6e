#![doc = include_str!("../README.md")]

pub mod access;
pub mod authenticate;
pub mod entra;
pub mod gate;
mod scrape_token;
pub mod tokens;
mod verified;

pub use access::{Access, Denied};
pub use authenticate::{AuthError, Authenticated, Authenticator};
pub use entra::{Entra, EntraError, EntraIdentity, EntraSettings};
pub use gate::{Gate, Opened};
pub use scrape_token::ScrapeToken;
pub use tokens::{TokenError, Tokens};
