//! `/users`: list with paging and filter, read, create.

use super::{errors, tenant_for, tenant_gone};
use crate::{
    admin::broken,
    request,
    simulator::Simulator,
    state::{State, User},
};
use axum::{
    Json,
    extract::{Path, RawQuery, State as Shared},
    http::{HeaderMap, StatusCode, header::HOST},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use uuid::Uuid;

const READ_ROLES: [&str; 4] = ["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const WRITE_ROLES: [&str; 2] = ["User.ReadWrite.All", "Directory.ReadWrite.All"];

/// What Graph returns for a user when `$select` names nothing (Microsoft Learn, "user resource type").
const DEFAULT_PROPERTIES: [&str; 11] = [
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
];

/// Properties a user can be created with here.
const WRITABLE: [&str; 25] = [
    "accountEnabled",
    "ageGroup",
    "businessPhones",
    "city",
    "companyName",
    "country",
    "department",
    "displayName",
    "employeeId",
    "employeeType",
    "faxNumber",
    "givenName",
    "jobTitle",
    "mailNickname",
    "mobilePhone",
    "officeLocation",
    "otherMails",
    "passwordPolicies",
    "passwordProfile",
    "postalCode",
    "preferredLanguage",
    "state",
    "streetAddress",
    "surname",
    "usageLocation",
];

const DEFAULT_PAGE: usize = 100;
const MAX_PAGE: usize = 999;

pub(super) async fn list(
    Shared(simulator): Shared<Simulator>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let tenant = match tenant_for(&simulator, &headers, &READ_ROLES) {
        Ok(tenant) => tenant,
        Err(refusal) => return *refusal,
    };
    let mut options = request::pairs(query.as_deref().unwrap_or_default());
    let wanted = match options.get("$filter").map(|filter| upn_of_filter(filter)) {
        None => None,
        Some(Some(upn)) => Some(upn),
        Some(None) => {
            return errors::refusal(400, "Request_UnsupportedQuery", "Unsupported or invalid query filter clause.");
        }
    };
    let top = match options.get("$top").map(|text| text.parse::<usize>()) {
        None => DEFAULT_PAGE,
        Some(Ok(top)) if (1..=MAX_PAGE).contains(&top) => top,
        Some(_) => {
            return errors::refusal(
                400,
                "Request_UnsupportedQuery",
                "Invalid page size specified: it must be between 1 and 999 inclusive.",
            );
        }
    };
    let start = options.get("$skiptoken").and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    let state = simulator.locked();
    let Some(tenant) = state.tenants.get(&tenant) else { return tenant_gone() };
    let matching = tenant.users.iter().filter(|user| wanted.as_ref().is_none_or(|upn| user.is(upn)));
    let mut page: Vec<&User> = matching.skip(start).take(top + 1).collect();
    let more = page.len() > top;
    page.truncate(top);
    let users: Vec<Value> = page.into_iter().map(|user| view(user, &options)).collect();
    let mut answer = json!({ "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users", "value": users });
    if more {
        options.insert("$skiptoken".to_owned(), (start + top).to_string());
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("graph.microsoft.com");
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&options).finish();
        answer["@odata.nextLink"] = format!("http://{host}/v1.0/users?{query}").into();
    }
    Json(answer).into_response()
}

pub(super) async fn read(
    Shared(simulator): Shared<Simulator>,
    headers: HeaderMap,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let tenant = match tenant_for(&simulator, &headers, &READ_ROLES) {
        Ok(tenant) => tenant,
        Err(refusal) => return *refusal,
    };
    let options = request::pairs(query.as_deref().unwrap_or_default());
    let state = simulator.locked();
    let Some(tenant) = state.tenants.get(&tenant) else { return tenant_gone() };
    tenant.user(&id).map_or_else(|| errors::not_found(&id), |user| Json(view(user, &options)).into_response())
}

pub(super) async fn create(
    Shared(simulator): Shared<Simulator>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    let tenant = match tenant_for(&simulator, &headers, &WRITE_ROLES) {
        Ok(tenant) => tenant,
        Err(refusal) => return *refusal,
    };
    let Ok(body) = serde_json::from_slice::<Map<String, Value>>(&body) else {
        return errors::refusal(400, "BadRequest", "Unable to read JSON request payload.");
    };
    match simulator.change(|state| add(state, tenant, body)) {
        Ok(Ok(user)) => (StatusCode::CREATED, Json(view(&user, &HashMap::new()))).into_response(),
        Ok(Err(refusal)) => *refusal,
        Err(fault) => broken(&fault),
    }
}

fn add(state: &mut State, tenant: Uuid, mut body: Map<String, Value>) -> Result<User, Box<Response>> {
    let refuse = |message: &str| Box::new(errors::bad_request(message));
    let Some(tenant) = state.tenants.get_mut(&tenant) else { return Err(Box::new(tenant_gone())) };
    let name = body.remove("userPrincipalName");
    if let Some(unknown) = body.keys().find(|key| !WRITABLE.contains(&key.as_str())) {
        return Err(refuse(&format!("One or more property values specified are invalid: '{unknown}'.")));
    }
    if body.get("accountEnabled").and_then(Value::as_bool).is_none() {
        return Err(refuse("A value is required for property 'accountEnabled' of resource 'User'."));
    }
    for required in ["displayName", "mailNickname"] {
        if body.get(required).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(refuse(&format!("A value is required for property '{required}' of resource 'User'.")));
        }
    }
    let nickname = body.get("mailNickname").and_then(Value::as_str).unwrap_or_default();
    if !nickname.chars().all(|c| c.is_ascii_graphic() && !r#"@()\[]";:<>,"#.contains(c)) || nickname.len() > 64 {
        return Err(refuse("Invalid value specified for property 'mailNickname' of resource 'User'."));
    }
    let Some(Value::String(name)) = name else {
        return Err(refuse("A value is required for property 'userPrincipalName' of resource 'User'."));
    };
    let (local, domain) = name.split_once('@').unwrap_or((&name, ""));
    if local.is_empty() || !local.chars().all(|c| c.is_ascii_alphanumeric() || "'.-_!#^~".contains(c)) {
        return Err(refuse("Property userPrincipalName is invalid."));
    }
    if !tenant.domains.iter().any(|verified| verified.eq_ignore_ascii_case(domain)) {
        return Err(refuse(
            "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.",
        ));
    }
    let password = body.remove("passwordProfile");
    let password = password.as_ref().and_then(|profile| profile["password"].as_str()).unwrap_or_default();
    if !is_complex(password) {
        return Err(refuse(
            "The specified password does not comply with password complexity requirements. Please provide a different password.",
        ));
    }
    let usage_location = match body.remove("usageLocation") {
        None | Some(Value::Null) => None,
        Some(Value::String(code)) if code.len() == 2 && code.chars().all(|c| c.is_ascii_uppercase()) => Some(code),
        Some(_) => return Err(refuse("Invalid value specified for property 'usageLocation' of resource 'User'.")),
    };
    if tenant.user(&name).is_some() {
        return Err(Box::new(errors::conflict("userPrincipalName")));
    }
    let user =
        User { id: Uuid::new_v4(), user_principal_name: name, usage_location, licenses: Vec::new(), properties: body };
    tenant.users.push(user.clone());
    Ok(user)
}

