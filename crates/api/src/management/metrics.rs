//! Figures for operators, as Prometheus reads them.

use crate::{
    http::{
        Problem,
        access::ReviewAccess,
        caller::bearer_token,
        params::{NoQuery, at_most_once},
    },
    state::Api,
};
use axum::{
    extract::{FromRef, FromRequestParts, State},
    http::{HeaderName, header, request::Parts},
};
use msp_auth::ScrapeToken;
use msp_metrics::{MEDIA_TYPE, Registry, text};

/// What stands before the name of every figure of ours.
const PREFIX: &str = "msp";

/// Figures of parts the API does not know, registered at every scrape.
pub type Source = Box<dyn Fn(&mut Registry) + Send + Sync>;

/// Who reads the figures besides administrators, and what there is besides those of the API and its engine.
#[derive(Default)]
pub struct Scraping {
    /// The token of the program that reads them.
    pub token: Option<ScrapeToken>,
    /// Figures whose names begin like all others.
    pub sources: Vec<Source>,
    /// Figures with names of their own, such as those every process has.
    pub unprefixed: Vec<Source>,
}

/// A program with the scrape token, an administrator or an auditor.
pub struct MetricsAccess;

impl<S: Send + Sync> FromRequestParts<S> for MetricsAccess
where
    Api: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let api = Api::from_ref(state);
        let sent = at_most_once(&parts.headers, header::AUTHORIZATION)?;
        let sent = sent.and_then(|value| value.to_str().ok()).and_then(bearer_token);
        if let (Some(token), Some(sent)) = (&api.scraping.token, sent)
            && token.matches(sent)
        {
            return Ok(Self);
        }
        ReviewAccess::from_request_parts(parts, state).await.map(|_| Self)
    }
}

/// Read figures of the server for Prometheus (OpenMetrics text).
///
/// Answers administrators, auditors, and whoever sends the token in the file that `MSP_METRICS_TOKEN_FILE` names. No figure names an
/// organization, a user or a workflow.
#[utoipa::path(
    get, path = "/metrics", operation_id = "getMetrics", tag = "service",
    responses((status = 200, description = "Figures as they are now.", body = String,
        content_type = "application/openmetrics-text", example = json!("msp_http_requests_total{status=\"200\"} 17\n# EOF\n"))),
    extensions(("x-permission" = json!("administrator or auditor")))
)]
pub async fn get_metrics(
    State(api): State<Api>,
    _: MetricsAccess,
    _: NoQuery,
) -> Result<([(HeaderName, &'static str); 1], String), Problem> {
    let mut registry = Registry::default();
    for source in &api.scraping.unprefixed {
        source(&mut registry);
    }
    let ours = registry.sub_registry_with_prefix(PREFIX);
    api.traffic.register(ours);
    for source in &api.scraping.sources {
        source(ours);
    }
    if let Some(engine) = api.engine.get() {
        engine.register(ours).await?;
    }
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], text(&registry)))
}
