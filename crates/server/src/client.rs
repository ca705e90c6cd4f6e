//! The browser client this program carries.

use msp_api::{Client, ClientFile};

/// Listed by `build.rs`; empty when the client was not built before the program.
const FILES: &[ClientFile] = include!(concat!(env!("OUT_DIR"), "/client_files.rs"));

/// The client.
pub fn client() -> Client {
    Client::new(FILES)
}
