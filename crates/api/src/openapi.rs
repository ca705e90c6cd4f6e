//! The OpenAPI description: what the routes say, and what follows from them.

pub(crate) mod examples;
pub(crate) mod parameters;

use crate::http::{PROBLEM_JSON, ProblemBody, ProblemKind as Kind, organization::ORGANIZATION_HEADER};
use utoipa::{
    OpenApi, ToSchema,
    openapi::{
        Content, InfoBuilder, OpenApi as Document, Ref, RefOr, ResponseBuilder,
        path::{Operation, PathItem},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

/// What the routers add their operations to.
#[derive(OpenApi)]
#[openapi(
    tags(
        (name = "sign-in", description = "Who is asking."),
        (name = "workflows", description = "Running workflows and filling their forms."),
        (name = "executions", description = "What ran, is running, and what came of it."),
        (name = "exports", description = "Executions and the audit trail as files, on a schedule."),
        (name = "batches", description = "Forms submitted with a file of rows."),
        (name = "forms", description = "Forms of an organization, or of everybody."),
        (name = "organizations", description = "Client organizations."),
        (name = "config", description = "Config values, inherited from the global ones."),
        (name = "secrets", description = "Secrets of workflows; values only go in."),
        (name = "integrations", description = "Settings of Microsoft Graph and HaloPSA."),
        (name = "notifications", description = "Who is told of failures: by Teams or e-mail."),
        (name = "users", description = "The user directory."),
        (name = "service-accounts", description = "Programs that call this API in their own name."),
        (name = "permissions", description = "Who may do what where."),
        (name = "audit", description = "Who did what, when and from where."),
        (name = "pauses", description = "The emergency stop: what is held, why and by whom."),
        (name = "service", description = "Facts about the server itself."),
    ),
    components(schemas(ProblemBody))
)]
struct Base;

/// An empty description with the platform's name, tags and schemes.
pub(crate) fn base() -> Document {
    let mut document = Base::openapi();
    document.info = InfoBuilder::new()
        .title("MSP Automation Platform")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Management API and Workflow Engine. Operations for one organization take it from the path or from the \
             header `X-Organization-Id`; links, which cannot send headers, may name it in the query as `org_id`. Paths \
             that do not start with `/api` also answer under `/api`. Every refusal is a problem (RFC 9457) whose `type` \
             names the page that explains it.",
        ))
        .build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(
        "bearer",
        SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build()),
    );
    components.add_security_scheme(
        "session",
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
            "msp_session",
            "Set by signing in; the name carries the port. Changes need an `Origin` of this server.",
        ))),
    );
    document.security = Some(vec![requirement("bearer"), requirement("session")]);
    document
}

fn requirement(scheme: &str) -> SecurityRequirement {
    SecurityRequirement::new(scheme, Vec::<String>::new())
}

/// Writes the problems of each operation as responses. The documentation comment of a handler lists its own
/// ("Problems: `not-found` (404), ..."); those of the layers and extractors in front of it follow from its kind.
pub(crate) fn add_problems(document: &mut Document) {
    for (path, item) in &mut document.paths.paths {
        for operation in operations(item) {
            let mut kinds = documented(operation.description.as_deref().unwrap_or_default());
            kinds.extend(implied(path, operation));
            for status in kinds.iter().map(|kind| kind.status()).collect::<std::collections::BTreeSet<_>>() {
                let mut slugs: Vec<&str> =
                    kinds.iter().filter(|kind| kind.status() == status).map(|kind| kind.slug()).collect();
                slugs.sort_unstable();
                slugs.dedup();
                let description = format!("`{}`", slugs.join("`, `"));
                operation.responses.responses.insert(status.to_string(), problem_response(description));
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten()
}

/// The kinds a description names after "Problems:". An unknown slug is a mistake of ours; a test walks the document.
fn documented(description: &str) -> Vec<Kind> {
    let Some((_, listed)) = description.split_once("Problems:") else { return Vec::new() };
    listed.split('`').skip(1).step_by(2).filter_map(Kind::from_slug).collect()
}

fn implied(path: &str, operation: &Operation) -> Vec<Kind> {
    let mut kinds = vec![Kind::Internal, Kind::HostNotAllowed, Kind::AddressTooLong, Kind::HeadersTooLarge];
    let extension = |name: &str| operation.extensions.as_ref().and_then(|extensions| extensions.get(name).cloned());
    let permission = extension("x-permission").and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
    if permission != "none" {
        kinds.extend([
            Kind::Unauthenticated,
            Kind::EntraUnavailable,
            Kind::OriginNotAllowed,
            Kind::StoreUnavailable,
            Kind::RateLimited,
        ]);
        kinds.extend([Kind::OrganizationInvalid, Kind::OrganizationMismatch, Kind::QueryInvalid, Kind::HeaderInvalid]);
    }
    match permission.as_str() {
        "none" | "signed_in" => {}
        "administrator" | "administrator or auditor" => kinds.push(Kind::AdministratorRequired),
        _ => kinds.push(Kind::PermissionDenied),
    }
    if path.contains("{org}") && !permission.starts_with("administrator") {
        kinds.extend([Kind::NotFound, Kind::OrganizationInactive, Kind::OrganizationBeingDeleted]);
    }
    if names_an_organization(operation) {
        kinds.push(Kind::NotFound);
    }
    if operation.request_body.is_some() {
        kinds.extend([Kind::BodyUnreadable, Kind::BodyTooLarge, Kind::ContentTypeUnsupported]);
    }
    kinds
}

fn names_an_organization(operation: &Operation) -> bool {
    let mut parameters = operation.parameters.iter().flatten();
    parameters.any(|parameter| {
        matches!(parameter, RefOr::T(parameter) if parameter.name.eq_ignore_ascii_case(ORGANIZATION_HEADER))
    })
}

fn problem_response(description: String) -> RefOr<utoipa::openapi::Response> {
    let schema = RefOr::Ref(Ref::from_schema_name(ProblemBody::name()));
    ResponseBuilder::new().description(description).content(PROBLEM_JSON, Content::new(Some(schema))).build().into()
}
