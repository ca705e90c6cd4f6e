//! The simulator itself: its state, kept on disk, and the router in front of it.

use crate::{
    admin,
    changes::{Change, ChangeError},
    entra,
    faults::{Fault, FaultKind, Faults},
    graph, halo,
    journal::{Journal, JournalEntry, Service},
    request,
    state::State,
    tokens::{Opens, Tokens},
};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State as Shared},
    http::StatusCode,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use std::{
    fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::net::TcpListener;

/// The file in the state folder.
const STATE_FILE: &str = "simulator.json";

/// Largest body read; Graph's own limit for one request is 4 MB.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// Why the simulator did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The state cannot be read or written.
    #[error("the simulator's state {path} cannot be used: {cause}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The state file holds something else.
    #[error("{path} is not the simulator's state ({cause}); remove it to start afresh")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
    /// A change does not fit the state.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

/// A simulator. Clones share everything.
#[derive(Clone)]
pub struct Simulator(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    file: Option<PathBuf>,
    tokens: Tokens,
    faults: Faults,
    journal: Journal,
}

impl Simulator {
    /// Opens the simulator whose state is in a folder, which is created if need be; `None` keeps it in memory.
    ///
    /// # Errors
    /// The folder cannot be used, or its state file is not readable.
    pub fn open(state_dir: Option<PathBuf>) -> Result<Self, SimulatorError> {
        let file = state_dir.map(|dir| dir.join(STATE_FILE));
        let state = file.as_deref().map(load).transpose()?.unwrap_or_default();
        Ok(Self(Arc::new(Inner {
            state: Mutex::new(state),
            file,
            tokens: Tokens::default(),
            faults: Faults::default(),
            journal: Journal::default(),
        })))
    }

    /// Everything the simulator answers: the services and its own set-up addresses.
    pub fn router(&self) -> Router {
        Router::new().merge(admin::routes()).with_state(self.clone()).fallback_service(self.services_router())
    }

    /// The services alone. Where others than the owner of the simulator can reach it, its set-up addresses (which
    /// show credentials and tokens) need not be there.
    pub fn services_router(&self) -> Router {
        let played = entra::routes().merge(graph::routes()).merge(halo::routes()).fallback(nothing_here);
        played.layer(from_fn_with_state(self.clone(), watch)).with_state(self.clone())
    }

    /// Makes changes, all or none.
    ///
    /// # Errors
    /// A change names a tenant or HaloPSA instance that is not there, or the state cannot be written.
    pub fn apply(&self, changes: impl IntoIterator<Item = Change>) -> Result<(), SimulatorError> {
        self.change(|state| changes.into_iter().try_for_each(|change| change.apply(state)))??;
        Ok(())
    }

    /// A copy of the state, to look at what calls have done.
    pub fn state(&self) -> State {
        self.locked().clone()
    }

    /// Lets coming calls fail.
    pub fn add_fault(&self, fault: Fault) {
        self.0.faults.add(fault);
    }

    /// The calls that arrived, oldest first, without those to the simulator's own addresses.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.0.journal.entries()
    }

    /// Forgets the calls that arrived.
    pub fn clear_journal(&self) {
        self.0.journal.clear();
    }

    /// Makes every token issued so far unknown.
    pub fn revoke_tokens(&self) {
        self.0.tokens.revoke_all();
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    /// Changes the state and keeps it. When `change` answers an error or the disk refuses, nothing has changed.
    pub(crate) fn change<T, E>(
        &self,
        change: impl FnOnce(&mut State) -> Result<T, E>,
    ) -> Result<Result<T, E>, SimulatorError> {
        let mut state = self.locked();
        let mut changed = state.clone();
        let outcome = match change(&mut changed) {
            Ok(outcome) => outcome,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Some(file) = &self.0.file {
            save(file, &changed)?;
        }
        *state = changed;
        Ok(Ok(outcome))
    }

    pub(crate) fn locked(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Serves the simulator until `shutdown` completes.
///
/// # Errors
/// The listener failed.
pub async fn serve(
    listener: TcpListener,
    simulator: Simulator,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, simulator.router()).with_graceful_shutdown(shutdown).await
}

fn load(file: &Path) -> Result<State, SimulatorError> {
    let fault = |cause| SimulatorError::Io { path: file.to_owned(), cause };
    if let Some(dir) = file.parent() {
        make_private(dir).map_err(fault)?;
    }
    match fs::read(file) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map_err(|cause| SimulatorError::Unreadable { path: file.to_owned(), cause })
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(State::default()),
        Err(cause) => Err(fault(cause)),
    }
}

/// Makes the folder of the state for its owner only: the state holds what an application's secret opens. The folders
/// around it may be others' way to other things, and one that exists is its owner's business.
fn make_private(dir: &Path) -> io::Result<()> {
    if let Some(around) = dir.parent() {
        fs::create_dir_all(around)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(dir) {
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Writes beside the file and renames: a reader, or a start after a crash, sees the old or the new state, whole.
fn save(file: &Path, state: &State) -> Result<(), SimulatorError> {
    let write = || -> io::Result<()> {
        let fresh = file.with_extension("json.new");
        let mut out = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        out.write_all(&serde_json::to_vec_pretty(state)?)?;
        out.sync_all()?;
        fs::rename(fresh, file)
    };
    write().map_err(|cause| SimulatorError::Io { path: file.to_owned(), cause })
}

/// Notes each call and lets it meet its fault.
async fn watch(Shared(simulator): Shared<Simulator>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let path = parts.uri.path().to_owned();
    let bearer = request::bearer(&parts.headers).map(str::to_owned);
    let mut entry = JournalEntry {
        service: service_of(&path),
        method: parts.method.to_string(),
        query: parts.uri.query().map(str::to_owned),
        tenant: tenant_of(&simulator, &path, parts.uri.query(), bearer.as_deref()),
        bearer,
        body: serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&bytes).into_owned())),
        status: None,
        path,
    };
    let fault = simulator.0.faults.take(&entry.method, &entry.path);
    if let Some(Fault { kind: FaultKind::Slow { delay_ms }, .. }) = &fault {
        tokio::time::sleep(Duration::from_millis(*delay_ms)).await;
    }
    let trouble = fault.as_ref().and_then(|fault| fault.kind.answer());
    let executes = trouble.is_none() || fault.as_ref().is_some_and(|fault| fault.after_executing);
    let answer = if executes { Some(next.run(Request::from_parts(parts, Body::from(bytes))).await) } else { None };
    let response = trouble.or(answer).unwrap_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response());
    let reset = fault.is_some_and(|fault| fault.kind == FaultKind::Reset);
    entry.status = (!reset).then(|| response.status().as_u16());
    simulator.0.journal.add(entry);
    response
}

fn service_of(path: &str) -> Service {
    match path {
        "/auth/token" => Service::HaloAuth,
        _ if path.starts_with("/v1.0/") => Service::Graph,
        _ if path.starts_with("/api/") => Service::Halo,
        _ if path.ends_with("/oauth2/v2.0/token") => Service::Entra,
        _ => Service::Unknown,
    }
}

fn tenant_of(simulator: &Simulator, path: &str, query: Option<&str>, bearer: Option<&str>) -> Option<String> {
    if let Some(opens) = bearer.and_then(|token| simulator.0.tokens.opens(token)) {
        return Some(match opens {
            Opens::Graph { tenant, .. } => tenant.to_string(),
            Opens::Halo { tenant } => tenant,
        });
    }
    match service_of(path) {
        Service::Entra => path.split('/').nth(1).map(str::to_owned),
        Service::HaloAuth => request::pairs(query.unwrap_or_default()).remove("tenant"),
        Service::Graph | Service::Halo | Service::Unknown => None,
    }
}

async fn nothing_here() -> Response {
    graph::errors::refusal(400, "BadRequest", "Resource not found for the segment.")
}
