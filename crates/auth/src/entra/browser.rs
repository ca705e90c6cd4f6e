//! How a browser signs in: to the issuer and back (authorization code with PKCE).

use super::{
    Entra, EntraError,
    attempt::{Attempt, Attempts},
    exchange::{Application, ExchangeError, exchange},
};
use chrono::{DateTime, Utc};
use url::Url;

/// What the id token is to tell: who somebody is, their name and address. Nothing is asked for that reads or does anything.
const SCOPE: &str = "openid profile email";

impl Entra {
    /// Begins a sign-in. `return_to`: the page to show afterwards, which comes back with [`Self::resume`] as it is.
    pub fn begin(&self, return_to: &str, now: DateTime<Utc>) -> Attempt {
        self.attempts().begin(return_to, now)
    }

    /// The sign-in that the browser with this ticket began, if an answer with this state belongs to it and came in time.
    pub fn resume(&self, ticket: &str, state: &str, now: DateTime<Utc>) -> Option<Attempt> {
        self.attempts().resume(ticket, state, now)
    }

    /// Where a browser goes to sign in. `choose_account`: people are asked which, also where one is signed in already.
    ///
    /// # Errors
    /// [`EntraError::Unavailable`].
    pub async fn sign_in_url(
        &self,
        attempt: &Attempt,
        redirect_uri: &Url,
        choose_account: bool,
    ) -> Result<Url, EntraError> {
        let mut url = self.authorization_endpoint().await?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.client_id())
            .append_pair("response_type", "code")
            .append_pair("response_mode", "query")
            .append_pair("redirect_uri", redirect_uri.as_str())
            .append_pair("scope", SCOPE)
            .append_pair("state", &attempt.state())
            .append_pair("nonce", &attempt.nonce())
            .append_pair("code_challenge", &attempt.challenge())
            .append_pair("code_challenge_method", "S256");
        if choose_account {
            url.query_pairs_mut().append_pair("prompt", "select_account");
        }
        Ok(url)
    }

    /// Exchanges the code a browser came back with for the id token it stands for, which is to be verified with the nonce
    /// of the attempt.
    ///
    /// # Errors
    /// [`ExchangeError`].
    pub async fn exchange(&self, code: &str, attempt: &Attempt, redirect_uri: &Url) -> Result<String, ExchangeError> {
        let endpoint = self.token_endpoint().await.map_err(|error| ExchangeError::Unreachable(error.into()))?;
        let application = Application {
            client_id: &self.client_id(),
            client_secret: self.settings().client_secret.reveal(),
            redirect_uri,
        };
        exchange(self.inner.keys.client(), endpoint, application, code, attempt).await
    }

    /// Where a browser goes to end its session at Entra ID as well, if there is such a place and it is known. `back`: the
    /// page it leads to afterwards.
    pub async fn sign_out_url(&self, back: &Url) -> Option<Url> {
        let mut url = self.inner.keys.published().await.ok()?.end_session_endpoint.clone()?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.client_id())
            .append_pair("post_logout_redirect_uri", back.as_str());
        Some(url)
    }

    fn attempts(&self) -> Attempts {
        Attempts::new(&self.settings().client_secret)
    }

    fn client_id(&self) -> String {
        self.settings().client_id.hyphenated().to_string()
    }
}
