//! The API through its real router, over SQLite in a temporary folder.

mod auth;
mod client;
mod config;
mod execution_filters;
mod executions;
mod faulty;
mod form_runs;
mod forms;
mod http;
mod integration_checks;
mod integrations;
mod isolation;
mod live;
mod lost_writes;
mod options;
mod organizations;
mod pauses;
mod permissions;
mod scheduled;
mod secrets;
mod settings;
mod steps;
mod unstartable;
mod uploads;
mod users;
mod workflows;
