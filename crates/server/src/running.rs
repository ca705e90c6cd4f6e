//! `server.json` in the data folder: where the running server answers, for the command line.

use serde::{Deserialize, Serialize};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// The file's name.
const FILE: &str = "server.json";

/// A server that runs, or ran and died without saying so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningServer {
    /// Where it answers on this machine, such as `http://127.0.0.1:7071`.
    pub url: String,
    /// Its process.
    pub pid: u32,
}

impl RunningServer {
    /// Writes the file, whole or not at all.
    pub fn announce(&self, data: &Path) -> io::Result<()> {
        let fresh = data.join("server.json.new");
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            // One that a crash left may have another mode.
            _ => {}
        }
        let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        out.write_all(&serde_json::to_vec_pretty(self)?)?;
        fs::rename(fresh, file(data))
    }

    /// What the file says. `None` when there is none or it is unreadable: then no server is known.
    pub fn find(data: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(file(data)).ok()?).ok()
    }

    /// Removes the file, if it is still this server's.
    pub fn withdraw(&self, data: &Path) {
        if Self::find(data).as_ref() == Some(self)
            && let Err(error) = fs::remove_file(file(data))
        {
            tracing::warn!(%error, "The file with the server's address could not be removed");
        }
    }
}

fn file(data: &Path) -> PathBuf {
    data.join(FILE)
}
