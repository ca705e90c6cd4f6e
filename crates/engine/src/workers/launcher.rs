//! `msp __worker`: becomes a Python worker behind walls. Runs in a process of its own, before any thread exists.
//!
//! The order matters. Bounding capabilities can only be dropped while the process has some; a change of uid clears
//! the parent-death signal; Landlock must come after everything that opens files elsewhere, the filter of system calls
//! after everything that makes one it refuses.

use super::{calls, sandbox};
use nix::{
    sys::{
        prctl,
        resource::{Resource, setrlimit},
        signal::Signal,
        stat::{Mode, umask},
    },
    unistd::{Gid, Pid, Uid, getppid, setgroups, setresgid, setresuid, setsid},
};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Open descriptors of one worker: sixteen executions with their connections, and room.
const MOST_DESCRIPTORS: u64 = 4096;
/// Private memory of one process. A backstop against a runaway, far above what a worker should need.
const MOST_DATA_BYTES: u64 = 8 << 30;
/// One file in the temporary folder.
const MOST_FILE_BYTES: u64 = 1 << 30;
/// Processes and threads, where the worker has a uid of its own and the limit meets nobody else.
const MOST_PROCESSES: u64 = 512;

/// Puts the SDK first on the path and enters it (docs/worker-protocol.md, "Command line").
const BOOTSTRAP: &str = "import sys; sys.dont_write_bytecode = True; sys.path.insert(0, sys.argv[1]); \
                         from msp_sdk._worker import main; main()";

/// Everything a worker process is started with; travels as the argument of `msp __worker`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Launch {
    /// Who must still be the parent once the parent-death signal is armed.
    pub host_pid: i32,
    /// The interpreter.
    pub python: PathBuf,
    /// Folders of the interpreter.
    pub prefixes: Vec<PathBuf>,
    /// Where the SDK is.
    pub sdk: PathBuf,
    /// The copy of the author's workspace.
    pub workspace: PathBuf,
    /// Installed packages.
    pub site_packages: Option<PathBuf>,
    /// The engine folder: nothing of it or beside it is readable but what is named here.
    pub engine_dir: PathBuf,
    /// The worker's own folder.
    pub temp: PathBuf,
    /// The uid and gid to become; `None` keeps the host's.
    pub identity: Option<u32>,
    /// The hard limit by which its descendants are recognized.
    pub mark: u64,
    /// Raise the walls, say what stands, and end.
    pub probe: bool,
}

/// What a probe found behind the walls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Found {
    /// The first thing a worker needs that cannot be reached.
    pub unreachable: Option<String>,
    /// The uid behind the walls.
    pub uid: u32,
    /// Whether no capability is left, the bounding set included.
    pub capabilities_dropped: bool,
    /// Whether Landlock is enforced, and whether all of it is.
    pub landlock: Walls,
    /// Whether system calls about other processes and foreign metadata are refused.
    pub calls_filtered: bool,
}

/// How far Landlock goes on this kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Walls {
    /// Files, signals and abstract sockets.
    Full,
    /// Files, but not everything else.
    Partial,
    /// Nothing: the kernel has no Landlock.
    #[default]
    None,
}

/// The entry of `msp __worker`: raises the walls, then becomes Python. Called before any thread exists.
/// Returns only when it failed, with what to print.
pub fn worker_main(arguments: &[String]) -> String {
    let Some(launch) = arguments.first().and_then(|text| serde_json::from_str::<Launch>(text).ok()) else {
        return "`__worker` is started by the engine only".to_owned();
    };
    match raise_walls(&launch) {
        Err(fault) => fault,
        Ok(found) if launch.probe => report(&launch, found),
        Ok(_) => {
            let error = Command::new(&launch.python)
                .args(["-I", "-S", "-X", "utf8", "-c", BOOTSTRAP])
                .arg(&launch.sdk)
                .env_clear()
                .envs(launch.environment())
                .exec();
            format!("{} cannot be executed: {error}", launch.python.display())
        }
    }
}

