//! Who has proved who they are gets a session; who has not is counted.

use crate::{
    http::{
        attempts::TooMany,
        cookies::{self, session_cookie},
        denials::Refused,
    },
    state::ApiState,
};
use axum::http::HeaderMap;
use msp_domain::UserId;
use msp_storage::{StoreError, repositories::Actor};

/// Begins a session, ends the one the browser had, and notes the sign-in; answers the `Set-Cookie`.
pub(super) async fn begin(
    api: &ApiState,
    headers: &HeaderMap,
    user: UserId,
    ip_address: Option<String>,
) -> Result<String, StoreError> {
    let actor = Actor { user: Some(user), ip_address };
    if let Some(earlier) = session_cookie(&api.options, headers) {
        api.repositories.sessions.end(earlier, &actor).await?;
    }
    let session = api.repositories.sessions.begin(user, &actor).await?;
    api.repositories.users.signed_in(user, &actor).await?;
    Ok(cookies::begin(&api.options, session.reveal()))
}

/// Counts that somebody could not prove who they are. To be called after it was tried: many people share an address behind a
/// proxy, and the failures of one of them must not keep the others out.
///
/// # Errors
/// [`TooMany`]: this address fails too often.
pub(super) fn count_failure(api: &ApiState, address: Option<String>) -> Result<(), TooMany> {
    let counted_as = address.unwrap_or_else(|| "unknown".to_owned());
    api.denials.of_stranger(&counted_as, Refused::SignIn);
    api.sign_ins.admit(counted_as)
}
