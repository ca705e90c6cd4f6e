//! Tokens of service accounts: shown once, listed with their last use, replaced, taken back.

use super::service_accounts::find;
use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::{AdminAccess, ReviewAccess},
        json::ApiJson,
        paging::PageOf,
        params::{ApiPath, NoQuery},
    },
    state::Api,
};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Duration, SubsecRound, Utc};
use msp_domain::{FieldFault, UserId, naming};
use msp_storage::repositories::service_tokens::{MOST_TOKENS, ServiceToken, ServiceTokenError};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long a token works unless the request says otherwise.
const DEFAULT_LIFETIME: Duration = Duration::days(90);
/// The longest a token may work: one that nobody replaces within a year is one nobody looks after.
const LONGEST_LIFETIME: Duration = Duration::days(366);

/// A token in a list; what it says is not kept.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "3a1f0a52-3d0e-4c53-9b0a-2a7f6f9f1c10", "name": "report server", "is_expired": false,
    "created_at": "2026-07-01T08:30:00Z", "created_by": "b9bb3ad1-6687-4eb2-9413-a2bbe7263003",
    "expires_at": "2026-09-29T08:30:00Z", "last_used_at": "2026-07-02T03:00:00Z"
}))]
pub struct ServiceTokenView {
    /// Its id.
    id: Uuid,
    /// Where it is used, as whoever made it says.
    name: String,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// Who made it: a user id, or `platform`.
    created_by: String,
    /// From when on it is refused.
    expires_at: DateTime<Utc>,
    /// Whether that is over.
    is_expired: bool,
    /// When it was last used, give or take five minutes.
    last_used_at: Option<DateTime<Utc>>,
}

impl ServiceTokenView {
    fn at(now: DateTime<Utc>, token: ServiceToken) -> Self {
        Self {
            is_expired: token.expires_at <= now,
            id: token.id,
            name: token.name,
            created_at: token.created_at,
            created_by: token.created_by,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
        }
    }
}

/// A token that was just made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "token": "mspt_4f0b2a4c9a0d4c0a8f3e6d2d5b0f7c21_3a1f0a523d0e4c539b0a2a7f6f9f1c10_vQx3"
}))]
pub struct MintedToken {
    #[serde(flatten)]
    about: ServiceTokenView,
    /// The token, for `Authorization: Bearer`. This is the only time it is shown.
    token: String,
}

/// A token to be made.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "report server", "expires_at": "2026-09-29T08:30:00Z" }))]
pub struct MintToken {
    /// Where it will be used: what tells it from the account's others.
    name: String,
    /// From when on it is refused: in the future, at most 366 days from now. Left out: in 90 days.
    #[serde(default)]
    expires_at: Option<DateTime<Utc>>,
    /// The token it takes the place of, which is refused from now on.
    #[serde(default)]
    replaces: Option<Uuid>,
}

/// List the tokens of a service account, oldest first, with their last use.
///
/// Problems: `not-found` (404), `path-invalid` (400).
#[utoipa::path(
    get, path = "/api/service-accounts/{id}/tokens", operation_id = "listServiceTokens", tag = "service-accounts",
    params(("id" = UserId, Path, description = "The account.")),
    responses((status = 200, body = PageOf<ServiceTokenView>, description = "Every token, also expired ones.")),
    extensions(("x-permission" = json!("administrator or auditor")))
)]
pub async fn list_service_tokens(
    State(api): State<Api>,
    _: ReviewAccess,
    ApiPath(id): ApiPath<UserId>,
    _: NoQuery,
) -> Result<Json<PageOf<ServiceTokenView>>, Problem> {
    find(&api, id).await?;
    let (tokens, now) = (api.repositories.service_tokens.of(id).await?, api.clock.now());
    Ok(Json(PageOf::all(tokens.into_iter().map(|token| ServiceTokenView::at(now, token)).collect())))
}

/// Make a token for a service account, or replace one. It is shown once, in this answer. A program that Entra ID vouches for
/// gets its tokens there.
///
/// Problems: `not-found` (404), `body-invalid` (422), `too-many-tokens` (409), `managed-by-entra` (409), `path-invalid` (400).
#[utoipa::path(
    post, path = "/api/service-accounts/{id}/tokens", operation_id = "mintServiceToken", tag = "service-accounts",
    params(("id" = UserId, Path, description = "The account.")),
    request_body = MintToken,
    responses((status = 201, body = MintedToken, description = "The token.")),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn mint_service_token(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    ApiPath(id): ApiPath<UserId>,
    _: NoQuery,
    ApiJson(body): ApiJson<MintToken>,
) -> Result<(StatusCode, Json<MintedToken>), Problem> {
    if find(&api, id).await?.tenant_id.is_some() {
        return Err(Problem::new(Kind::ManagedByEntra).detail("This program signs in with tokens of Entra ID."));
    }
    let now = api.clock.now();
    let (name, expires_at) = body.checked(now).map_err(|faults| Problem::new(Kind::BodyInvalid).errors(faults))?;
    let minted = api.repositories.service_tokens.mint(id, name, expires_at, body.replaces, &asking.actor).await;
    let (token, text) = minted.map_err(|error| match error {
        ServiceTokenError::TooMany => Problem::new(Kind::TooManyTokens)
            .detail(format!("An account has at most {MOST_TOKENS} tokens. Revoke one, or name the one to replace.")),
        ServiceTokenError::NotFound => {
            let detail = "the account has no such token";
            Problem::new(Kind::BodyInvalid).errors(vec![FieldFault::at("replaces", detail)])
        }
        ServiceTokenError::Store(error) => error.into(),
    })?;
    let about = ServiceTokenView::at(now, token);
    Ok((StatusCode::CREATED, Json(MintedToken { about, token: text.reveal().to_owned() })))
}

impl MintToken {
    fn checked(&self, now: DateTime<Utc>) -> Result<(&str, DateTime<Utc>), Vec<FieldFault>> {
        let expires_at = self.expires_at.unwrap_or(now + DEFAULT_LIFETIME).trunc_subsecs(3);
        let lasts = expires_at > now && expires_at <= now + LONGEST_LIFETIME;
        match (naming::name(&self.name), lasts) {
            (Ok(name), true) => Ok((name, expires_at)),
            (name, lasts) => {
                let too_long = format!("must lie in the future, at most {} days from now", LONGEST_LIFETIME.num_days());
                let faults = [
                    name.err().map(|detail| FieldFault::at("name", detail)),
                    (!lasts).then(|| FieldFault::at("expires_at", too_long)),
                ];
                Err(faults.into_iter().flatten().collect())
            }
        }
    }
}

/// Take a token back. It is refused from the next request on.
///
/// Problems: `not-found` (404), `path-invalid` (400).
#[utoipa::path(
    delete, path = "/api/service-accounts/{id}/tokens/{token_id}", operation_id = "revokeServiceToken",
    tag = "service-accounts",
    params(("id" = UserId, Path, description = "The account."), ("token_id" = Uuid, Path, description = "The token.")),
    responses((status = 204, description = "It is gone, or was not there.")),
    extensions(("x-permission" = json!("administrator")))
)]
pub async fn revoke_service_token(
    State(api): State<Api>,
    AdminAccess(asking): AdminAccess,
    ApiPath((id, token)): ApiPath<(UserId, Uuid)>,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    find(&api, id).await?;
    api.repositories.service_tokens.revoke(id, token, &asking.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
