#![doc = include_str!("../README.md")]

mod admin;
mod changes;
mod entra;
mod faults;
mod graph;
mod halo;
mod journal;
mod request;
mod simulator;
mod state;
mod tokens;

pub use changes::{Change, ChangeError};
pub use faults::{Fault, FaultKind};
pub use journal::{JournalEntry, Service};
pub use simulator::{Simulator, SimulatorError, serve};
pub use state::{App, HaloAction, HaloClient, HaloInstance, HaloNote, HaloTicket, Sku, State, Tenant, User};
