//! What the caller has chosen for the client: favourites, what was used last, looks.

use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::SignedIn,
        etag::{IfMatch, etag_header, or_current},
        json::ApiJson,
        params::NoQuery,
    },
    state::Api,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue},
};
use msp_domain::UserSettings;

/// Settings and their version; who never chose has none.
type Shown = (Option<[(HeaderName, HeaderValue); 1]>, Json<UserSettings>);

/// Read one's own settings: favourites, what was used last, looks.
///
/// Who never chose gets those of somebody new, without an `ETag`.
#[utoipa::path(
    get, path = "/api/me/settings", operation_id = "getMySettings", tag = "sign-in",
    responses((status = 200, body = UserSettings, description = "The caller's settings.",
        headers(("ETag" = Option<String>, description = "Their version.")))),
    extensions(("x-permission" = json!("signed_in")))
)]
pub async fn get_my_settings(State(api): State<Api>, SignedIn(asking): SignedIn, _: NoQuery) -> Result<Shown, Problem> {
    Ok(match api.repositories.user_settings.get(asking.caller.user).await? {
        Some((settings, etag)) => (Some(etag_header(&etag)), Json(settings)),
        None => (None, Json(UserSettings::default())),
    })
}

/// Replace one's own settings. What is left out is as for somebody new.
///
/// `If-Match` keeps two tabs from undoing each other's choices: a refusal carries what is there as `current`.
///
/// Problems: `body-invalid` (422), `limit-exceeded` (422), `stale-version` (412).
#[utoipa::path(
    put, path = "/api/me/settings", operation_id = "putMySettings", tag = "sign-in",
    params(("If-Match" = Option<String>, Header, description = "The version the change is meant for.")),
    request_body = UserSettings,
    responses((status = 200, body = UserSettings, description = "The settings as they are now.",
        headers(("ETag" = String, description = "Their version.")))),
    extensions(("x-permission" = json!("signed_in")))
)]
pub async fn put_my_settings(
    State(api): State<Api>,
    SignedIn(asking): SignedIn,
    IfMatch(if_match): IfMatch,
    _: NoQuery,
    ApiJson(settings): ApiJson<UserSettings>,
) -> Result<Shown, Problem> {
    let faults = settings.faults();
    if !faults.is_empty() {
        return Err(Problem::new(Kind::BodyInvalid).errors(faults));
    }
    let (stored, user) = (&api.repositories.user_settings, asking.caller.user);
    let put = stored.put(user, &settings, if_match.as_ref()).await;
    let etag = or_current(put, async { Ok(stored.get(user).await?) }).await?;
    Ok((Some(etag_header(&etag)), Json(settings)))
}
