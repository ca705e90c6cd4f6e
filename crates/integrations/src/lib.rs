#![doc = include_str!("../README.md")]

mod address_filter;
mod arguments;
mod broker;
mod channel;
mod connector;
mod error;
mod graph;
mod halo;
mod masking;
mod password;
mod retry;
mod settings;
mod timing;
mod tokens;
mod webhooks;

pub use broker::{CallScope, Integrations};
pub use error::IntegrationError;
pub use settings::{CheckedSettings, IntegrationType};
pub use timing::{SystemTiming, Timing};
pub use webhooks::{PostError, Webhook, Webhooks};

/// The integrations the platform brings itself. Every other name is an author's.
pub const PLATFORM_INTEGRATIONS: [&str; 2] = ["msgraph", "halopsa"];
