//! The sign-in of browsers: code flow with PKCE (RFC 7636) for a client that has a secret.

use super::{CLIENT_SECRET, Person, Shared, TestIssuer};
use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::Redirect,
    routing::{get, post},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};
use url::Url;
use uuid::Uuid;

/// Who is signed in, where browsers may go, and the codes that were given out.
#[derive(Default)]
pub(super) struct Codes(Mutex<Session>);

#[derive(Default)]
struct Session {
    signed_in: Option<Person>,
    redirects: HashSet<String>,
    given: HashMap<String, Given>,
    altered: Option<(String, Value)>,
    secret_expired: bool,
}

/// What a code stands for; it works once.
struct Given {
    person: Person,
    nonce: String,
    challenge: String,
    redirect_uri: String,
}

impl Codes {
    pub fn sign_in_as(&self, person: Option<Person>) {
        self.state().signed_in = person;
    }

    pub fn alter_id_tokens(&self, claim: &str, value: Value) {
        self.state().altered = Some((claim.to_owned(), value));
    }

    pub fn expire_client_secret(&self) {
        self.state().secret_expired = true;
    }

    pub fn allow_redirect(&self, address: &str) {
        self.state().redirects.insert(address.to_owned());
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Session> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/{tenant}/oauth2/v2.0/authorize", get(authorize))
        .route("/{tenant}/oauth2/v2.0/token", post(token))
}

#[derive(Deserialize)]
struct Authorize {
    client_id: Uuid,
    response_type: String,
    redirect_uri: String,
    scope: String,
    state: String,
    nonce: String,
    code_challenge: String,
    code_challenge_method: String,
}

/// What is wrong with the client is said to the person: a browser is never sent to an address that is not registered.
async fn authorize(
    State(shared): State<Arc<Shared>>,
    Query(asked): Query<Authorize>,
) -> Result<Redirect, (StatusCode, &'static str)> {
    shared.is_up().map_err(|status| (status, "down"))?;
    let refuse = |why| Err((StatusCode::BAD_REQUEST, why));
    let mut state = shared.codes.state();
    if asked.client_id != shared.client_id {
        return refuse("AADSTS700016: there is no such application");
    }
    if !state.redirects.contains(&asked.redirect_uri) {
        return refuse("AADSTS50011: the redirect URI is not registered");
    }
    let mut back = Url::parse(&asked.redirect_uri).map_err(|_| (StatusCode::BAD_REQUEST, "no address"))?;
    let opens_id = asked.scope.split(' ').any(|scope| scope == "openid");
    let is_ours = asked.response_type == "code" && asked.code_challenge_method == "S256" && opens_id;
    let answer = match state.signed_in.clone() {
        _ if !is_ours || asked.code_challenge.len() != 43 || asked.nonce.is_empty() => {
            ("error", "invalid_request".to_owned())
        }
        None => ("error", "access_denied".to_owned()),
        Some(person) => {
            let code = Uuid::new_v4().simple().to_string();
            let Authorize { nonce, code_challenge: challenge, redirect_uri, .. } = asked;
            state.given.insert(code.clone(), Given { person, nonce, challenge, redirect_uri });
            ("code", code)
        }
    };
    back.query_pairs_mut().append_pair(answer.0, &answer.1).append_pair("state", &asked.state);
    Ok(Redirect::to(back.as_str()))
}

async fn token(State(shared): State<Arc<Shared>>, body: String) -> Result<Json<Value>, (StatusCode, Json<Value>)> {
    let refuse = |status: StatusCode, error: &str| Err((status, Json(json!({ "error": error }))));
    if let Err(status) = shared.is_up() {
        return refuse(status, "temporarily_unavailable");
    }
    let fields: HashMap<_, _> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let is_secret = field("client_secret") == CLIENT_SECRET && !shared.codes.state().secret_expired;
    if field("client_id") != shared.client_id.to_string() || !is_secret {
        return refuse(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    if field("grant_type") != "authorization_code" {
        return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type");
    }
    let given = shared.codes.state().given.remove(field("code"));
    let challenge = B64.encode(Sha256::digest(field("code_verifier").as_bytes()));
    let Some(given) = given.filter(|it| it.challenge == challenge && it.redirect_uri == field("redirect_uri")) else {
        return refuse(StatusCode::BAD_REQUEST, "invalid_grant");
    };
    let issuer = TestIssuer { shared: Arc::clone(&shared) };
    let mut id_claims = issuer.id_claims_of(&given.person, &given.nonce);
    if let Some((claim, value)) = &shared.codes.state().altered {
        id_claims[claim] = value.clone();
    }
    Ok(Json(json!({
        "token_type": "Bearer",
        "expires_in": 4_500,
        "scope": "openid profile",
        "id_token": issuer.sign(&id_claims),
        "access_token": issuer.access_token(&given.person),
    })))
}
