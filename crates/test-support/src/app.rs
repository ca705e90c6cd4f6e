//! A whole installation in a temporary folder.

use crate::{FakeClock, Person, TestCaller, TestIssuer};
use axum::Router;
use chrono::DateTime;
use msp_api::{ApiOptions, ApiState, Client, ClientFile, EngineSlot};
use msp_auth::{Authenticator, Entra, EntraSettings, Gate, Tokens};
use msp_domain::{Clock, OrgId, Permission, Permissions, Scope, TokenScopes, UserId};
use msp_engine::{
    Engine, EngineOptions,
    workers::{PoolOptions, RUNS_PER_WORKER},
};
use msp_integrations::Integrations;
use msp_notifications::Notifications;
use msp_storage::{
    Repositories, TableStore,
    repositories::{
        Actor,
        audit::AuditRow,
        organizations::{NewOrganization, Organization},
    },
};
use msp_storage_local::{LocalHome, LocalOptions};
use std::{fs, path::Path, sync::Arc};
use tempfile::TempDir;

/// What requests name as host unless a test says otherwise.
pub const HOST: &str = "127.0.0.1:7071";
/// The name of the session cookie.
pub const COOKIE_NAME: &str = "msp_session_7071";

/// An installation with one administrator.
pub struct TestApp {
    /// The store.
    pub repositories: Repositories,
    /// The time, for the test to turn.
    pub clock: Arc<FakeClock>,
    /// The state behind the router.
    pub api: Arc<ApiState>,
    engine: EngineSlot,
    tokens: Tokens,
    router: Router,
    administrator: UserId,
    // Last: the folder goes when everything that uses it is gone.
    folder: TempDir,
}

impl TestApp {
    /// An installation whose engine never starts.
    pub async fn new() -> Self {
        Self::with_client(&[]).await
    }

    /// The same, serving these files to browsers.
    pub async fn with_client(files: &[ClientFile]) -> Self {
        Self::assemble(Client::new(files), |tables| tables, clock(), None).await
    }

    /// An installation whose people sign in with Entra ID, played by this issuer, and that had a local administrator before.
    pub async fn with_entra() -> (Self, TestIssuer) {
        let clock = clock();
        let issuer = TestIssuer::start(clock.clone());
        let settings = issuer.settings();
        (Self::assemble(Client::default(), |tables| tables, clock, Some(settings)).await, issuer)
    }

    /// An installation with a running engine over a workspace of these files. `launcher` is a binary that answers
    /// `__worker`: Cargo names one of the test's own package in `CARGO_BIN_EXE_...`.
    pub async fn with_engine(launcher: &str, files: &[(&str, &str)]) -> Self {
        Self::with_engine_on(|tables| tables, launcher, files).await
    }

    /// The same on tables that are passed through `disturb`.
    pub async fn with_engine_on(
        disturb: impl FnOnce(Arc<dyn TableStore>) -> Arc<dyn TableStore>,
        launcher: &str,
        files: &[(&str, &str)],
    ) -> Self {
        let app = Self::assemble(Client::default(), disturb, clock(), None).await;
        app.start_engine(launcher, files).await;
        app
    }

    /// Starts the engine of an installation that has been without one, over a workspace of these files.
    pub async fn start_engine(&self, launcher: &str, files: &[(&str, &str)]) {
        let workspace = self.folder.path().join("workspace");
        for (path, text) in files {
            let path = workspace.join(path);
            fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("the workspace is writable");
            fs::write(path, text).expect("the workspace is writable");
        }
        let options = EngineOptions {
            pool: PoolOptions {
                workspace,
                engine_dir: self.folder.path().join("data/engine"),
                python: None,
                launcher: Path::new(launcher).to_owned(),
                max_workers: 4,
                spares: 1,
                memory_limit_bytes: 1 << 30,
                runs_per_worker: RUNS_PER_WORKER,
                install_requirements: false,
            },
            repositories: self.repositories.clone(),
            integrations: Integrations::new(self.repositories.clone()),
            clock: self.clock.clone(),
            idempotency_key: [7; 32],
        };
        self.engine.fill(Engine::start(options).await.expect("the engine starts"));
    }

