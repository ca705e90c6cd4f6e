//! Finding the interpreter: once, by asking it who it really is.

use super::PoolError;
use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Arc, LazyLock, Mutex, mpsc},
    time::Duration,
};

/// The oldest Python authors may use (README, "Prerequisites").
const OLDEST: (u32, u32) = (3, 11);
/// An interpreter that takes longer to name itself is not usable.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// A real interpreter: never a version manager's shim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Python {
    /// What is executed.
    pub executable: PathBuf,
    /// Folders its standard library and native modules come from.
    pub prefixes: Vec<PathBuf>,
    /// For instance `cpython-3.11.7`; part of an environment's name.
    pub version: String,
    /// For instance `cpython-311`; part of the names of compiled files.
    pub cache_tag: String,
    /// For instance `python3.11`; part of the path of `site-packages`.
    pub library: String,
}

/// Answered with what every interpreter has loaded when it starts: importing more would take longer than starting did.
const QUESTION: &str = "import sys, os; \
    folder = os.path.dirname(os.__file__); \
    native = os.path.join(sys.base_exec_prefix, sys.platlibdir, os.path.basename(folder)); \
    print(getattr(sys, '_base_executable', None) or sys.executable, sys.implementation.name, sys.implementation.cache_tag, \
        *sys.version_info[:3], sys.base_prefix, sys.base_exec_prefix, folder, native, sep='\\0', end='')";

struct Answer {
    executable: PathBuf,
    prefixes: Vec<PathBuf>,
    implementation: String,
    cache_tag: String,
    version: (u32, u32, u32),
}

impl Answer {
    fn read(output: &[u8]) -> Option<Self> {
        let fields: Vec<&str> = std::str::from_utf8(output).ok()?.split('\0').collect();
        let [executable, implementation, cache_tag, major, minor, micro, prefixes @ ..] = fields.as_slice() else {
            return None;
        };
        Some(Self {
            executable: executable.into(),
            prefixes: prefixes.iter().map(PathBuf::from).collect(),
            implementation: (*implementation).to_owned(),
            cache_tag: (*cache_tag).to_owned(),
            version: (major.parse().ok()?, minor.parse().ok()?, micro.parse().ok()?),
        })
    }
}

/// Interpreters that were asked, by the name they were asked under. Each has a lock of its own, held while it is asked.
static FOUND: LazyLock<Mutex<HashMap<PathBuf, Answered>>> = LazyLock::new(Mutex::default);

type Answered = Arc<Mutex<Option<Python>>>;

/// Asks `python3` on the path, or the interpreter named in the options, once per process. Who asks while another does
/// waits for that answer.
///
/// # Errors
/// [`PoolError::Python`] with the remedy.
pub(super) fn find(named: Option<&Path>) -> Result<Python, PoolError> {
    let asked = named.unwrap_or(Path::new("python3"));
    let answer = Arc::clone(super::lock(&FOUND).entry(asked.to_owned()).or_default());
    let mut answer = super::lock(&answer);
    match &*answer {
        Some(found) => Ok(found.clone()),
        None => Ok(answer.insert(look(asked)?).clone()),
    }
}

fn look(asked: &Path) -> Result<Python, PoolError> {
    let fault = |what: String| {
        PoolError::Python(format!(
            "{what}. Install Python {}.{} or newer, or name one with MSP_PYTHON",
            OLDEST.0, OLDEST.1
        ))
    };
    let output = ask(asked).map_err(|error| fault(format!("`{}` cannot be run: {error}", asked.display())))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        let last = words.lines().last().unwrap_or_default();
        return Err(fault(format!("`{}` ended with {}: {last}", asked.display(), output.status)));
    }
    let answer = Answer::read(&output.stdout)
        .ok_or_else(|| fault(format!("`{}` does not answer like Python", asked.display())))?;
    let (major, minor, micro) = answer.version;
    if (major, minor) < OLDEST {
        return Err(fault(format!("`{}` is Python {major}.{minor}.{micro}", asked.display())));
    }
    let executable = answer
        .executable
        .canonicalize()
        .map_err(|error| fault(format!("`{}` cannot be resolved: {error}", answer.executable.display())))?;
    let mut prefixes: Vec<PathBuf> = answer.prefixes.iter().filter_map(|prefix| prefix.canonicalize().ok()).collect();
    prefixes.sort();
    prefixes.dedup();
    Ok(Python {
        executable,
        prefixes,
        version: format!("{}-{major}.{minor}.{micro}", answer.implementation),
        cache_tag: answer.cache_tag,
        library: format!("python{major}.{minor}"),
    })
}

/// Runs the question with a bounded wait: a shim may hang on its own configuration.
fn ask(python: &Path) -> io::Result<Output> {
    let child = Command::new(python)
        .args(["-I", "-S", "-c", QUESTION])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
    let (done, answered) = mpsc::channel();
    std::thread::spawn(move || done.send(child.wait_with_output()));
    answered.recv_timeout(ANSWER_WITHIN).unwrap_or_else(|_| {
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt};

    fn shim(folder: &Path, script: &str) -> PathBuf {
        let path = folder.join("python3");
        fs::write(&path, script).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
        path
    }

    #[test]
    fn a_shim_is_asked_but_the_interpreter_behind_it_is_used() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = shim(folder.path(), "#!/bin/sh\nexec python3 \"$@\"\n");
        let found = find(Some(&path)).expect("found");
        assert_ne!(found.executable, path);
        assert_eq!(found, find(None).expect("found"));
    }

    #[test]
    fn an_interpreter_that_is_missing_old_or_broken_is_named_with_the_remedy() {
        let folder = tempfile::tempdir().expect("a folder");
        let old = r"printf '/x\0cpython\0cpython-39\0%s\0%s\0%s\0/usr' 3 9 1";
        let cases = [
            (folder.path().join("nothing"), "cannot be run"),
            (shim(folder.path(), &format!("#!/bin/sh\n{old}\n")), "is Python 3.9.1"),
        ];
        for (path, expected) in cases {
            let fault = find(Some(&path)).expect_err(expected).to_string();
            assert!(fault.contains(expected) && fault.contains("MSP_PYTHON"), "{fault}");
        }
        let broken = shim(folder.path(), "#!/bin/sh\necho oh no >&2; exit 3\n");
        assert!(find(Some(&broken)).expect_err("broken").to_string().contains("oh no"));
    }
}
