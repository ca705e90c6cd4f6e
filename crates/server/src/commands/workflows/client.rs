//! Talking to a server of this installation over its own API.

use crate::failure::UsageError;
use anyhow::{Context, Result, anyhow};
use msp_domain::{BundleMetadata, ExecutionStatus, LogLine, OrgId, PauseTarget};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};
use std::time::Duration;

/// Log lines asked for at once: the most the API gives.
const LOG_PAGE: usize = 1000;
/// How long a server may take to say what it offers: who stops it in an emergency must not wait for it.
const METADATA_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a server may take to ask everything that runs to give way.
const PAUSE_TIMEOUT: Duration = Duration::from_secs(60);

/// A server, with the credential and the organization its requests carry.
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
    org: Option<OrgId>,
}

/// An execution as the API shows it, as far as the command line needs it.
#[derive(Debug, Deserialize)]
pub struct ExecutionView {
    /// Where it stands.
    pub status: ExecutionStatus,
    /// What it returned.
    #[serde(default)]
    pub result: Option<Box<RawValue>>,
    /// Where a large result is.
    #[serde(default)]
    pub result_url: Option<String>,
    /// A short reason of its failure.
    #[serde(default)]
    pub error_type: Option<String>,
    /// What a person should read.
    #[serde(default)]
    pub error_message: Option<String>,
    /// How far it is.
    #[serde(default)]
    pub progress: Option<ProgressView>,
    /// Its steps.
    #[serde(default)]
    pub steps: Vec<StepView>,
}

/// A step of an execution.
#[derive(Debug, Deserialize)]
pub struct StepView {
    /// Its number.
    pub seq: u32,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub status: ExecutionStatus,
    /// How long it took.
    #[serde(default)]
    pub duration_ms: Option<i64>,
    /// What it raised.
    #[serde(default)]
    pub error_message: Option<String>,
}

/// How far an execution is.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ProgressView {
    /// 0 to 100.
    #[serde(default)]
    pub percent: Option<f64>,
    /// The latest word.
    #[serde(default)]
    pub message: Option<String>,
}

#[derive(Deserialize)]
struct Accepted {
    execution_id: String,
}

#[derive(Deserialize)]
struct Paused {
    cancelling: u64,
}

#[derive(Deserialize)]
struct LogPage {
    items: Vec<LogLine>,
}

/// A refusal of the API (RFC 9457).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: String,
    detail: Option<String>,
    errors: Vec<FieldProblem>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FieldProblem {
    pointer: Option<String>,
    field: Option<String>,
    detail: String,
}

impl Client {
    /// A client of the server at `url`.
    pub fn new(url: &str, token: String, org: Option<OrgId>) -> Result<Self> {
        // The server is on this machine: a proxy of the environment must never see the token.
        let http = reqwest::Client::builder().no_proxy().build().context("no HTTP client can be made")?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned(), token, org })
    }

    /// Starts a workflow and answers the execution's id.
    pub async fn start(&self, workflow: &str, input: &Map<String, Value>) -> Result<String> {
        let mut url = url::Url::parse(&self.url)?;
        url.path_segments_mut()
            .map_err(|()| anyhow!("`{}` is not an address", self.url))?
            .pop_if_empty()
            .extend(["workflows", workflow]);
        let request = self.http.post(url).header("prefer", "respond-async").json(input);
        let response = self.ask(request).await?.map_err(|refusal| match refusal.status {
            StatusCode::NOT_FOUND => UsageError(format!(
                "there is no workflow `{workflow}`. {} A server started without --watch runs the workspace as it was then.",
                refusal.text
            ))
            .into(),
            _ => refusal.into_error(),
        })?;
        let accepted: Accepted = response.json().await.context("the server's answer is not readable")?;
        Ok(accepted.execution_id)
    }

    /// An execution.
    pub async fn execution(&self, id: &str) -> Result<ExecutionView> {
        let response = self.send(self.http.get(format!("{}/api/executions/{id}", self.url))).await?;
        response.json().await.context("the server's answer about the execution is not readable")
    }

    /// Asks the server to cancel an execution.
    pub async fn cancel(&self, id: &str) -> Result<()> {
        self.send(self.http.post(format!("{}/api/executions/{id}/cancel", self.url))).await.map(|_| ())
    }

    /// Its log lines after `seq`.
    pub async fn logs(&self, id: &str, after: u64) -> Result<Vec<LogLine>> {
        let address = format!("{}/api/executions/{id}/logs?after={after}&limit={LOG_PAGE}", self.url);
        let page: LogPage = self.send(self.http.get(address)).await?.json().await?;
        Ok(page.items)
    }

    /// What the server offers.
    pub async fn metadata(&self) -> Result<BundleMetadata> {
        let request = self.http.get(format!("{}/admin/metadata", self.url)).timeout(METADATA_TIMEOUT);
        Ok(self.send(request).await?.json().await?)
    }

    /// The names of the workflows the server offers.
    pub async fn workflow_names(&self) -> Result<Vec<String>> {
        Ok(self.metadata().await?.workflows.into_iter().map(|workflow| workflow.name).collect())
    }

    /// Pauses something and cancels what runs under it; answers how many executions were asked to give way.
    pub async fn pause(&self, target: &PauseTarget, reason: &str) -> Result<u64> {
        let mut url = url::Url::parse(&self.url)?;
        url.path_segments_mut().map_err(|()| anyhow!("`{}` is not an address", self.url))?.pop_if_empty().extend([
            "api",
            "pauses",
            &target.to_string(),
        ]);
        let body = json!({ "reason": reason, "cancel_running": true });
        let response = self.send(self.http.put(url).timeout(PAUSE_TIMEOUT).json(&body)).await?;
        let answer: Paused = response.json().await.context("the server's answer is not readable")?;
        Ok(answer.cancelling)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        self.ask(request).await?.map_err(Refusal::into_error)
    }

    async fn ask(&self, request: RequestBuilder) -> Result<Result<Response, Refusal>> {
        let mut request = request.bearer_auth(&self.token);
        if let Some(org) = self.org {
            request = request.header("x-organization-id", org.key());
        }
        let response = request.send().await.with_context(|| format!("the server at {} does not answer", self.url))?;
        let status = response.status();
        if status.is_success() {
            return Ok(Ok(response));
        }
        let problem: Problem = response.json().await.unwrap_or_default();
        Ok(Err(Refusal { status, text: problem.sentence(status) }))
    }
}

/// What the server did not do, and why.
struct Refusal {
    status: StatusCode,
    text: String,
}

impl Refusal {
    fn into_error(self) -> anyhow::Error {
        // What the caller asked for does not exist or is not valid: asking again will not help.
        let is_usage =
            matches!(self.status, StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY);
        if is_usage { UsageError(self.text).into() } else { anyhow!(self.text) }
    }
}

impl Problem {
    fn sentence(&self, status: StatusCode) -> String {
        let mut text = match &self.detail {
            Some(detail) => detail.clone(),
            None if self.title.is_empty() => format!("the server answered {status}"),
            None => self.title.clone(),
        };
        for error in &self.errors {
            let place = error.field.as_deref().or(error.pointer.as_deref()).unwrap_or_default();
            text += &format!("\n  {}: {}", place.trim_start_matches("#/"), error.detail);
        }
        text
    }
}
