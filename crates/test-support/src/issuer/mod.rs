//! An issuer that plays the Entra ID of one tenant, over HTTP on this machine: what it publishes, tokens of every kind, and
//! the sign-in of browsers.

mod authorize;
mod key;
mod publish;
mod tokens;

pub use tokens::{Person, Program};

use authorize::Codes;
use axum::Router;
use key::SigningKey;
use msp_auth::EntraSettings;
use msp_domain::Clock;
use msp_storage::SecretValue;
use serde_json::Value;
use std::{
    net::TcpListener,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};
use url::Url;
use uuid::Uuid;

/// Its only application's secret.
const CLIENT_SECRET: &str = "the-secret-of-the-test-application";

/// A running issuer. It ends with the process of the test.
#[derive(Clone)]
pub struct TestIssuer {
    shared: Arc<Shared>,
}

struct Shared {
    tenant_id: Uuid,
    client_id: Uuid,
    authority: String,
    clock: Arc<dyn Clock>,
    /// The last one signs; all are published.
    keys: Mutex<Vec<Arc<SigningKey>>>,
    asked: AtomicUsize,
    is_down: AtomicBool,
    codes: Codes,
}

impl TestIssuer {
    /// Listens on a free port, with a thread of its own: for tests that block as well as for those that do not.
    ///
    /// # Panics
    /// When it cannot listen.
    pub fn start(clock: Arc<dyn Clock>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a socket of the runtime");
        let authority = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared {
            tenant_id: Uuid::new_v4(),
            client_id: Uuid::new_v4(),
            authority,
            clock,
            keys: Mutex::new(vec![Arc::new(SigningKey::generate())]),
            asked: AtomicUsize::new(0),
            is_down: AtomicBool::new(false),
            codes: Codes::default(),
        });
        let router = Router::new().merge(publish::routes()).merge(authorize::routes()).with_state(Arc::clone(&shared));
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                axum::serve(listener, router).await.expect("it serves for ever");
            });
        });
        Self { shared }
    }

    /// Where it listens, such as `http://127.0.0.1:40123`: the value of `MSP_ENTRA_AUTHORITY`.
    pub fn authority(&self) -> &str {
        &self.shared.authority
    }

    /// Its only tenant.
    pub fn tenant_id(&self) -> Uuid {
        self.shared.tenant_id
    }

    /// Its only application.
    pub fn client_id(&self) -> Uuid {
        self.shared.client_id
    }

    /// That application's secret.
    pub fn client_secret(&self) -> &'static str {
        CLIENT_SECRET
    }

    /// What a platform is set to that signs people in through it.
    pub fn settings(&self) -> EntraSettings {
        EntraSettings {
            tenant_id: self.shared.tenant_id,
            client_id: self.shared.client_id,
            client_secret: SecretValue::new(CLIENT_SECRET),
            authority: Url::parse(&self.shared.authority).expect("an address"),
        }
    }

    /// Signs with a new key from now on; the one before stays published.
    pub fn rotate(&self) {
        self.shared.keys().push(Arc::new(SigningKey::generate()));
    }

    /// Publishes nothing but the key it signs with.
    pub fn withdraw_older_keys(&self) {
        let mut keys = self.shared.keys();
        let older = keys.len() - 1;
        keys.drain(..older);
    }

    /// Answers nothing but failures, or again as before.
    pub fn set_down(&self, is_down: bool) {
        self.shared.is_down.store(is_down, Ordering::SeqCst);
    }

    /// How often its keys were asked for.
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// Who browsers are signed in as from now on, without being asked; `None`: nobody, they come back refused.
    pub fn sign_in_as(&self, person: Option<Person>) {
        self.shared.codes.sign_in_as(person);
    }

    /// Writes this claim into every id token of browsers from now on, whatever is true.
    pub fn alter_id_tokens(&self, claim: &str, value: Value) {
        self.shared.codes.alter_id_tokens(claim, value);
    }

    /// Refuses the application from now on, as when its secret has ended.
    pub fn expire_client_secret(&self) {
        self.shared.codes.expire_client_secret();
    }

    /// Registers an address that browsers may be sent back to.
    pub fn allow_redirect(&self, address: &str) {
        self.shared.codes.allow_redirect(address);
    }
}

impl Shared {
    fn keys(&self) -> MutexGuard<'_, Vec<Arc<SigningKey>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signing_key(&self) -> Arc<SigningKey> {
        Arc::clone(self.keys().last().expect("there is always one"))
    }

    fn issuer(&self) -> String {
        format!("{}/{}/v2.0", self.authority, self.tenant_id)
    }
}
