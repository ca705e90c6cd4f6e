//! Graph's error shape: Microsoft Learn, "Microsoft Graph error responses and resource types".

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::Utc;
use serde_json::{Value, json};
use uuid::Uuid;

/// An error answer.
pub(crate) fn refusal(status: u16, code: &str, message: &str) -> Response {
    answer(status, code, message, None)
}

/// An error answer for one property of the request.
pub(crate) fn conflict(target: &str) -> Response {
    let message = format!("Another object with the same value for property {target} already exists.");
    let details = json!([{ "code": "ObjectConflict", "target": target, "message": message }]);
    answer(400, "Request_BadRequest", &message, Some(details))
}

pub(crate) fn bad_request(message: &str) -> Response {
    refusal(400, "Request_BadRequest", message)
}

pub(crate) fn not_found(what: &str) -> Response {
    let message =
        format!("Resource '{what}' does not exist or one of its queried reference-property objects are not present.");
    refusal(404, "Request_ResourceNotFound", &message)
}

fn answer(status: u16, code: &str, message: &str, details: Option<Value>) -> Response {
    let request = Uuid::new_v4();
    let mut error = json!({
        "code": code,
        "message": message,
        "innerError": {
            "date": Utc::now().format("%Y-%m-%dT%H:%M:%S").to_string(),
            "request-id": request,
            "client-request-id": request,
        },
    });
    if let Some(details) = details {
        error["details"] = details;
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    (status, Json(json!({ "error": error }))).into_response()
}
