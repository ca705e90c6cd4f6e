//! The API through its real router, over SQLite in a temporary folder.

mod auth;
mod client;
mod config;
mod execution_filters;
mod executions;
mod http;
mod integration_checks;
mod integrations;
mod isolation;
mod live;
mod lost_claims;
mod options;
mod organizations;
mod pauses;
mod permissions;
mod secrets;
mod settings;
mod steps;
mod users;
mod workflows;