/// Entra's rule: 8 to 256 characters of at least three of four kinds (Microsoft Learn, "Password policies").
fn is_complex(password: &str) -> bool {
    let kinds: [fn(char) -> bool; 4] = [
        |c| c.is_ascii_lowercase(),
        |c| c.is_ascii_uppercase(),
        |c| c.is_ascii_digit(),
        |c| c.is_ascii_punctuation() || c == ' ',
    ];
    (8..=256).contains(&password.len()) && kinds.iter().filter(|kind| password.chars().any(**kind)).count() >= 3
}

/// A user as Graph shows it: the default properties, or those `$select` names.
pub(super) fn view(user: &User, options: &HashMap<String, String>) -> Value {
    let selected: Vec<&str> = match options.get("$select") {
        Some(select) => select.split(',').map(str::trim).collect(),
        None => DEFAULT_PROPERTIES.to_vec(),
    };
    let mut shown = Map::new();
    for property in selected {
        let value = match property {
            "id" => json!(user.id),
            "userPrincipalName" => json!(user.user_principal_name),
            "usageLocation" => json!(user.usage_location),
            "assignedLicenses" => {
                user.licenses.iter().map(|sku| json!({ "disabledPlans": [], "skuId": sku })).collect()
            }
            "businessPhones" => user.properties.get(property).cloned().unwrap_or_else(|| json!([])),
            other => user.properties.get(other).cloned().unwrap_or(Value::Null),
        };
        shown.insert(property.to_owned(), value);
    }
    Value::Object(shown)
}

/// `userPrincipalName eq '...'`, with quotes doubled inside; the only filter played.
fn upn_of_filter(filter: &str) -> Option<String> {
    let quoted = filter.trim().strip_prefix("userPrincipalName")?.trim_start().strip_prefix("eq")?.trim();
    Some(quoted.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'"))
}
