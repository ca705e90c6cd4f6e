//! A code for an id token (RFC 6749 section 4.1.3, OpenID Connect Core section 3.1.3).

use super::{
    attempt::Attempt,
    body::{Unread, read},
};
use reqwest::{Client, header::ACCEPT};
use serde::Deserialize;
use std::{error::Error, time::Duration};
use url::Url;

/// How long the issuer may take: somebody sits before a blank page.
const DEADLINE: Duration = Duration::from_secs(10);
/// Largest answer read. Tokens of people in hundreds of groups have some 20 KiB.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// The application, as the issuer knows it.
pub(crate) struct Application<'a> {
    pub client_id: &'a str,
    pub client_secret: &'a str,
    pub redirect_uri: &'a Url,
}

/// Why there is no id token.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The issuer did not answer, not in time, or with a fault of its own.
    #[error("the issuer cannot be reached")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// The code is unknown, used, too old, or was given for another attempt.
    #[error("the issuer does not accept the code: {0}")]
    CodeRefused(String),
    /// The issuer does not accept this application: a wrong secret, one that has expired, another redirect URI.
    #[error("the issuer refuses this application: {0}")]
    ApplicationRefused(String),
    /// No answer that RFC 6749 section 5 knows.
    #[error("the issuer's answer is not readable")]
    Unreadable,
}

#[derive(Deserialize)]
struct Granted {
    id_token: String,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
    #[serde(default)]
    error_codes: Vec<u32>,
}

/// Exchanges a code for the id token it stands for.
pub(crate) async fn exchange(
    client: &Client,
    endpoint: Url,
    application: Application<'_>,
    code: &str,
    attempt: &Attempt,
) -> Result<String, ExchangeError> {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", application.redirect_uri.as_str()),
        ("client_id", application.client_id),
        ("client_secret", application.client_secret),
        ("code_verifier", &attempt.verifier()),
    ];
    let unreachable = |error: reqwest::Error| ExchangeError::Unreachable(error.without_url().into());
    let request = client.post(endpoint).timeout(DEADLINE).header(ACCEPT, "application/json").form(&form);
    let answer = request.send().await.map_err(unreachable)?;
    let status = answer.status();
    let body = read(answer, MAX_ANSWER_BYTES).await.map_err(|unread| match unread {
        Unread::Broken(error) => unreachable(error),
        Unread::TooLong => ExchangeError::Unreadable,
    })?;
    if status.is_success() {
        let granted: Granted = serde_json::from_slice(&body).map_err(|_| ExchangeError::Unreadable)?;
        return Ok(granted.id_token);
    }
    if status.is_server_error() || status.as_u16() == 429 {
        return Err(ExchangeError::Unreachable(format!("it answered {status}").into()));
    }
    let refused: Refused = serde_json::from_slice(&body).map_err(|_| ExchangeError::Unreadable)?;
    Err(match refused.error.as_str() {
        "invalid_grant" => ExchangeError::CodeRefused(named(&refused)),
        _ => ExchangeError::ApplicationRefused(named(&refused)),
    })
}

/// What the issuer calls it, safe to log: its text is not.
fn named(refused: &Refused) -> String {
    let error: String = refused.error.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect();
    let codes = refused.error_codes.iter().take(3).map(|code| format!(" AADSTS{code}"));
    codes.fold(error, |text, code| text + &code)
}
