//! The options of a field, from an option generator.

use super::{
    attempts::attempts,
    engine,
    submission::{self, FormId},
};
use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::ScopeAccess,
        json::ApiJson,
        paging::page_limit,
        params::{ApiPath, NoQuery},
        rights::{ExecuteWorkflows, ManageForms},
    },
    state::Api,
};
use axum::{
    Json,
    extract::{FromRequestParts, Query, State},
    http::{HeaderName, Uri, header, request::Parts},
    response::AppendHeaders,
};
use msp_auth::Access;
use msp_domain::{Categories, Parameter, form::OptionSource};
use msp_engine::{OptionsAnswer, OptionsRequest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::convert::Infallible;

/// Most options of one answer.
const MAX_OPTIONS: usize = 1000;
/// Options answered unless the body says otherwise: more are searched for, not scrolled.
const DEFAULT_OPTIONS: usize = 200;

type OptionsAccess = ScopeAccess<(ExecuteWorkflows, ManageForms)>;

/// What is asked of a generator.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "inputs": { "department": "Sales" }, "search": "e3", "limit": 50 }))]
pub struct AskOptions {
    /// Its inputs.
    #[serde(default)]
    inputs: Map<String, Value>,
    /// Only options whose label contains this, letter case ignored.
    #[serde(default)]
    search: Option<String>,
    /// Most options to answer, 1 to 1000.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000, default = 200)]
    limit: Option<usize>,
}

/// The options of a field.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "items": [{ "label": "Microsoft 365 E3 (4 free)", "value": "05e9a617-0261-4cee-bb44-138d3ef5d965" }],
    "truncated": false, "ttl_seconds": 60
}))]
pub struct OptionsView {
    /// Objects with `label` and `value`.
    #[schema(value_type = Vec<Object>)]
    pub items: Vec<Value>,
    /// Whether more exist than `limit` allowed.
    pub truncated: bool,
    /// Seconds the answer may be kept from now on.
    pub ttl_seconds: u64,
}

/// Ask an option generator, its inputs in the query.
///
/// Every query parameter but `org_id` is an input. An answer is kept for as long as the generator allows; `Age` says that it
/// was given before.
///
/// Problems: `options-failed` (424), `parameters-invalid` (422), `organization-required` (400), `query-invalid` (400),
/// `organization-inactive` (409), `paused` (409), `not-found` (404), `engine-starting` (503), `engine-saturated` (503),
/// `engine-unavailable` (503), `settings-changing` (503).
#[utoipa::path(
    get, path = "/options/{name}", operation_id = "getOptions", tag = "workflows",
    params(("name" = String, Path, description = "The option generator."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to ask for."),
        ("X-Form-Id" = Option<uuid::Uuid>, Header, description = "The form whose field is filled; needed by callers \
            whose right is limited to categories, for generators that no parameter of a workflow names."),
        ("Cache-Control" = Option<String>, Header, description = "`no-cache` asks the generator anew.")),
    responses((status = 200, body = Vec<serde_json::Value>, description = "`{label, value}` objects.",
        headers(("Age" = u64, description = "How many seconds ago the generator answered, if not just now.")),
        example = json!([{ "label": "Microsoft 365 E3 (4 free)", "value": "05e9a617-0261-4cee-bb44-138d3ef5d965" }]))),
    extensions(("x-permission" = json!("execute_workflows or manage_forms")))
)]
pub async fn get_options(
    State(api): State<Api>,
    scope: OptionsAccess,
    ApiPath(generator): ApiPath<String>,
    form: FormId,
    Fresh(fresh): Fresh,
    uri: Uri,
) -> Result<(AgeHeader, Json<Vec<Value>>), Problem> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&uri)
        .map_err(|rejection| Problem::new(Kind::QueryInvalid).detail(rejection.body_text()))?;
    let inputs = pairs
        .into_iter()
        .filter(|(name, _)| name != "org_id")
        .map(|(name, value)| (name, Value::String(value)))
        .collect();
    let question = AskOptions { inputs, search: None, limit: None };
    let answer = ask(&api, &scope, (&generator, &form), question, MAX_OPTIONS, fresh).await?;
    Ok((age_header(&answer), Json(answer.items)))
}

