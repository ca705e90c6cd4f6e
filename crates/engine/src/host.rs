//! The host's side of one run: what its worker may ask for, always on behalf of the run's own organization.

use crate::{
    fault::{FaultPoint, reach},
    line_masker::LineMasker,
    log_sink::LogSink,
    masking::Masker,
    record::Record,
    run_files::{self, RunFiles},
    runtime::Runtime,
    steps::Steps,
    workers::{CallRefusal, RawLine, RunHost, StepChange},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use msp_auth::{Access, Opened};
use msp_domain::{EffectiveConfig, ExecutionId};
use msp_integrations::CallScope;
use msp_storage::{
    StoreError,
    repositories::{Actor, audit::AuditDraft, organizations::Organization},
};
use serde_json::{Map, Value, json};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

/// Characters of a progress message that are kept: it is one line beside a bar.
const PROGRESS_CHARS: usize = 2000;

/// The call whose answer depends on the caller.
const ORGANIZATIONS: &str = "organizations.list";

/// Calls for secrets, integrations and organizations: the same for runs and for option generators.
pub(crate) struct Calls {
    pub runtime: Arc<Runtime>,
    pub access: Access,
    pub config: Arc<EffectiveConfig>,
    pub masker: Masker,
    pub execution_id: ExecutionId,
    /// What the workflow that runs is listed under; `None` for an option generator.
    pub category: Option<String>,
}

impl Calls {
    pub async fn answer(&self, method: &str, arguments: &Map<String, Value>) -> Result<Value, CallRefusal> {
        let text = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
        match method {
            "secret.get" => self.secret(text("name")).await,
            "integration.call" => {
                let empty = Map::new();
                let parameters = arguments.get("arguments").and_then(Value::as_object).unwrap_or(&empty);
                self.integration(text("integration"), text("operation"), parameters).await
            }
            ORGANIZATIONS => self.organizations().await,
            other => Err(refusal("unknown_method", format!("The platform knows no call `{other}`."))),
        }
    }

    /// The secret is audited before it is handed over, and masked from that moment on.
    async fn secret(&self, name: &str) -> Result<Value, CallRefusal> {
        let org = self.access.organization().map(|organization| organization.id);
        let found = self.runtime.repositories.workflow_secrets.resolve(org, name).await.map_err(unavailable)?;
        let Some((secret, origin)) = found else {
            return Err(refusal(
                "secret_not_found",
                format!(
                    "There is no secret `{name}` for this organization; an administrator can add it under its config."
                ),
            ));
        };
        let draft = AuditDraft {
            scope: self.access.scope(),
            actor: Actor { user: Some(self.access.caller().user), ip_address: None },
            action: "Secret.Read".to_owned(),
            entity_type: "Secret".to_owned(),
            entity_id: name.to_owned(),
            details: json!({ "execution_id": self.execution_id, "origin": origin }),
        };
        self.runtime.repositories.audit.record(draft).await.map_err(unavailable)?;
        self.masker.add(secret.reveal());
        Ok(Value::from(secret.reveal()))
    }

    /// Those in which the run's own caller may run this workflow, whatever the worker says.
    async fn organizations(&self) -> Result<Value, CallRefusal> {
        Ok(listed(&self.opened().await?))
    }

    async fn opened(&self) -> Result<Vec<Opened>, CallRefusal> {
        let caller = self.access.caller();
        self.runtime.gate.executable_by(caller, self.category.as_deref()).await.map_err(unavailable)
    }

    async fn integration(
        &self,
        integration: &str,
        operation: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Value, CallRefusal> {
        let Some(org) = self.access.organization() else {
            return Err(refusal(
                "not_configured",
                format!("`{integration}` belongs to an organization, and this run has none."),
            ));
        };
        let scope = CallScope { org, config: &self.config };
        self.runtime.integrations.call(&scope, integration, operation, arguments).await.map_err(|error| CallRefusal {
            code: error.code.to_owned(),
            message: error.message,
            status: error.status,
        })
    }
}

/// An organization as a worker sees it.
pub(crate) fn organization(of: &Organization) -> Value {
    json!({ "id": of.id, "name": of.name, "tenant_id": of.tenant_id.map(|tenant| tenant.to_string()) })
}

fn listed(opened: &[Opened]) -> Value {
    opened.iter().map(|one| organization(&one.organization)).collect()
}

fn refusal(code: &str, message: String) -> CallRefusal {
    CallRefusal { code: code.to_owned(), message, status: None }
}

fn unavailable(error: StoreError) -> CallRefusal {
    tracing::error!(error = %error, "A worker's call could not be answered: the store failed");
    refusal("unavailable", "The platform's store cannot be reached; try again later.".to_owned())
}

/// The host's side of a recorded run.
pub(crate) struct Recorded {
    pub calls: Calls,
    pub files: RunFiles,
    pub logs: LogSink,
    pub record: Record,
    pub steps: Steps,
}

#[async_trait]
impl RunHost for Recorded {
    fn masker(&self) -> Masker {
        self.calls.masker.clone()
    }

    async fn starting(&self) {
        reach(FaultPoint::BeforeStart);
    }

    async fn started(&self) {
        reach(FaultPoint::AfterStart);
    }

    async fn log(&self, lines: Vec<RawLine>) {
        self.logs.push(lines).await;
    }

    async fn progress(&self, percent: Option<f64>, message: Option<String>) {
        // Cut only once it is masked: half a secret would not be found.
        let masked = message.map(|message| self.calls.masker.text(&message).chars().take(PROGRESS_CHARS).collect());
        self.record.progress(percent, masked).await;
    }

    async fn step(&self, change: StepChange) {
        self.steps.take(change).await;
    }

    async fn call(&self, method: &str, arguments: Map<String, Value>) -> Result<Value, CallRefusal> {
        if run_files::is_about_files(method) {
            return self.files.answer(method, &arguments).await;
        }
        self.calls.answer(method, &arguments).await
    }
}

/// The host's side of an option generator: nothing is recorded, its lines go to the server's own log.
pub(crate) struct Unrecorded {
    calls: Calls,
    generator: String,
    /// Its lines while they are masked.
    lines: Mutex<LineMasker>,
    /// Whether the worker said that the code never looked at `context.caller`.
    caller_untouched: AtomicBool,
    /// Whether it asked for something that depends on the caller.
    caller_needed: AtomicBool,
    /// When the first right ends that an answer rested on.
    good_until: Mutex<Option<DateTime<Utc>>>,
}

impl Unrecorded {
    pub fn new(calls: Calls, generator: String) -> Self {
        let (caller_untouched, caller_needed) = (AtomicBool::new(false), AtomicBool::new(false));
        Self {
            calls,
            generator,
            lines: Mutex::default(),
            caller_untouched,
            caller_needed,
            good_until: Mutex::default(),
        }
    }

    /// Whether the answer may be given to every caller of the organization. Until the worker says so it may not, and never
    /// when the host itself answered something about the caller.
    pub fn answers_anyone(&self) -> bool {
        self.caller_untouched.load(Ordering::Acquire) && !self.caller_needed.load(Ordering::Acquire)
    }

    /// From when on the answer may be another one although no version has moved: rights end by the clock.
    pub fn good_until(&self) -> Option<DateTime<Utc>> {
        *self.good_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RunHost for Unrecorded {
    fn masker(&self) -> Masker {
        self.calls.masker.clone()
    }

    async fn starting(&self) {}

    async fn log(&self, lines: Vec<RawLine>) {
        let mut masked = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        for line in lines.into_iter().flat_map(|line| masked.take(&self.calls.masker, line)) {
            tracing::debug!(option_generator = %self.generator, source = %line.source, "{}", line.message);
        }
    }

    async fn progress(&self, _percent: Option<f64>, _message: Option<String>) {}

    fn caller_untouched(&self) {
        self.caller_untouched.store(true, Ordering::Release);
    }

    async fn call(&self, method: &str, arguments: Map<String, Value>) -> Result<Value, CallRefusal> {
        if run_files::is_about_files(method) {
            return Err(run_files::none_here());
        }
        if method != ORGANIZATIONS {
            return self.calls.answer(method, &arguments).await;
        }
        self.caller_needed.store(true, Ordering::Release);
        let opened = self.calls.opened().await?;
        let ends = opened.iter().filter_map(|one| one.expires_at).min();
        let mut good_until = self.good_until.lock().unwrap_or_else(PoisonError::into_inner);
        *good_until = (*good_until).into_iter().chain(ends).min();
        Ok(listed(&opened))
    }
}
