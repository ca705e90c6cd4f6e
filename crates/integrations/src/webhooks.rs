//! Posting to addresses that were made to be posted to: a channel of Microsoft Teams, and whatever takes the same cards.
//! Through the address filter, as everything that leaves this host; never a redirect, because the address is a secret.

use crate::{
    connector::{Connector, SendError},
    retry::parse_retry_after,
    settings::may_lack_tls,
};
use chrono::{DateTime, Utc};
use msp_storage::{SecretValue, repositories::addresses::AllowedAddresses};
use reqwest::{Method, Request, header};
use serde_json::Value;
use std::{fmt, sync::Arc, time::Duration};
use url::Url;

/// Longest address. Those of Teams have about 400 characters.
const MAX_URL_CHARS: usize = 2_000;
/// Longest time for one post: whoever takes a card answers at once.
const POST_TIMEOUT: Duration = Duration::from_secs(20);

/// An address to post to. Whoever knows it can post there, so only its host is ever shown.
#[derive(Clone)]
pub struct Webhook(Url);

impl Webhook {
    /// Reads an address.
    ///
    /// # Errors
    /// A phrase that says what was expected; the address is not in it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.chars().count() > MAX_URL_CHARS {
            return Err(format!("must have at most {MAX_URL_CHARS} characters"));
        }
        let unreadable = || "is not an address; expected the one Teams showed, such as https://...".to_owned();
        let url = Url::parse(text).map_err(|_| unreadable())?;
        let host = url.host().ok_or_else(unreadable)?;
        match url.scheme() {
            "https" => {}
            "http" if may_lack_tls(&host) => {}
            _ => {
                return Err("must use https; http is possible only for `localhost` or an address written as numbers \
                            that an administrator has allowed"
                    .to_owned());
            }
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not contain a user name or password".to_owned());
        }
        if url.fragment().is_some() {
            return Err("must not contain `#`".to_owned());
        }
        Ok(Self(url))
    }

    /// What may be shown of it: its host, and its port if it has one of its own.
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The whole of it, to be kept as a secret.
    pub fn secret(&self) -> SecretValue {
        SecretValue::new(self.0.as_str())
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Webhook({})", self.host())
    }
}

/// Why a post was not taken. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostError {
    /// Nothing was sent; the sentence says why.
    Refused(String),
    /// No connection came about.
    NotConnected,
    /// The message may have arrived; no answer did.
    AnswerLost,
    /// It was answered with this status, which is no success.
    Answered {
        /// The status.
        status: u16,
        /// How long the service wants to be left alone.
        retry_after: Option<Duration>,
    },
}

/// Posts.
#[derive(Clone)]
pub struct Webhooks(Arc<Connector>);

impl Webhooks {
    /// Over the list of private addresses that may be called.
    pub fn new(allowed: AllowedAddresses) -> Self {
        Self(Arc::new(Connector::new(allowed)))
    }

    /// Posts once. `now` is what a date in `Retry-After` is compared with.
    ///
    /// # Errors
    /// [`PostError`].
    pub async fn post(&self, to: &Webhook, body: &Value, now: DateTime<Utc>) -> Result<(), PostError> {
        let mut request = Request::new(Method::POST, to.0.clone());
        request.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(body.to_string().into());
        *request.timeout_mut() = Some(POST_TIMEOUT);
        match self.0.send_unread(request).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
            Ok(answer) => Err(PostError::Answered {
                status: answer.status,
                retry_after: answer.retry_after.and_then(|header| parse_retry_after(&header, now)),
            }),
            Err(SendError::Refused(why)) => Err(PostError::Refused(why)),
            Err(SendError::NotConnected) => Err(PostError::NotConnected),
            Err(SendError::TooLarge | SendError::AnswerLost) => Err(PostError::AnswerLost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_host_of_an_address_is_shown() {
        let text = "https://prod-12.westeurope.logic.azure.com:443/workflows/a1/triggers/manual?sig=canary";
        let webhook = Webhook::parse(text).expect("an address");
        assert_eq!(webhook.host(), "prod-12.westeurope.logic.azure.com");
        assert!(!format!("{webhook:?}").contains("canary"));
        assert!(webhook.secret().reveal().ends_with("sig=canary"));
        assert_eq!(Webhook::parse("http://127.0.0.1:8080/hook").expect("an address").host(), "127.0.0.1:8080");
    }

    #[test]
    fn an_address_that_would_leak_or_mislead_is_refused_without_being_repeated() {
        for text in [
            "",
            "canary",
            "http://hooks.example.com/canary",
            "ftp://hooks.example.com/canary",
            "https://canary:pw@hooks.example.com",
            "https://hooks.example.com/#canary",
            &format!("https://hooks.example.com/canary{}", "x".repeat(2_000)),
        ] {
            let fault = Webhook::parse(text).expect_err(text);
            assert!(!fault.contains("canary"), "{fault}");
        }
    }
}
