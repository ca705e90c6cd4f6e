//! `Idempotency-Key`: the same request, sent again, is answered by the run it started the first time.

use crate::{
    engine::{Idempotency, RunAnswer, RunError, Wait},
    runtime::Runtime,
};
use aws_lc_rs::hmac;
use chrono::{DateTime, Duration, Utc};
use msp_auth::Access;
use msp_domain::{ExecutionId, Scope};
use msp_storage::{
    Etag, StoreError,
    repositories::{batches::Batch, executions::NewMark},
};
use std::sync::Arc;
use tokio::time::Instant;
use uuid::Uuid;

/// How long a key leads to its run (design section 3).
const KEPT: Duration = Duration::hours(24);
/// How often expired marks are removed: they mean nothing any more, so only their number matters.
const SWEEP_EVERY: std::time::Duration = std::time::Duration::from_secs(60 * 60);

/// Hashes under a key of the installation: a body may hold passwords, and a plain hash of a short one can be guessed.
pub(crate) struct Fingerprints(hmac::Key);

impl Fingerprints {
    pub fn new(key: [u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    /// Each part is preceded by its length, so no two lists of parts read alike.
    fn of(&self, parts: &[&str]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        context.sign().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The mark of a request: scoped to caller, organization and workflow.
    pub fn mark(&self, access: &Access, workflow: &str, sent: &Idempotency, now: DateTime<Utc>) -> NewMark {
        let (scope, user) = (access.scope().key(), access.caller().user.key());
        NewMark {
            key_hash: self.of(&["key", &user, &scope, workflow, &sent.key]),
            body_hash: self.of(&["body", &sent.request]),
            expires_at: now + KEPT,
            replaces: None,
        }
    }

    /// The mark of a batch: scoped to caller, organization and form.
    pub fn batch_mark(&self, access: &Access, form: Uuid, sent: &Idempotency, now: DateTime<Utc>) -> NewMark {
        let (scope, user) = (access.scope().key(), access.caller().user.key());
        NewMark {
            key_hash: self.of(&["batch", &user, &scope, &form.to_string(), &sent.key]),
            body_hash: self.of(&["rows", &sent.request]),
            expires_at: now + KEPT,
            replaces: None,
        }
    }
}

/// What the record says about the key of a batch.
pub(crate) enum BatchKey {
    /// Nothing that still counts; the version of an expired mark.
    Free(Option<Etag>),
    /// It started this batch.
    Leads(Box<Batch>),
}

impl BatchKey {
    /// Looks a key up.
    ///
    /// # Errors
    /// [`RunError::KeyReused`] when it was sent with other rows.
    pub async fn look_up(runtime: &Runtime, scope: Scope, mark: &NewMark) -> Result<Self, RunError> {
        let repositories = &runtime.repositories;
        let Some(found) = repositories.executions.mark(scope, &mark.key_hash).await? else {
            return Ok(Self::Free(None));
        };
        // Marks of batches stand among those of executions.
        let batch = repositories.batches.get(scope, found.execution_id.as_uuid().into()).await?;
        match batch.filter(|_| found.expires_at > runtime.clock.now()) {
            None => Ok(Self::Free(Some(found.etag))),
            Some(batch) if found.body_hash == mark.body_hash => Ok(Self::Leads(Box::new(batch))),
            Some(_) => Err(RunError::KeyReused),
        }
    }
}

/// What the record says about a key.
pub(crate) enum Earlier {
    /// Nothing that still counts; the version of an expired mark.
    None(Option<Etag>),
    /// It started this run.
    Run(ExecutionId),
}

/// Looks a key up.
///
/// # Errors
/// [`RunError::KeyReused`] when it was sent with another body.
pub(crate) async fn earlier(runtime: &Runtime, scope: Scope, mark: &NewMark) -> Result<Earlier, RunError> {
    let executions = &runtime.repositories.executions;
    let Some(found) = executions.mark(scope, &mark.key_hash).await? else { return Ok(Earlier::None(None)) };
    let counts = found.expires_at > runtime.clock.now() && executions.get(scope, found.execution_id).await?.is_some();
    match counts {
        false => Ok(Earlier::None(Some(found.etag))),
        true if found.body_hash == mark.body_hash => Ok(Earlier::Run(found.execution_id)),
        true => Err(RunError::KeyReused),
    }
}

/// Removes expired marks, now and every hour, until the engine stops.
pub(crate) async fn sweep(runtime: Arc<Runtime>) {
    loop {
        if let Err(error) = sweep_once(&runtime).await {
            tracing::warn!(error = %error, "Expired idempotency marks could not be removed; they are tried again in an hour");
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP_EVERY) => {}
            () = runtime.stopping.cancelled() => return,
        }
    }
}

async fn sweep_once(runtime: &Runtime) -> Result<(), StoreError> {
    let organizations = runtime.repositories.organizations.ids().await?;
    let scopes = organizations.into_iter().map(Scope::Org).chain([Scope::Global]);
    for scope in scopes {
        runtime.repositories.executions.sweep_marks(scope, runtime.clock.now()).await?;
    }
    Ok(())
}

/// Answers with a run that is on record, waiting for its end as the caller wishes.
pub(crate) async fn answer(
    runtime: &Runtime,
    scope: Scope,
    id: ExecutionId,
    wait: Wait,
) -> Result<RunAnswer, RunError> {
    let executions = &runtime.repositories.executions;
    let mut changes = runtime.live.follow(id);
    let limit = match wait {
        Wait::No => None,
        Wait::AtMost(limit) => Some(Instant::now() + limit),
    };
    loop {
        let execution = executions.get(scope, id).await?.ok_or(StoreError::NotFound)?;
        let Some(limit) = limit else { return Ok(RunAnswer::Accepted(Box::new(execution))) };
        if execution.status.is_final() {
            let result = match &execution.result {
                Some(json) => Some(executions.load_json(json).await?),
                None => None,
            };
            return Ok(RunAnswer::Finished(Box::new(execution), result));
        }
        if tokio::time::timeout_at(limit, changes.next()).await.is_err() {
            return Ok(RunAnswer::Accepted(Box::new(execution)));
        }
    }
}
