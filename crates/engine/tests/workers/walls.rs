//! What author code behind the walls cannot do.

use crate::support::{Bench, Setup, org};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const PROBE: &str = r#"
import os, resource, shutil, signal, socket, subprocess, sys, tempfile
from msp_sdk import workflow

def attempt(action):
    try:
        return {"ok": str(action())[:200]}
    except BaseException as error:
        return {"error": type(error).__name__}

def read(path):
    with open(path, "rb") as file:
        return file.read(40)

def write(path):
    with open(path, "ab") as file:
        file.write(b"x")
    return "written"

@workflow(name="attempts")
async def attempts(context, data: str, workspace: str, host: int):
    import msp_sdk
    bundle = os.path.dirname(os.path.dirname(__file__))
    forbidden = {
        "key": lambda: read(data + "/master.key"),
        "database": lambda: read(data + "/msp.db"),
        "host environment": lambda: read(f"/proc/{host}/environ"),
        "signal the host": lambda: os.kill(host, 0),
        "limit the host": lambda: resource.prlimit(host, resource.RLIMIT_CORE, (0, 0)),
        "slow the host": lambda: os.setpriority(os.PRIO_PROCESS, host, 19),
        "move the host": lambda: os.sched_setaffinity(host, {0}),
        "own the key": lambda: os.chown(data + "/master.key", 1, 1),
        "label the key": lambda: os.setxattr(data + "/master.key", "user.mine", b"x"),
        "write the bundle": lambda: write(bundle + "/workflows/all.py"),
        "add to the bundle": lambda: write(bundle + "/workflows/new.py"),
        "write the sdk": lambda: write(msp_sdk.__file__),
        "the author's own folder": lambda: read(workspace + "/workflows/all.py"),
        "hidden file": lambda: read(workspace + "/.env"),
        "other bundles": lambda: os.listdir(os.path.dirname(bundle)),
        "passwords": lambda: read("/etc/shadow"),
        "users": lambda: read("/etc/passwd"),
        "other temporary folders": lambda: os.listdir(data + "/engine/tmp"),
        "the world's temporary folder": lambda: write("/tmp/msp-walls-probe"),
        "become root": lambda: os.setuid(0) if os.getuid() else os.chown(context_temp(), 1, 1),
    }
    allowed = {
        "own temporary folder": lambda: write(tempfile.gettempdir() + "/mine"),
        "own source": lambda: read(bundle + "/workflows/all.py"),
        "template": lambda: read(bundle + "/templates/mail.txt"),
        "subprocess": lambda: subprocess.run(["/bin/echo", "hi"], capture_output=True, check=True).stdout,
        "null": lambda: write("/dev/null"),
        "own limits": lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
        "copy": lambda: shutil.copy2(bundle + "/templates/mail.txt", tempfile.gettempdir() + "/copy"),
        "mode of the key": lambda: chmod(data + "/master.key"),
        "sockets": lambda: socket.socket().close(),
    }
    return {
        "forbidden": {name: attempt(action) for name, action in forbidden.items()},
        "allowed": {name: attempt(action) for name, action in allowed.items()},
        "environment": sorted(os.environ),
        "uid": os.getuid(),
        "open": [os.readlink(link) for link in map("/proc/self/fd/{}".format, os.listdir("/proc/self/fd")) if os.path.islink(link)],
        "status": [line for line in open("/proc/self/status") if line.startswith(("Cap", "NoNewPrivs", "Groups"))],
    }

def chmod(path):
    """Without effect where the worker shares the host's uid, refused by the kernel where it has its own."""
    try:
        os.chmod(path, 0o666)
        os.utime(path, (0, 0))
    except PermissionError:
        pass

def context_temp():
    path = tempfile.gettempdir() + "/owned"
    open(path, "w").close()
    return path
"#;

async fn attempts(python: Option<PathBuf>) -> (Bench, Value) {
    let files = [("workflows/all.py", PROBE), ("templates/mail.txt", "Hello"), (".env", "canary")];
    let bench = Bench::with(&files, Setup { python, ..Setup::default() }).await;
    let arguments = json!({
        "data": bench.data(), "workspace": bench.folder.path().join("workspace"), "host": std::process::id(),
    });
    let mode = || std::fs::metadata(bench.data().join("master.key")).expect("the key").permissions().mode();
    let before = mode();
    let value = bench.value(org(), "attempts", arguments).await;
    assert_eq!(mode(), before, "the mode of the key was changed");
    (bench, value)
}

fn assert_walls(value: &Value) {
    for (what, result) in value["forbidden"].as_object().expect("results") {
        assert!(result.get("error").is_some(), "{what}: {result}");
    }
    for (what, result) in value["allowed"].as_object().expect("results") {
        assert!(result.get("ok").is_some(), "{what}: {result}");
    }
    let names: Vec<&str> = value["environment"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
    let known = ["HOME", "LANG", "LC_CTYPE", "PATH", "PYTHONDONTWRITEBYTECODE", "TMPDIR"];
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
    let status = value["status"].to_string();
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert!(status.contains(&format!("{set}:\\t0000000000000000")), "{status}");
    }
    if nix::unistd::Uid::effective().is_root() {
        assert!(status.contains("CapBnd:\\t0000000000000000"), "{status}");
    }
    assert!(status.contains("NoNewPrivs:\\t1"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn author_code_cannot_read_the_key_the_database_or_the_host_nor_signal_it_nor_write_its_own_bundle() {
    let (bench, value) = attempts(None).await;
    assert_walls(&value);
    let layers = bench.pool.layers().join("\n");
    assert!(layers.contains("Landlock confines") && layers.contains("no_new_privs"), "{layers}");
}

/// Needs root and an interpreter others can reach; elsewhere the pool says that the uid is kept, which is checked too.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_root_gives_every_worker_a_uid_of_its_own_when_it_can_reach_what_it_needs() {
    let system = Path::new("/usr/bin/python3");
    let recent = std::process::Command::new(system)
        .args(["-c", "import sys; sys.exit(sys.version_info < (3, 11))"])
        .status()
        .is_ok_and(|status| status.success());
    let (bench, value) = attempts(recent.then(|| system.to_owned())).await;
    assert_walls(&value);
    let own = nix::unistd::Uid::effective();
    let layers = bench.pool.layers().join("\n");
    let uid = value["uid"].as_u64().expect("a uid");
    if layers.contains("a uid of its own") {
        assert!(own.is_root() && (62_000..65_000).contains(&uid), "{uid}");
        let again = attempts(Some(system.to_owned())).await.1["uid"].as_u64();
        assert_ne!(again, Some(uid), "two workers share a uid");
    } else {
        assert_eq!(uid, u64::from(own.as_raw()));
        assert!(layers.contains("keep the server's uid"), "{layers}");
    }
    assert!(!(own.is_root() && recent) || layers.contains("a uid of its own"), "{layers}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_the_host_inherited_from_whoever_started_it_are_closed_in_workers() {
    let private = tempfile::NamedTempFile::new().expect("a file");
    // A duplicate survives `exec`, as an inherited descriptor does.
    let inherited = nix::unistd::dup(private.as_file()).expect("duplicated");
    let (_bench, value) = attempts(None).await;
    let open = value["open"].to_string();
    assert!(open.contains("pipe:") && !open.contains(&private.path().display().to_string()), "{open}");
    drop(inherited);
}
