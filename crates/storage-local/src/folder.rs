//! The data folder: who may enter which part.

use crate::OpenError;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Passed through by everyone, listed by nobody else: workers of another user must reach `engine/` by its name.
const DATA_MODE: u32 = 0o711;
const PRIVATE_MODE: u32 = 0o700;
const ENGINE_MODE: u32 = 0o755;

/// Makes the folder and its parts where they are missing. The mode of a folder that holds a database already is its
/// operator's business.
pub(crate) fn prepare(data: &Path, create: bool) -> Result<(), OpenError> {
    let is_installation = data.join("msp.db").exists();
    if !is_installation && !create {
        return Err(OpenError::NoInstallation { data: data.to_owned() });
    }
    fs::create_dir_all(data).map_err(OpenError::io(data))?;
    if !is_installation {
        admit(data)?;
    }
    make(&data.join("blobs"), PRIVATE_MODE)?;
    make(&data.join("engine"), ENGINE_MODE)
}

/// Lets everyone pass through the folder.
pub(crate) fn admit(data: &Path) -> Result<(), OpenError> {
    fs::set_permissions(data, fs::Permissions::from_mode(DATA_MODE)).map_err(OpenError::io(data))
}

/// Makes the database file with a mode only we can read; SQLite gives its side files the same.
pub(crate) fn make_private_file(path: &Path) -> Result<(), OpenError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(OpenError::io(path)(error)),
    }
}

fn make(path: &Path, mode: u32) -> Result<(), OpenError> {
    match fs::DirBuilder::new().mode(mode).create(path) {
        // Set again, because the process's umask took bits away.
        Ok(()) => fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(OpenError::io(path)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(OpenError::io(path)(error)),
    }
}
