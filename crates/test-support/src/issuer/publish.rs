//! The discovery document and the keys.

use super::Shared;
use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use serde_json::{Value, json};
use std::sync::{Arc, atomic::Ordering};

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(document))
        .route("/{tenant}/discovery/v2.0/keys", get(keys))
}

async fn document(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, StatusCode> {
    shared.is_up()?;
    let base = format!("{}/{}", shared.authority, shared.tenant_id);
    Ok(Json(json!({
        "issuer": shared.issuer(),
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
        "end_session_endpoint": format!("{base}/oauth2/v2.0/logout"),
        "jwks_uri": format!("{base}/discovery/v2.0/keys"),
    })))
}

async fn keys(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, StatusCode> {
    shared.asked.fetch_add(1, Ordering::SeqCst);
    shared.is_up()?;
    let keys: Vec<_> = shared.keys().iter().map(|key| key.published()).collect();
    Ok(Json(json!({ "keys": keys })))
}

impl Shared {
    pub(super) fn is_up(&self) -> Result<(), StatusCode> {
        if self.is_down.load(Ordering::SeqCst) { Err(StatusCode::INTERNAL_SERVER_ERROR) } else { Ok(()) }
    }
}
