//! The real `msp` program, started as operators and authors start it.

mod canaries;
mod entra;
mod exchange;
mod faults;
mod first_start;
mod hot_reload;
mod limits;
mod logging;
mod metrics;
mod new_workflows;
mod notifying;
mod onboarding;
mod operations;
mod options;
mod pausing;
mod reach;
mod revoking;
mod running_workflows;
mod seeding;
mod starting_wrongly;
mod stopping;
mod support;
mod workspaces;
