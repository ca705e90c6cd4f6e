//! The platform under measurement: a data folder with organizations and a user, and `msp serve` on it.

use crate::{
    children::{Background, command, finish, is_ready},
    http::request,
    load::Target,
    options::Options,
};
use anyhow::{Context, Error, Result, ensure};
use chrono::{DateTime, Utc};
use msp_domain::{AppRole, AppRoles, Clock, ConfigEntry, ConfigType, OrgId, Permissions, Scope, SystemClock, UserId};
use msp_storage::{
    Repositories,
    repositories::{Actor, organizations::NewOrganization, users::NewUser},
};
use msp_storage_local::{LocalHome, LocalOptions};
use serde_json::{Value, json};
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::TempDir;

/// The caller: no administrator, so that every request passes the gate the way a technician's does.
const USER: &str = "bench@localhost";
/// Who looks at everything.
const ADMINISTRATOR: &str = "administrator@localhost";
/// Config values of each organization, as in the prototype the bars were derived from.
const CONFIG_VALUES: usize = 10;

/// An installation in a folder of its own, removed at the end.
pub struct Installation {
    folder: TempDir,
    msp: PathBuf,
    python: PathBuf,
    workspace: PathBuf,
    /// Its organizations.
    pub organizations: Vec<OrgId>,
    /// The caller.
    pub user: UserId,
}

impl Installation {
    /// With this many organizations, in all of which the caller may execute and read history.
    pub async fn make(options: &Options, organizations: usize) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("msp-").tempdir_in(&options.folder)?;
        let data = folder.path().join("data");
        let repositories = open(&data, Arc::new(SystemClock)).await?;
        let actor = &Actor::PLATFORM;
        let user = repositories.users.create(USER, "Bench", false, actor).await?.id;
        let may = Permissions { execute_workflows: true, view_history: true, ..Permissions::NONE };
        let mut ids = Vec::with_capacity(organizations);
        for number in 0..organizations {
            let id = repositories
                .organizations
                .create(NewOrganization::named(format!("Organization {number:03}")), actor)
                .await?
                .id;
            for index in 0..CONFIG_VALUES {
                let entry = ConfigEntry {
                    key: format!("setting_{index}"),
                    config_type: ConfigType::String,
                    value: json!(format!("value {index}")),
                    description: None,
                };
                repositories.config.set(Scope::Org(id), &entry, None, actor).await?;
            }
            repositories.grants.set(user, id, may, actor).await?;
            ids.push(id);
        }
        Ok(Self {
            folder,
            msp: options.msp.clone(),
            python: options.python.clone(),
            workspace: options.sources.join("workspace"),
            organizations: ids,
            user,
        })
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its repositories, at a moment of the caller's choice. Not while a server runs that is being measured.
    pub async fn repositories(&self, now: DateTime<Utc>) -> Result<Repositories> {
        open(&self.data(), Arc::new(At(now))).await
    }

    /// `msp` on this installation.
    pub fn msp(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut command = command(&self.msp);
        command.args(arguments).arg("--data").arg(self.data()).arg("--workspace").arg(&self.workspace);
        // One token stands for many callers here; the limit is looked at all the same.
        command.env("MSP_PYTHON", &self.python).env("MSP_REQUESTS_PER_MINUTE", u32::MAX.to_string());
        command
    }

    /// Adds an administrator, and as many people and service accounts as there are organizations: each may run workflows in
    /// the first one. Answers the administrator.
    pub async fn people(&self) -> Result<UserId> {
        let Repositories { users, grants, .. } = self.repositories(Utc::now()).await?;
        let administrator = users.create(ADMINISTRATOR, "Administrator", true, &Actor::PLATFORM).await?;
        let roles = AppRoles::new([AppRole::WorkflowsExecute]).map_err(Error::msg)?;
        let permissions = Permissions { execute_workflows: true, ..Permissions::NONE };
        for number in 0..self.organizations.len() {
            let (email, name) = (format!("user{number:03}@localhost"), format!("User {number:03}"));
            let service = NewUser::service(&format!("Service {number:03}"), roles.clone());
            for account in [NewUser::person(&email, &name, false), service] {
                let account = users.add(account, &Actor::PLATFORM).await?.id;
                grants.set(account, self.organizations[0], permissions, &Actor::PLATFORM).await?;
            }
        }
        Ok(administrator.id)
    }

    /// Starts the server for the administrator of [`Self::people`].
    pub async fn serve_administrator(&self) -> Result<Server> {
        let token = finish(&mut self.msp(&["token", "--user", ADMINISTRATOR])).await?;
        Ok(Server { token, ..self.serve(None).await? })
    }

