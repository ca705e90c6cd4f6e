//! The broker against the simulator, over real sockets and the real local home.

mod addresses;
mod bench;
mod graph;
mod halo;
mod retries;
mod secrecy;
mod settings;
mod tokens;
mod webhooks;
