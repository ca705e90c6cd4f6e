//! What every handler shares.

use crate::{
    client::Client,
    exports::Exporter,
    http::{attempts::Attempts, denials::Denials, traffic::Traffic},
    management::{executions::stream_places::StreamPlaces, metrics::Scraping, organization_deletion::Turn},
};
use msp_auth::{Authenticator, Gate};
use msp_domain::{Clock, OrgId, Scope, UserId};
use msp_engine::Engine;
use msp_notifications::Notifications;
use msp_storage::Repositories;
use std::sync::{Arc, OnceLock};
use tokio_util::sync::CancellationToken;
use url::Url;

/// Failed sign-ins of one address within a minute. A link token has 256 bits, so this is about noise, not guessing.
const MAX_FAILED_SIGN_INS: u32 = 10;
/// Checks of one integration of one organization within a minute: each calls a service that counts our calls.
const MAX_CHECKS: u32 = 6;
/// Test messages by the rules of one organization, or of everybody, within a minute: people read them, and whoever may make
/// rules must not send mail to the world.
const MAX_MESSAGES: u32 = 6;

/// How this installation is reached and what it calls itself.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// What the `Host` header may say: `name` for any port, `name:port` for one. The host of `public_url` is allowed too.
    pub allowed_hosts: Vec<String>,
    /// The address browsers use, when it is not the one listened on. Decides whether cookies are `Secure`.
    pub public_url: Option<Url>,
    /// Where browsers find this server: `public_url`, else the address listened on.
    pub base_url: Url,
    /// The name of the session cookie. Carries the port: browsers share cookies between ports of one host.
    pub cookie_name: String,
    /// Shown by `/config.json`.
    pub version: String,
    /// Requests of one caller that are answered within a minute.
    pub requests_per_minute: u32,
}

/// A place for the engine, which loads its first bundle while HTTP already answers.
#[derive(Clone, Default)]
pub struct EngineSlot(Arc<OnceLock<Engine>>);

impl EngineSlot {
    /// A slot whose engine is still starting.
    pub fn starting() -> Self {
        Self::default()
    }

    /// A slot with a running engine.
    pub fn running(engine: Engine) -> Self {
        let slot = Self::default();
        slot.fill(engine);
        slot
    }

    /// Puts the engine in; from now on `/readyz` is 200. A slot is filled once: later engines are ignored.
    pub fn fill(&self, engine: Engine) {
        let _ = self.0.set(engine);
    }

    /// The engine, once it has started.
    pub fn get(&self) -> Option<&Engine> {
        self.0.get()
    }
}

/// What the API is made of.
pub struct ApiState {
    /// The store.
    pub repositories: Repositories,
    /// Credentials to callers.
    pub authenticator: Authenticator,
    /// Callers to access.
    pub gate: Gate,
    /// The engine, once it has started.
    pub engine: EngineSlot,
    /// Who tells people of failures.
    pub notifications: Notifications,
    /// How this installation is reached.
    pub options: ApiOptions,
    /// The time.
    pub clock: Arc<dyn Clock>,
    pub(crate) client: Client,
    /// Cancelled when event streams shall end.
    pub(crate) closing: CancellationToken,
    pub(crate) traffic: Traffic,
    pub(crate) scraping: Scraping,
    pub(crate) denials: Denials,
    /// Failed sign-ins by address.
    pub(crate) sign_ins: Attempts<String>,
    /// Checks of integrations, by organization and integration.
    pub(crate) checks: Attempts<(OrgId, String)>,
    /// Test messages, by whose rules they test.
    pub(crate) messages: Attempts<Scope>,
    /// Requests by caller.
    pub(crate) requests: Attempts<UserId>,
    pub(crate) streams: StreamPlaces,
    pub(crate) deletions: Turn,
    pub(crate) exporter: Exporter,
}

impl ApiState {
    /// The state of an API over these parts.
    pub fn new(
        repositories: Repositories,
        authenticator: Authenticator,
        gate: Gate,
        engine: EngineSlot,
        notifications: Notifications,
        options: ApiOptions,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let denials = Denials::new(repositories.audit.clone(), clock.clone());
        let sign_ins = Attempts::at_most(MAX_FAILED_SIGN_INS, clock.clone());
        let checks = Attempts::at_most(MAX_CHECKS, clock.clone());
        let messages = Attempts::at_most(MAX_MESSAGES, clock.clone());
        let requests = Attempts::at_most(options.requests_per_minute, clock.clone());
        let closing = CancellationToken::new();
        Self {
            repositories,
            authenticator,
            gate,
            engine,
            notifications,
            options,
            clock,
            client: Client::default(),
            closing,
            traffic: Traffic::default(),
            scraping: Scraping::default(),
            denials,
            sign_ins,
            checks,
            messages,
            requests,
            streams: StreamPlaces::default(),
            deletions: Turn::default(),
            exporter: Exporter::default(),
        }
    }

    /// The same with further figures at `/metrics`, and with a token that opens it.
    #[must_use]
    pub fn with_scraping(self, scraping: Scraping) -> Self {
        Self { scraping, ..self }
    }

    /// The same with this client for browsers, instead of the page that says how to build one.
    #[must_use]
    pub fn with_client(self, client: Client) -> Self {
        Self { client, ..self }
    }

    /// Ends the event streams, each with what is on record by now; call it when nothing runs any more.
    pub fn close_streams(&self) {
        self.closing.cancel();
    }

    /// Writes the anonymous denials counted so far to the audit trail; call it at shutdown.
    pub async fn flush_denials(&self) {
        self.denials.flush().await;
    }
}

/// The shared state as handlers receive it.
pub type Api = Arc<ApiState>;
