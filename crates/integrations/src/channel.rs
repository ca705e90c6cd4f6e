//! One organization's line to one service: adds the token, repeats what may be repeated, hides what is secret.

use crate::{
    broker::Broker,
    connector::{Answer, SendError},
    error::{IntegrationError, UNAVAILABLE},
    masking::Secrets,
    retry::{Attempt, Repeat, Retries},
    tokens::{FetchedToken, Grant},
};
use msp_storage::SecretValue;
use reqwest::{
    Method, Request,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use serde_json::Value;
use std::sync::{Mutex, PoisonError};
use url::{Url, form_urlencoded};

/// How a service explains that it gives out no token.
pub(crate) type TokenRefusal<'a> = &'a (dyn Fn(&Answer, &Secrets) -> IntegrationError + Sync);

/// A line to a service.
pub(crate) struct Channel<'a> {
    pub(crate) broker: &'a Broker,
    /// What people call the service.
    pub(crate) service: &'static str,
    pub(crate) grant: Grant,
    secrets: Mutex<Secrets>,
}

/// Why a call has no answer.
pub(crate) enum CallFailure {
    /// There is no token, so the call was not made.
    NotMade(IntegrationError),
    /// The call failed under way.
    UnderWay(SendError),
}

impl<'a> Channel<'a> {
    pub(crate) fn new(broker: &'a Broker, service: &'static str, grant: Grant) -> Self {
        let mut secrets = Secrets::default();
        secrets.add(grant.credential.reveal());
        Self { broker, service, grant, secrets: Mutex::new(secrets) }
    }

    /// Everything secret this line has handled so far.
    pub(crate) fn secrets(&self) -> Secrets {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn hide(&self, secret: &str) {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).add(secret);
    }

    /// Makes a call. A token the service does not accept is replaced once: a call refused for its token was not
    /// carried out, so even a create may be made again.
    pub(crate) async fn call(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
        repeat: Repeat,
        refusal: TokenRefusal<'_>,
    ) -> Result<Answer, CallFailure> {
        const UNAUTHORIZED: u16 = 401;
        let mut request = Request::new(method, url);
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(body) = body {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(body.to_string().into());
        }
        let token = self.token(refusal).await?;
        let answer = self.send_with(&request, &token, repeat).await?;
        if answer.status != UNAUTHORIZED {
            return Ok(answer);
        }
        self.broker.tokens.discard(&self.grant, &token).await;
        let token = self.token(refusal).await?;
        self.send_with(&request, &token, repeat).await
    }

    async fn send_with(&self, request: &Request, token: &SecretValue, repeat: Repeat) -> Result<Answer, CallFailure> {
        let fault = || CallFailure::UnderWay(SendError::Refused("the request cannot be written".to_owned()));
        let mut request = request.try_clone().ok_or_else(fault)?;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.reveal())).map_err(|_| fault())?;
        bearer.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, bearer);
        send(self.broker, &request, repeat).await.map_err(CallFailure::UnderWay)
    }

    async fn token(&self, refusal: TokenRefusal<'_>) -> Result<SecretValue, CallFailure> {
        let fetch = || self.fetch_token(refusal);
        let token = self.broker.tokens.get(&self.grant, self.broker.timing.as_ref(), fetch).await;
        let token = token.map_err(CallFailure::NotMade)?;
        self.hide(token.reveal());
        Ok(token)
    }

    async fn fetch_token(&self, refusal: TokenRefusal<'_>) -> Result<FetchedToken, IntegrationError> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", Grant::TYPE)
            .append_pair("client_id", &self.grant.client_id)
            .append_pair("client_secret", self.grant.credential.reveal())
            .append_pair("scope", &self.grant.scope)
            .finish();
        let mut request = Request::new(Method::POST, self.grant.endpoint.clone());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        *request.body_mut() = Some(form.into());
        let answer = send(self.broker, &request, Repeat::Harmless)
            .await
            .map_err(|error| self.unanswered(&error, &self.grant.endpoint))?;
        match FetchedToken::read(&answer) {
            Some(token) if answer.status == 200 => Ok(token),
            _ => Err(refusal(&answer, &self.secrets())),
        }
    }

    /// A call that has no answer, in words.
    pub(crate) fn unanswered(&self, error: &SendError, url: &Url) -> IntegrationError {
        let (service, host) = (self.service, url.host_str().unwrap_or_default());
        let message = match error {
            SendError::Refused(why) => format!(
                "{service} was not called: {why}. Check the address in the integration's settings, or have an \
                 administrator put it on the list of allowed addresses."
            ),
            SendError::NotConnected => {
                format!("{service} cannot be reached at {host}. Check the address and the network, then run again.")
            }
            SendError::AnswerLost => format!("{service} at {host} did not finish its answer in time."),
            SendError::TooLarge => format!("The answer of {service} is too large. Ask for less at once."),
        };
        IntegrationError::new(UNAVAILABLE, message)
    }
}

/// Sends a request until it is answered for good: the last answer, whatever its status, or the last failure.
async fn send(broker: &Broker, request: &Request, repeat: Repeat) -> Result<Answer, SendError> {
    let mut retries = Retries::new(broker.timing.as_ref(), repeat);
    loop {
        let copy = request.try_clone().ok_or_else(|| SendError::Refused("the request cannot be repeated".into()))?;
        let outcome = broker.connector.send(copy).await;
        let attempt = match &outcome {
            Ok(answer) => Attempt::Answered { status: answer.status, retry_after: answer.retry_after.clone() },
            Err(error) => Attempt::Failed(error.clone()),
        };
        let Some(wait) = retries.wait_after(&attempt) else { return outcome };
        broker.timing.sleep(wait).await;
    }
}
