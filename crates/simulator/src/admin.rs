//! The simulator's own addresses, for set-up from outside the process.

use crate::{
    changes::Change,
    faults::Fault,
    simulator::{Simulator, SimulatorError},
};
use axum::{
    Json, Router,
    extract::State as Shared,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use serde_json::json;

pub(crate) fn routes() -> Router<Simulator> {
    Router::new()
        .route("/_simulator/changes", post(change))
        .route("/_simulator/faults", post(add_fault))
        .route("/_simulator/state", get(state))
        .route("/_simulator/journal", get(journal).delete(clear_journal))
        .route("/_simulator/tokens", delete(revoke_tokens))
}

async fn change(Shared(simulator): Shared<Simulator>, Json(changes): Json<Vec<Change>>) -> Response {
    match simulator.apply(changes) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(fault @ SimulatorError::Change(_)) => {
            (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "detail": fault.to_string() }))).into_response()
        }
        Err(fault) => broken(&fault),
    }
}

async fn add_fault(Shared(simulator): Shared<Simulator>, Json(fault): Json<Fault>) -> StatusCode {
    simulator.add_fault(fault);
    StatusCode::NO_CONTENT
}

async fn state(Shared(simulator): Shared<Simulator>) -> Response {
    Json(simulator.state()).into_response()
}

async fn journal(Shared(simulator): Shared<Simulator>) -> Response {
    Json(simulator.journal()).into_response()
}

async fn clear_journal(Shared(simulator): Shared<Simulator>) -> StatusCode {
    simulator.clear_journal();
    StatusCode::NO_CONTENT
}

async fn revoke_tokens(Shared(simulator): Shared<Simulator>) -> StatusCode {
    simulator.revoke_tokens();
    StatusCode::NO_CONTENT
}

/// The answer when the state could not be kept.
pub(crate) fn broken(fault: &SimulatorError) -> Response {
    tracing::error!(error = %fault, "The simulator could not keep its state");
    (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "detail": fault.to_string() }))).into_response()
}