impl Launch {
    /// The worker's whole environment.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let temp = self.temp.display().to_string();
        let beside = self.python.parent().unwrap_or(Path::new("/usr/bin")).display().to_string();
        vec![
            ("PATH", format!("{beside}:/usr/local/bin:/usr/bin:/bin")),
            ("LANG", "C.UTF-8".to_owned()),
            ("HOME", temp.clone()),
            ("TMPDIR", temp),
            ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ]
    }
}

fn raise_walls(launch: &Launch) -> Result<Found, String> {
    let step = |what: &str| {
        let what = what.to_owned();
        move |error: nix::Error| format!("{what}: {error}")
    };
    close_inherited().map_err(|error| format!("inherited descriptors cannot be closed: {error}"))?;
    setsid().map_err(step("no session of its own"))?;
    umask(Mode::from_bits_truncate(0o077));
    limit_resources(launch).map_err(step("limits cannot be set"))?;
    std::env::set_current_dir(&launch.temp).map_err(|error| format!("{}: {error}", launch.temp.display()))?;

    // Refused to an ordinary user, who has nothing to drop.
    let bounding = caps::clear(None, caps::CapSet::Bounding);
    if let Some(id) = launch.identity {
        setgroups(&[]).map_err(step("groups cannot be left"))?;
        let (uid, gid) = (Uid::from_raw(id), Gid::from_raw(id));
        setresgid(gid, gid, gid).map_err(step("the group cannot be changed"))?;
        setresuid(uid, uid, uid).map_err(step("the user cannot be changed"))?;
    }
    for set in [caps::CapSet::Ambient, caps::CapSet::Inheritable, caps::CapSet::Effective, caps::CapSet::Permitted] {
        caps::clear(None, set).map_err(|error| format!("capabilities cannot be dropped: {error}"))?;
    }
    prctl::set_no_new_privs().map_err(step("no_new_privs"))?;
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(step("the parent-death signal"))?;
    if getppid() != Pid::from_raw(launch.host_pid) {
        return Err("the host ended while this worker started".to_owned());
    }
    let landlock = sandbox::enforce(launch).map_err(|error| format!("Landlock: {error}"))?;
    let calls_filtered = calls::filter(launch.identity.is_none()).is_ok();
    Ok(Found {
        unreachable: None,
        uid: Uid::current().as_raw(),
        capabilities_dropped: bounding.is_ok(),
        landlock,
        calls_filtered,
    })
}

/// What the host itself inherited from whoever started it, and would pass on: Landlock does not touch open files.
fn close_inherited() -> io::Result<()> {
    let open: Vec<i32> = fs::read_dir("/dev/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|descriptor| *descriptor > 2)
        .collect();
    for descriptor in open {
        // The listing itself had one, which is closed by now.
        let _ = nix::unistd::close(descriptor);
    }
    Ok(())
}

fn limit_resources(launch: &Launch) -> nix::Result<()> {
    let mut limits = vec![
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_NOFILE, MOST_DESCRIPTORS),
        (Resource::RLIMIT_DATA, MOST_DATA_BYTES),
        (Resource::RLIMIT_FSIZE, MOST_FILE_BYTES),
        (Resource::RLIMIT_MSGQUEUE, launch.mark),
    ];
    if launch.identity.is_some() {
        limits.push((Resource::RLIMIT_NPROC, MOST_PROCESSES));
    }
    for (resource, wanted) in limits {
        let (_, ceiling) = nix::sys::resource::getrlimit(resource)?;
        let limit = wanted.min(ceiling);
        setrlimit(resource, limit, limit)?;
    }
    Ok(())
}

/// Tries, from behind the walls, everything a worker opens before it says hello.
fn report(launch: &Launch, mut found: Found) -> String {
    let needed = [
        Some(&launch.python),
        launch.prefixes.first(),
        Some(&launch.sdk),
        Some(&launch.workspace),
        launch.site_packages.as_ref(),
    ];
    found.unreachable = needed
        .into_iter()
        .flatten()
        .find_map(|path| touch(path).err().map(|error| format!("{}: {error}", path.display())));
    match serde_json::to_string(&found) {
        Ok(text) => {
            println!("{text}");
            std::process::exit(0)
        }
        Err(error) => error.to_string(),
    }
}

fn touch(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.is_dir() { fs::read_dir(path).map(drop) } else { fs::File::open(path).map(drop) }
}
