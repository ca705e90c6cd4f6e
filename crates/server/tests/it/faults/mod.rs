//! What is on record, whatever dies: the server is killed with SIGKILL at every named fault point and at random
//! moments, a worker is killed under its execution, and afterwards every accepted execution must have exactly one
//! legal ending and no effect may have happened twice. Workflows that misbehave end as what they did.

pub mod clock_jumps;
mod deadly;
pub mod effects;
mod exports;
mod fault_points;
mod flood;
pub mod host;
mod hostile;
mod identical;
mod leftovers;
pub mod log_loss;
mod open_steps;
pub mod packing;
mod random_kills;
mod reload_storm;
mod retention;
mod revoked;
mod scheduled;
mod seed;
mod soak;
mod stopped;
mod store_full;
mod unreadable;
mod worker_kills;