/// Ask an option generator, with search and limit.
///
/// An answer is kept for as long as the generator allows; `Age` says that it was given before.
///
/// Problems: `options-failed` (424), `parameters-invalid` (422), `organization-required` (400),
/// `organization-inactive` (409), `paused` (409), `not-found` (404), `body-invalid` (422), `query-invalid` (400),
/// `engine-starting` (503), `engine-saturated` (503), `engine-unavailable` (503), `settings-changing` (503).
#[utoipa::path(
    post, path = "/options/{name}", operation_id = "askOptions", tag = "workflows",
    params(("name" = String, Path, description = "The option generator."),
        ("X-Organization-Id" = Option<msp_domain::OrgId>, Header, description = "The organization to ask for."),
        ("X-Form-Id" = Option<uuid::Uuid>, Header, description = "The form whose field is filled; needed by callers \
            whose right is limited to categories, for generators that no parameter of a workflow names."),
        ("Cache-Control" = Option<String>, Header, description = "`no-cache` asks the generator anew.")),
    request_body = AskOptions,
    responses((status = 200, body = OptionsView, description = "The options.",
        headers(("Age" = u64, description = "How many seconds ago the generator answered, if not just now.")))),
    extensions(("x-permission" = json!("execute_workflows or manage_forms")))
)]
pub async fn ask_options(
    State(api): State<Api>,
    scope: OptionsAccess,
    ApiPath(generator): ApiPath<String>,
    form: FormId,
    Fresh(fresh): Fresh,
    _: NoQuery,
    ApiJson(body): ApiJson<AskOptions>,
) -> Result<(AgeHeader, Json<OptionsView>), Problem> {
    let limit = page_limit(body.limit, DEFAULT_OPTIONS, MAX_OPTIONS)?;
    let answer = ask(&api, &scope, (&generator, &form), body, limit, fresh).await?;
    let age = age_header(&answer);
    let OptionsAnswer { items, truncated, ttl_seconds, .. } = answer;
    Ok((age, Json(OptionsView { items, truncated, ttl_seconds })))
}

/// Whether the caller wants no answer that was given before: `Cache-Control: no-cache` (RFC 9111, section 5.2.1.4).
pub struct Fresh(bool);

impl<S: Send + Sync> FromRequestParts<S> for Fresh {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let mut directives = parts
            .headers
            .get_all(header::CACHE_CONTROL)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        Ok(Self(directives.any(|directive| directive.trim().eq_ignore_ascii_case("no-cache"))))
    }
}

type AgeHeader = AppendHeaders<Option<(HeaderName, u64)>>;

/// Only on an answer that was not made for this request (RFC 9111, section 5.1).
fn age_header(answer: &OptionsAnswer) -> AgeHeader {
    AppendHeaders(answer.age_seconds.map(|age_seconds| (header::AGE, age_seconds)))
}

async fn ask(
    api: &Api,
    scope: &OptionsAccess,
    (generator, form): (&str, &FormId),
    question: AskOptions,
    limit: usize,
    fresh: bool,
) -> Result<OptionsAnswer, Problem> {
    let engine = engine(api)?;
    let question = &question;
    let attempt = |access: Access| async move {
        if !may_ask(api, &access, generator, form).await? {
            return Err(outside_every_category(api, scope, generator).await.into());
        }
        let request = OptionsRequest {
            generator: generator.to_owned(),
            access,
            actor: scope.actor(),
            inputs: question.inputs.clone(),
            search: question.search.clone(),
            limit,
            fresh,
        };
        Ok(engine.options(request).await?)
    };
    attempts(scope.access.clone(), || scope.renewed(api), attempt).await
}

/// Whether the caller may ask this generator. One whose right to run workflows is limited to categories may ask those that
/// fill a parameter of a workflow it may run, or a field of the form it names, if that runs such a workflow: a generator is
/// author code too, and belongs to what it is offered for.
async fn may_ask(api: &Api, access: &Access, generator: &str, FormId(form): &FormId) -> Result<bool, Problem> {
    if access.permissions().manage_forms || *access.categories() == Categories::Every {
        return Ok(true);
    }
    let bundle = engine(api)?.metadata();
    let mut permitted = bundle.workflows.iter().filter(|workflow| access.may_run(&workflow.category));
    let fills = |parameter: &Parameter| parameter.options_from.as_deref() == Some(generator);
    if permitted.clone().any(|workflow| workflow.parameters.iter().any(fills)) {
        return Ok(true);
    }
    let Some(form) = form else { return Ok(false) };
    let form = submission::find(api, access.scope(), *form).await?.filter(|form| form.is_active);
    let Some(form) = form.filter(|form| permitted.any(|workflow| workflow.name == form.workflow)) else {
        return Ok(false);
    };
    Ok(form.schema()?.fields.iter().filter_map(|field| field.options.as_ref()).any(|options| {
        matches!(&options.source, OptionSource::OptionGenerator { generator: named, .. } if named == generator)
    }))
}

/// The refusal of a generator that fills nothing the caller may run, on record.
async fn outside_every_category(api: &Api, scope: &OptionsAccess, generator: &str) -> Problem {
    let (id, categories) = (scope.access.scope().key(), scope.access.categories().names().unwrap_or_default());
    let details = json!({ "permission": "execute_workflows", "option_generator": generator, "categories": categories });
    api.denials.of_caller(&scope.asking.actor, "Organization", id, details).await;
    let shown = categories.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    Problem::new(Kind::PermissionDenied)
        .detail(format!(
            "Your right to run workflows here is limited to {shown}, and `{generator}` fills no parameter of those. For \
             the field of a form, name the form in the header `X-Form-Id`."
        ))
        .with("permission", "execute_workflows")
        .with("categories", categories)
}
