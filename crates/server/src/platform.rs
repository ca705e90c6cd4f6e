//! An open installation: the stores of the data folder and what every command builds on them.

use crate::{cli::Places, clock::clock, failure::UsageError, settings::Settings};
use anyhow::{Context, Result, anyhow};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use msp_auth::{Authenticator, Entra, Tokens, entra::ADMINISTRATOR_ROLE};
use msp_domain::{Clock, OrgId, Scope, workflow::nearest};
use msp_engine::workers::{PoolOptions, RUNS_PER_WORKER};
use msp_integrations::Integrations;
use msp_storage::{
    Repositories, SecretAddress, SecretNamespace, SecretValue,
    repositories::{Actor, organizations::Organization, users::User},
};
use msp_storage_local::{LocalHome, LocalOptions, MasterKey, StoreMetrics};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The account a new installation begins with. It has no password: its way in is the one-time link.
const FIRST_ADMINISTRATOR: (&str, &str) = ("admin@localhost", "Administrator");

/// What the key of bearer tokens is derived from the master key for.
const TOKEN_KEY_PURPOSE: &str = "bearer-tokens";
/// The same where people sign in with Entra ID: only the command line makes tokens then (docs/adr/0009), and those that
/// `msp token` made before are void.
const COMMAND_LINE_KEY_PURPOSE: &str = "command-line-tokens";
/// What the key of idempotency hashes is derived from the master key for, the first time.
const IDEMPOTENCY_KEY_PURPOSE: &str = "idempotency/hmac-sha256/v1";
/// Where it is kept from then on, among the platform's own secrets.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Workers kept ready for an organization's first call: one in use while the next is being started.
const SPARE_WORKERS: usize = 2;

/// Whether a command may make an installation where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// It may.
    Create,
    /// It says that there is none.
    Refuse,
}

/// An open installation.
pub struct Platform {
    /// The data folder, absolute.
    pub data: PathBuf,
    /// The authors' workspace, absolute; it need not exist for commands that load none.
    pub workspace: PathBuf,
    /// The settings.
    pub settings: Settings,
    /// Everything stored.
    pub repositories: Repositories,
    /// Mints and verifies bearer tokens.
    pub tokens: Tokens,
    /// Turns credentials into callers.
    pub authenticator: Authenticator,
    /// The broker of integrations.
    pub integrations: Integrations,
    /// What the store counts.
    pub store_metrics: StoreMetrics,
    /// The time.
    pub clock: Arc<dyn Clock>,
    master_key: MasterKey,
}

impl Platform {
    /// The file of the master key.
    pub fn master_key_file(&self) -> PathBuf {
        self.settings.master_key_file.clone().unwrap_or_else(|| self.data.join("master.key"))
    }

    /// Opens the data folder.
    pub async fn open(places: &Places, settings: Settings, missing: Missing) -> Result<Self> {
        let clock = clock();
        let data = std::path::absolute(&places.data).context("the data folder cannot be named")?;
        let home = LocalHome::open(LocalOptions {
            data: data.clone(),
            master_key_file: settings.master_key_file.clone(),
            create: missing == Missing::Create,
            clock: Arc::clone(&clock),
        })
        .await?;
        let tenant_id = settings.entra.as_ref().map(|entra| entra.tenant_id);
        let repositories = Repositories::of_tenant(home.stores, Arc::clone(&clock), tenant_id);
        let token_key_purpose = if tenant_id.is_some() { COMMAND_LINE_KEY_PURPOSE } else { TOKEN_KEY_PURPOSE };
        let directory_id = repositories.installation.directory_id().await?;
        // Nothing made from here on stands before what exports have passed, whatever the clock says.
        repositories.exports.all().await?;
        let tokens = Tokens::new(home.master_key.derive(token_key_purpose), directory_id);
        let mut authenticator =
            Authenticator::new(repositories.clone(), tokens.clone(), directory_id, Arc::clone(&clock));
        if let Some(entra) = settings.entra.clone() {
            authenticator = authenticator.with_entra(Entra::new(entra, Arc::clone(&clock))?);
        }
        Ok(Self {
            data,
            workspace: std::path::absolute(&places.workspace).context("the workspace cannot be named")?,
            integrations: Integrations::new(repositories.clone()),
            settings,
            repositories,
            tokens,
            authenticator,
            clock,
            master_key: home.master_key,
            store_metrics: home.metrics,
        })
    }

