//! One engine per data folder: holding the lock proves every earlier engine dead.

use crate::OpenError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// The longest process id, with room to spare.
const MAX_PID_TEXT: u64 = 32;

/// The engine's claim on a data folder. The operating system takes it back when the process ends, however it ends.
#[derive(Debug)]
pub struct EngineLock {
    _file: File,
}

/// Takes the advisory lock of the engine, held for the life of the guard. The file carries the holder's process id,
/// for people only.
///
/// # Errors
/// [`OpenError::EngineRunning`] when another engine holds it.
pub fn lock_engine(data: &Path) -> Result<EngineLock, OpenError> {
    let path = data.join("engine.lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(OpenError::io(&path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let known = file.take(MAX_PID_TEXT).read_to_string(&mut text).is_ok();
            let pid = text.trim().parse().ok().filter(|_| known);
            return Err(OpenError::EngineRunning { data: data.to_owned(), pid });
        }
        Err(TryLockError::Error(error)) => return Err(OpenError::io(&path)(error)),
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(OpenError::io(&path))?;
    Ok(EngineLock { _file: file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_engine_is_refused_with_folder_and_pid_until_the_first_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = lock_engine(folder.path()).expect("free");
        let refusal = lock_engine(folder.path()).expect_err("taken").to_string();
        assert!(refusal.contains(&folder.path().display().to_string()), "{refusal}");
        assert!(refusal.contains(&std::process::id().to_string()), "{refusal}");
        drop(first);
        lock_engine(folder.path()).expect("free again");
    }
}
