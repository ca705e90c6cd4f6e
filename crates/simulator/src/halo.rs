//! HaloPSA, as far as the platform calls it. Paths below `/api` ignore letter case, as Halo's do.

use crate::{
    admin::broken,
    request,
    simulator::Simulator,
    state::{HaloAction, HaloInstance, HaloNote},
    tokens::{LIFETIME_SECONDS, Opens},
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, RawQuery, State as Shared},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
    routing::{any, post},
};
use serde_json::{Value, json};

pub(crate) fn routes() -> Router<Simulator> {
    Router::new().route("/auth/token", post(token)).route("/api/{resource}", any(resource))
}

async fn token(Shared(simulator): Shared<Simulator>, RawQuery(query): RawQuery, body: String) -> Response {
    let tenant = request::pairs(query.as_deref().unwrap_or_default()).remove("tenant").unwrap_or_default();
    let form = request::pairs(&body);
    let refuse = |status, error: &str, text: &str| {
        (status, Json(json!({ "error": error, "error_description": text }))).into_response()
    };
    if form.get("grant_type").map(String::as_str) != Some("client_credentials") {
        return refuse(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "The specified 'grant_type' is not supported.",
        );
    }
    let state = simulator.locked();
    let Some(instance) = state.halo.get(&tenant) else {
        return refuse(StatusCode::BAD_REQUEST, "invalid_request", "The specified tenant is not known.");
    };
    let app = form.get("client_id").and_then(|id| instance.apps.get(id));
    if app.is_none_or(|app| Some(&app.client_secret) != form.get("client_secret")) {
        return refuse(StatusCode::BAD_REQUEST, "invalid_client", "The specified client credentials are invalid.");
    }
    let token = simulator.tokens().issue(Opens::Halo { tenant });
    Json(json!({ "scope": "all", "token_type": "Bearer", "access_token": token, "expires_in": LIFETIME_SECONDS }))
        .into_response()
}

async fn resource(
    Shared(simulator): Shared<Simulator>,
    Path(name): Path<String>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let opens = request::bearer(&headers).and_then(|token| simulator.tokens().opens(token));
    let Some(Opens::Halo { tenant }) = opens else {
        return (
            StatusCode::UNAUTHORIZED,
            Json(json!({ "Message": "Authorization has been denied for this request." })),
        )
            .into_response();
    };
    match (method, name.to_ascii_lowercase().as_str()) {
        (Method::POST, "actions") => write(&simulator, &tenant, &body, add_action),
        (Method::POST, "crmnote") => write(&simulator, &tenant, &body, add_note),
        (Method::GET, "client") => list(&simulator, &tenant, |halo| {
            let clients: Vec<_> =
                halo.clients.iter().map(|(id, client)| json!({ "id": id, "name": client.name })).collect();
            json!({ "record_count": clients.len(), "clients": clients })
        }),
        (Method::GET, "tickets") => list(&simulator, &tenant, |halo| {
            let tickets: Vec<_> = halo
                .tickets
                .iter()
                .map(|(id, ticket)| json!({ "id": id, "client_id": ticket.client_id, "summary": ticket.summary }))
                .collect();
            json!({ "record_count": tickets.len(), "tickets": tickets })
        }),
        _ => {
            (StatusCode::NOT_FOUND, Json(json!({ "Message": "No HTTP resource was found that matches the request." })))
                .into_response()
        }
    }
}

fn list(simulator: &Simulator, tenant: &str, view: impl FnOnce(&HaloInstance) -> Value) -> Response {
    simulator.locked().halo.get(tenant).map_or_else(gone, |halo| Json(view(halo)).into_response())
}

/// Writes an array of entities; Halo refuses a bare object. Answers the one entity, or the array of several.
fn write(
    simulator: &Simulator,
    tenant: &str,
    body: &[u8],
    add: fn(&mut HaloInstance, &Value) -> Result<Value, String>,
) -> Response {
    let Ok(Value::Array(entities)) = serde_json::from_slice(body) else {
        return refuse("The request body must be a JSON array.");
    };
    let written = simulator.change(|state| {
        let halo = state.halo.get_mut(tenant).ok_or_else(|| "The instance does not exist.".to_owned())?;
        entities.iter().map(|entity| add(halo, entity)).collect::<Result<Vec<_>, _>>()
    });
    match written {
        Ok(Ok(mut written)) if written.len() == 1 => (StatusCode::CREATED, Json(written.remove(0))).into_response(),
        Ok(Ok(written)) => (StatusCode::CREATED, Json(written)).into_response(),
        Ok(Err(text)) => refuse(&text),
        Err(fault) => broken(&fault),
    }
}

fn add_action(halo: &mut HaloInstance, sent: &Value) -> Result<Value, String> {
    let ticket_id = integer(sent, "ticket_id")?;
    let outcome_id = integer(sent, "outcome_id")?;
    if !halo.tickets.contains_key(&ticket_id) {
        return Err(format!("Ticket {ticket_id} could not be found."));
    }
    let note = note_of(sent)?;
    let id = halo.actions.len() as i64 + 1;
    let hidden_from_user = sent["hiddenfromuser"].as_bool().unwrap_or(false);
    halo.actions.push(HaloAction { id, ticket_id, outcome_id, note: note.clone(), hidden_from_user });
    Ok(json!({
        "id": id, "ticket_id": ticket_id, "outcome_id": outcome_id, "note": note, "hiddenfromuser": hidden_from_user,
    }))
}

fn add_note(halo: &mut HaloInstance, sent: &Value) -> Result<Value, String> {
    let client_id = integer(sent, "client_id")?;
    if !halo.clients.contains_key(&client_id) {
        return Err(format!("Client {client_id} could not be found."));
    }
    let note = note_of(sent)?;
    let id = halo.notes.len() as i64 + 1;
    halo.notes.push(HaloNote { id, client_id, note: note.clone() });
    Ok(json!({ "id": id, "client_id": client_id, "note": note }))
}

fn note_of(sent: &Value) -> Result<String, String> {
    ["note", "note_html"]
        .iter()
        .find_map(|name| sent[*name].as_str())
        .filter(|note| !note.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| "A note is required.".to_owned())
}

/// Integers only: the real service refuses `95.0` and `"95"`.
fn integer(sent: &Value, name: &str) -> Result<i64, String> {
    match &sent[name] {
        Value::Null => Err(format!("A value for {name} is required.")),
        value => value.as_i64().ok_or_else(|| format!("The value given for {name} could not be converted to Int32.")),
    }
}

fn refuse(text: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "ClassName": "System.Exception", "Message": text }))).into_response()
}

fn gone() -> Response {
    refuse("The instance does not exist.")
}