    /// A bearer token of the caller.
    pub async fn token(&self) -> Result<String> {
        finish(&mut self.msp(&["token", "--user", USER])).await
    }

    /// Starts the server and waits until it takes runs. Without a number of workers it chooses its own.
    pub async fn serve(&self, workers: Option<usize>) -> Result<Server> {
        let mut serve = self.msp(&["serve", "--listen", "127.0.0.1:0", "--no-sign-in-link"]);
        if let Some(workers) = workers {
            serve.env("MSP_WORKERS_MAX", workers.to_string());
        }
        let mut background = Background::start(&mut serve, self.folder.path().join("serve.log"))?;
        let (id, file) = (background.id()?, self.data().join("server.json"));
        let address = background.until("the start of the server", async || address_in(&file, id)).await?;
        background.until("the engine's start", async || is_ready(address).await.then_some(())).await?;
        Ok(Server { background, address, token: self.token().await? })
    }
}

async fn open(data: &Path, clock: Arc<dyn Clock>) -> Result<Repositories> {
    let options =
        LocalOptions { data: data.to_owned(), master_key_file: None, create: true, clock: Arc::clone(&clock) };
    Ok(Repositories::new(LocalHome::open(options).await?.stores, clock))
}

/// A clock that stands.
struct At(DateTime<Utc>);

impl Clock for At {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

fn address_in(file: &Path, id: u32) -> Option<SocketAddr> {
    let content: Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    (content["pid"] == id).then(|| content["url"].as_str()?.strip_prefix("http://")?.parse().ok())?
}

/// A running server.
pub struct Server {
    background: Background,
    address: SocketAddr,
    token: String,
}

impl Server {
    /// Its process id.
    pub fn id(&self) -> Result<u32> {
        self.background.id()
    }

    /// The measured workflow, for these organizations in turn.
    pub fn executions(&self, organizations: &[OrgId]) -> Target {
        self.target(organizations.iter().map(|org| execution(self.address, &self.token, *org)).collect())
    }

    /// A workflow of one organization with this input, waited for.
    pub fn runs(&self, org: OrgId, workflow: &str, input: &Value) -> Target {
        self.target(vec![run(self.address, &self.token, org, workflow, &[], &input.to_string())])
    }

    /// The same, queued.
    pub fn queued(&self, org: OrgId, workflow: &str, input: &Value) -> Target {
        let prefer = [("prefer", "respond-async")];
        self.target(vec![run(self.address, &self.token, org, workflow, &prefer, &input.to_string())]).answered(202)
    }

    /// The measured option generator, for these organizations in turn.
    pub fn options(&self, organizations: &[OrgId]) -> Target {
        self.gets(organizations.iter().map(|org| (Some(*org), "/options/bench_options".to_owned())))
    }

    /// These paths in turn, each for its organization, or for all the caller may see.
    pub fn gets(&self, paths: impl Iterator<Item = (Option<OrgId>, String)>) -> Target {
        let authorization = format!("Bearer {}", self.token);
        let get = |(org, path): (Option<OrgId>, String)| {
            let org = org.map(|org| org.key());
            let mut headers = vec![("authorization", authorization.as_str())];
            headers.extend(org.as_deref().map(|org| ("x-organization-id", org)));
            request(self.address, "GET", &path, &headers, "")
        };
        self.target(paths.map(get).collect())
    }

    fn target(&self, requests: Vec<Vec<u8>>) -> Target {
        Target::new("the platform", self.address, requests)
    }

    /// Runs the workflow once for each organization and sees that it ran for that one.
    pub async fn check(&self, organizations: &[OrgId]) -> Result<()> {
        let check = |number: usize, body: &[u8]| {
            let answer: Value = serde_json::from_slice(body)?;
            let expected = organizations[number].key();
            ensure!(answer["organization"] == expected.as_str(), "{answer} is no answer for organization {expected}");
            Ok(())
        };
        self.executions(organizations).each(check).await.with_context(|| {
            format!("the workflow does not run; the end of the server's log:\n{}\n", self.background.last_words())
        })
    }

    /// Ends it.
    pub async fn stop(self) -> Result<()> {
        self.background.stop().await
    }
}

/// The request that runs the measured workflow.
pub fn execution(address: SocketAddr, token: &str, org: OrgId) -> Vec<u8> {
    run(address, token, org, "bench_echo", &[], r#"{"text":"measured"}"#)
}

fn run(address: SocketAddr, token: &str, org: OrgId, workflow: &str, more: &[(&str, &str)], body: &str) -> Vec<u8> {
    let (authorization, org) = (format!("Bearer {token}"), org.key());
    let headers = [&[("authorization", &*authorization), ("x-organization-id", &*org)], more].concat();
    request(address, "POST", &format!("/workflows/{workflow}"), &headers, body)
}