    async fn assemble(
        client: Client,
        disturb: impl FnOnce(Arc<dyn TableStore>) -> Arc<dyn TableStore>,
        clock: Arc<FakeClock>,
        entra: Option<EntraSettings>,
    ) -> Self {
        let (engine, folder) = (EngineSlot::starting(), tempfile::tempdir().expect("a temporary folder"));
        let shared: Arc<dyn Clock> = clock.clone();
        let mut home = LocalHome::open(LocalOptions {
            data: folder.path().join("data"),
            master_key_file: None,
            create: true,
            clock: shared.clone(),
        })
        .await
        .expect("the data folder opens");
        home.stores.tables = disturb(home.stores.tables);
        let tenant_id = entra.as_ref().map(|entra| entra.tenant_id);
        let repositories = Repositories::of_tenant(home.stores, shared.clone(), tenant_id);
        let administrator = repositories.users.create("admin@msp.example", "Administrator", true, &Actor::PLATFORM);
        let administrator = administrator.await.expect("the administrator is created").id;
        let directory_id = repositories.installation.directory_id().await.expect("the installation has a directory");
        let tokens = Tokens::new(home.master_key.derive("test tokens"), directory_id);
        let mut authenticator = Authenticator::new(repositories.clone(), tokens.clone(), directory_id, shared.clone());
        if let Some(settings) = entra {
            authenticator = authenticator.with_entra(Entra::new(settings, shared.clone()).expect("an HTTP client"));
        }
        let options = ApiOptions {
            allowed_hosts: vec![HOST.to_owned()],
            public_url: None,
            base_url: format!("http://{HOST}").parse().expect("a URL"),
            cookie_name: COOKIE_NAME.to_owned(),
            version: "0.0.0-test".to_owned(),
            // Time stands still here: everything would be within one minute.
            requests_per_minute: u32::MAX,
        };
        let gate = Gate::new(repositories.clone());
        let notifications = Notifications::new(repositories.clone(), shared.clone(), &format!("http://{HOST}"), None);
        let notifications = notifications.expect("no mail server is set");
        let api =
            ApiState::new(repositories.clone(), authenticator, gate, engine.clone(), notifications, options, shared);
        let api = Arc::new(api.with_client(client));
        let router = msp_api::router(api.clone());
        Self { repositories, clock, api, engine, tokens, router, administrator, folder }
    }

    /// The administrator, with a token for everything.
    pub fn admin(&self) -> TestCaller {
        self.caller(self.administrator, TokenScopes::ALL)
    }

    /// Somebody without credentials.
    pub fn stranger(&self) -> TestCaller {
        TestCaller::stranger(self.router.clone())
    }

    /// An organization of this name.
    pub async fn org(&self, name: &str) -> Organization {
        self.repositories
            .organizations
            .create(NewOrganization::named(name), &Actor::PLATFORM)
            .await
            .expect("the organization is created")
    }

    /// A user without any rights, with a token for everything.
    pub async fn user(&self, email: &str) -> TestCaller {
        let user = self.repositories.users.create(email, email, false, &Actor::PLATFORM).await;
        self.caller(user.expect("the user is created").id, TokenScopes::ALL)
    }

    /// A new user who holds these permissions in one organization.
    pub async fn user_with(&self, org: &Organization, permissions: impl IntoIterator<Item = Permission>) -> TestCaller {
        let caller = self.user(&format!("{}@msp.example", UserId::random())).await;
        self.grant(&caller, org.id, permissions.into_iter().collect()).await;
        caller
    }

    /// Sets what a user may do in an organization.
    pub async fn grant(&self, caller: &TestCaller, org: OrgId, permissions: Permissions) {
        let grants = &self.repositories.grants;
        grants.set(caller.user(), org, permissions, &Actor::PLATFORM).await.expect("the grant is written");
    }

    /// The same user with a token for these scopes (`scp` claim).
    pub fn scoped(&self, caller: &TestCaller, scp: &str) -> TestCaller {
        self.caller(caller.user(), TokenScopes::parse(scp))
    }

    /// The same user with a token of this hour.
    pub fn renewed(&self, caller: &TestCaller) -> TestCaller {
        self.caller(caller.user(), TokenScopes::ALL)
    }

    /// The same user with a browser session instead of a token.
    pub async fn in_browser(&self, caller: &TestCaller) -> TestCaller {
        let session = self.repositories.sessions.begin(caller.user(), &Actor::PLATFORM).await;
        TestCaller::in_browser(
            self.router.clone(),
            caller.user(),
            session.expect("the session begins").reveal().to_owned(),
        )
    }

    /// Somebody who sends this token.
    pub fn bearer(&self, user: UserId, token: &str) -> TestCaller {
        TestCaller::with_token(self.router.clone(), user, token.to_owned())
    }

    /// Somebody of Entra ID with an access token for everything.
    pub fn entra_caller(&self, issuer: &TestIssuer, person: &Person) -> TestCaller {
        self.bearer(person.oid, &issuer.access_token(person))
    }

    /// The newest audit rows of a scope.
    pub async fn audit(&self, scope: Scope) -> Vec<AuditRow> {
        self.repositories.audit.list(scope, None, 200).await.expect("the audit trail is readable").items
    }

    fn caller(&self, user: UserId, scopes: TokenScopes) -> TestCaller {
        TestCaller::with_token(self.router.clone(), user, self.tokens.mint(user, scopes, self.clock.now()))
    }
}

fn clock() -> Arc<FakeClock> {
    Arc::new(FakeClock::at(DateTime::from_timestamp(1_790_000_000, 0).expect("an instant")))
}