    /// Keys the hashes of idempotency keys. Derived once and kept among the secrets, because a request that is sent again
    /// must be recognised although the master key was changed. For whoever holds the engine lock.
    pub async fn idempotency_key(&self) -> Result<[u8; 32]> {
        let address = SecretAddress::new(SecretNamespace::Platform, Scope::Global, IDEMPOTENCY_KEY);
        let secrets = &self.repositories.stores.secrets;
        if let Some(kept) = secrets.get(&address).await? {
            let bytes = BASE64_STANDARD.decode(kept.reveal()).ok();
            return bytes
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or_else(|| anyhow!("the stored key of idempotency hashes is not readable"));
        }
        let key = self.master_key.derive(IDEMPOTENCY_KEY_PURPOSE);
        secrets.set(&address, &SecretValue::new(BASE64_STANDARD.encode(key))).await?;
        Ok(key)
    }

    /// Makes the first administrator if there is none. An account that is not readable may be one: nobody gets in by damage.
    /// Entra ID says itself who is one.
    pub async fn ensure_administrator(&self) -> Result<()> {
        if self.settings.entra.is_none() && !self.repositories.users.may_have_administrator().await? {
            let (email, name) = FIRST_ADMINISTRATOR;
            self.repositories
                .users
                .create(email, name, true, &Actor::PLATFORM)
                .await
                .context("the first administrator could not be made")?;
        }
        Ok(())
    }

    /// The active user with this address, or the first administrator.
    pub async fn user_or_administrator(&self, email: Option<&str>) -> Result<User> {
        let users = &self.repositories.users;
        let Some(email) = email else {
            return users.administrators().await?.into_iter().next().ok_or_else(|| match self.settings.entra {
                Some(_) => anyhow!("nobody with the app role {ADMINISTRATOR_ROLE} has signed in with Entra ID yet"),
                None => anyhow!("there is no administrator yet; the first start of `msp serve` makes one"),
            });
        };
        match users.find_by_email(email).await? {
            Some(user) if user.is_active => Ok(user),
            Some(_) => Err(UsageError(format!("the user {email} is inactive")).into()),
            None => Err(UsageError(format!("there is no user {email}; `msp user list` shows who there is")).into()),
        }
    }

    /// Refuses a command that is about local accounts where people sign in with Entra ID.
    pub fn only_with_local_accounts(&self, command: &str, instead: &str) -> Result<()> {
        if self.settings.entra.is_none() {
            return Ok(());
        }
        Err(UsageError(format!("`{command}` is for local accounts, and people sign in with Entra ID here: {instead}"))
            .into())
    }

    /// The active service account with this name.
    pub async fn service_account(&self, name: &str) -> Result<User> {
        match self.repositories.users.find_service(name).await? {
            Some(account) if account.is_active => Ok(account),
            Some(_) => Err(UsageError(format!("the service account {name} is inactive")).into()),
            None => Err(UsageError(format!("there is no service account {name}")).into()),
        }
    }

    /// The organization with this id or exactly this name.
    pub async fn organization(&self, id_or_name: &str) -> Result<Organization> {
        let organizations = &self.repositories.organizations;
        let found = match id_or_name.parse::<OrgId>() {
            Ok(id) => organizations.get(id).await?,
            Err(_) => organizations.all().await?.into_iter().find(|known| known.name == id_or_name),
        };
        if let Some(found) = found {
            return Ok(found);
        }
        let all = organizations.all().await?;
        let advice = match nearest(id_or_name, all.iter().map(|known| known.name.as_str())) {
            Some(name) => format!("did you mean `{name}`?"),
            None => "name it by its id or its exact name".to_owned(),
        };
        Err(UsageError(format!("there is no organization `{id_or_name}`; {advice}")).into())
    }
}

/// The workspace as an absolute path, if it is there.
pub fn workspace(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path)
        .map_err(|cause| UsageError(format!("the workspace {} cannot be read: {cause}", path.display())).into())
}

/// How workers are started.
pub fn pool_options(settings: &Settings, workspace: PathBuf, engine_dir: PathBuf) -> Result<PoolOptions> {
    Ok(PoolOptions {
        workspace,
        engine_dir,
        python: settings.python.clone(),
        launcher: std::env::current_exe().context("this program does not know where it is")?,
        max_workers: settings.workers_max,
        spares: SPARE_WORKERS,
        memory_limit_bytes: settings.worker_memory_mb << 20,
        runs_per_worker: RUNS_PER_WORKER,
        install_requirements: true,
    })
}
