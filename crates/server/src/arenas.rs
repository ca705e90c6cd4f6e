//! How glibc keeps memory that was given back.
//!
//! It gives every thread that allocates an arena of its own, up to eight per processor, and what was freed stays in each of
//! them: a server whose threads pass values to each other then holds several times what it uses. With two arenas it held
//! 38 MB instead of 47 after 64 callers had worked, and was as fast (`cargo xtask bench --quick --only one`); with one it was
//! a sixth slower. glibc reads this from the environment only, and only at the start of a process (mallopt(3)).

use std::{
    env,
    ffi::{OsStr, OsString},
    os::unix::process::CommandExt as _,
    process::Command,
};

const VARIABLE: &str = "MALLOC_ARENA_MAX";
const ARENAS: &str = "2";

/// Makes a server that has just started begin anew with this set, under the same process id. Whoever set it knows better;
/// where it cannot be done, the server works with more memory.
pub fn bound(mut arguments: impl Iterator<Item = OsString>) {
    let Some(name) = arguments.next() else { return };
    let arguments: Vec<OsString> = arguments.collect();
    let serves = arguments.iter().any(|argument| argument == OsStr::new("serve"));
    if !cfg!(target_env = "gnu") || !serves || env::var_os(VARIABLE).is_some() {
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    // Comes back only with an error.
    let _ = Command::new(program).arg0(name).args(arguments).env(VARIABLE, ARENAS).exec();
}
