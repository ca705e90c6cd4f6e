//! The Management API.

pub(crate) mod access_review;
pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod bulk_grants;
pub(crate) mod config;
pub(crate) mod executions;
pub(crate) mod forms;
pub(crate) mod grants;
pub(crate) mod integration_checks;
pub(crate) mod integrations;
pub(crate) mod me;
pub(crate) mod metrics;
pub(crate) mod organization_deletion;
pub(crate) mod organizations;
pub(crate) mod pauses;
pub(crate) mod permissions;
pub(crate) mod reach;
pub(crate) mod retention;
pub(crate) mod search;
pub(crate) mod secrets;
pub(crate) mod service;
pub(crate) mod service_accounts;
pub(crate) mod service_tokens;
pub(crate) mod settings;
pub(crate) mod uploads;
pub(crate) mod users;
