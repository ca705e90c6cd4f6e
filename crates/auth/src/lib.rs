#![doc = include_str!("../README.md")]

pub mod authenticate;
pub mod gate;
mod scrape_token;
pub mod tokens;
mod verified;

pub use authenticate::{AuthError, Authenticated, Authenticator};
pub use gate::{Access, Denied, Gate};
pub use scrape_token::ScrapeToken;
pub use tokens::{TokenError, Tokens};
