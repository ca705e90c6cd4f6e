//! A running server: HTTP answers first, then the engine starts behind it.

use crate::{
    client::client,
    http_server::{self, Limits},
    logging,
    platform::{Platform, pool_options},
    process,
    running::RunningServer,
    sealing::Sealing,
};
use anyhow::{Context, Result, anyhow};
use msp_api::{ApiOptions, ApiState, EngineSlot, Scraping};
use msp_auth::Gate;
use msp_domain::UserId;
use msp_engine::{Engine, EngineOptions, keep_running};
use msp_metrics::{ConstGauge, Family, Registry};
use msp_notifications::Notifications;
use msp_storage::{Repositories, repositories::Actor};
use msp_storage_local::EngineLock;
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use url::Url;

/// How long running executions may take to end when the server is stopped.
const DRAIN: Duration = Duration::from_secs(30);
/// How long connections may take to end once nothing runs any more: a slow reader must not keep the server alive.
const HANG_UP: Duration = Duration::from_secs(3);

/// Where to listen.
pub struct Listen {
    /// The address; port 0 takes a free one.
    pub address: SocketAddr,
    /// Whether the command line may find this server through the data folder.
    pub announce: bool,
}

/// How far the engine's start is.
#[derive(Clone)]
enum EngineStart {
    Starting,
    Running(Engine),
    Failed(String),
}

/// A running server.
pub struct Serving {
    platform: Arc<Platform>,
    api: Arc<ApiState>,
    url: String,
    announced: Option<RunningServer>,
    stop: CancellationToken,
    http: Option<JoinHandle<()>>,
    engine: watch::Receiver<EngineStart>,
    sealing: Sealing,
    _lock: EngineLock,
}

impl Serving {
    /// Listens, answers, and starts the engine in the background. The lock proves that no other engine works in the
    /// data folder; it is held until the server has stopped.
    pub async fn start(platform: Platform, lock: EngineLock, listen: Listen) -> Result<Self> {
        let platform = Arc::new(platform);
        let listener = TcpListener::bind(listen.address).await.map_err(|cause| match cause.kind() {
            io::ErrorKind::AddrInUse => anyhow!(
                "{} is in use by another program; stop it, or choose another address with --listen",
                listen.address
            ),
            _ => anyhow!("{} cannot be listened on: {cause}", listen.address),
        })?;
        let address = listener.local_addr()?;
        let url = format!("http://{}", reachable(address));
        let slot = EngineSlot::starting();
        let base = platform.settings.public_url.clone().map_or_else(|| Url::parse(&url), Ok)?;
        let (repositories, mail) = (platform.repositories.clone(), platform.settings.mail.as_ref());
        let notifications = Notifications::new(repositories, Arc::clone(&platform.clock), base.as_str(), mail)?;
        let api = Arc::new(api_state(&platform, address, base, slot.clone(), notifications.clone()));
        let stop = CancellationToken::new();
        let router = msp_api::router(Arc::clone(&api));
        let http = Some(tokio::spawn(http_server::serve(listener, router, Limits::default(), stop.clone())));
        let announced = listen.announce.then(|| RunningServer { url: url.clone(), pid: std::process::id() });
        if let Some(server) = &announced {
            server.announce(&platform.data).context("the server's address cannot be written to the data folder")?;
        }
        let engine = start_engine(Arc::clone(&platform), slot);
        tokio::spawn(ready_search(platform.repositories.clone()));
        api.resume_deletions().await.context("the organizations that are being deleted cannot be read")?;
        let stopping = stop.clone();
        keep_running("notifications", move || notifications.clone().run(stopping.clone()));
        api.start_exports();
        let seals = platform.repositories.seals.clone();
        let sealing = Sealing::start(seals, Arc::clone(&platform.clock), platform.settings.audit_days);
        Ok(Self { platform, api, url, announced, stop, http, engine, sealing, _lock: lock })
    }

    /// Where it answers on this machine.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The installation it serves.
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// Waits for the engine, and answers it or why it does not run.
    pub async fn engine(&self) -> Result<Engine> {
        let mut engine = self.engine.clone();
        let start = engine
            .wait_for(|start| !matches!(start, EngineStart::Starting))
            .await
            .context("the engine's start was abandoned")?;
        match &*start {
            EngineStart::Running(engine) => Ok(engine.clone()),
            EngineStart::Failed(reason) => Err(anyhow!(reason.clone())),
            EngineStart::Starting => Err(anyhow!("the engine is still starting")),
        }
    }

    /// Resolves if HTTP ends without having been stopped.
    pub async fn failed(&mut self) -> Result<()> {
        let Some(http) = &mut self.http else { return Ok(()) };
        let ended = http.await;
        self.http = None;
        ended.context("the HTTP server crashed")
    }

    /// Takes no new work, lets running executions end, and hangs up. `hurry` cuts the waiting short. Until nothing runs any
    /// more requests are answered, so that callers get their results, and `/readyz` says that others should go elsewhere.
    pub async fn stop(self, hurry: impl Future<Output = ()>) -> Result<()> {
        if let Some(server) = &self.announced {
            server.withdraw(&self.platform.data);
        }
        let running = match &*self.engine.borrow() {
            EngineStart::Running(engine) => Some(engine.clone()),
            EngineStart::Starting | EngineStart::Failed(_) => None,
        };
        if let Some(engine) = running {
            tokio::select! {
                () = engine.shutdown(DRAIN) => {}
                () = hurry => engine.shutdown(Duration::ZERO).await,
            }
        }
        self.api.close_streams();
        self.stop.cancel();
        if let Some(http) = self.http
            && let Ok(ended) = timeout(HANG_UP, http).await
        {
            ended.context("the HTTP server crashed")?;
        }
        self.api.flush_denials().await;
        self.sealing.stop().await;
        Ok(())
    }
}

/// Reads every form into the index of the search, so that the first one to search does not wait for it. Whatever fails is
/// read when it is searched.
async fn ready_search(repositories: Repositories) {
    let read = async {
        let scopes: Vec<_> = repositories.seals.scopes().await?.into_iter().collect();
        repositories.forms.index(&scopes).await
    };
    if let Err(error) = read.await {
        tracing::warn!(%error, "The forms could not be read for the search");
    }
}

fn api_state(
    platform: &Platform,
    address: SocketAddr,
    base_url: Url,
    engine: EngineSlot,
    notifications: Notifications,
) -> ApiState {
    let port = address.port();
    let local = ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}"));
    let mut allowed_hosts = Vec::from(local);
    allowed_hosts.push(address.to_string());
    allowed_hosts.extend(platform.settings.allowed_hosts.iter().cloned());
    let options = ApiOptions {
        allowed_hosts,
        public_url: platform.settings.public_url.clone(),
        base_url,
        cookie_name: format!("msp_session_{port}"),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        requests_per_minute: platform.settings.requests_per_minute,
    };
    let repositories = platform.repositories.clone();
    let gate = Gate::new(repositories.clone());
    let (authenticator, clock) = (platform.authenticator.clone(), Arc::clone(&platform.clock));
    ApiState::new(repositories, authenticator, gate, engine, notifications.clone(), options, clock)
        .with_scraping(scraping(platform, notifications))
        .with_client(client())
}

/// Figures that neither the API nor the engine knows.
fn scraping(platform: &Platform, notifications: Notifications) -> Scraping {
    let store = platform.store_metrics.clone();
    let started = SystemTime::now();
    Scraping {
        token: platform.settings.metrics_token.clone(),
        sources: vec![
            Box::new(move |registry: &mut Registry| store.register(registry)),
            Box::new(move |registry| notifications.register(registry)),
            Box::new(|registry| {
                let help = "Lines of the server's log that could not be written";
                registry.register("log_lines_dropped", help, logging::dropped());
                let version = (vec![("version", env!("CARGO_PKG_VERSION").to_owned())], ConstGauge::new(1.0));
                registry.register("build_info", "The version that runs", Family::new([version]));
            }),
        ],
        unprefixed: vec![Box::new(move |registry| process::register(registry, started))],
    }
}

/// Starts the engine beside HTTP; the API answers "not ready" until then.
fn start_engine(platform: Arc<Platform>, slot: EngineSlot) -> watch::Receiver<EngineStart> {
    let (sender, receiver) = watch::channel(EngineStart::Starting);
    tokio::spawn(async move {
        let start = match open_engine(&platform).await {
            Ok(engine) => {
                slot.fill(engine.clone());
                EngineStart::Running(engine)
            }
            Err(error) => EngineStart::Failed(format!("{error:#}")),
        };
        // Nobody listens any more once the server has stopped.
        let _ = sender.send(start);
    });
    receiver
}

async fn open_engine(platform: &Platform) -> Result<Engine> {
    let pool = pool_options(&platform.settings, platform.workspace.clone(), platform.data.join("engine"))?;
    let engine = Engine::start(EngineOptions {
        pool,
        repositories: platform.repositories.clone(),
        integrations: platform.integrations.clone(),
        clock: Arc::clone(&platform.clock),
        idempotency_key: platform.idempotency_key().await?,
    });
    Ok(engine.await?)
}

/// The address under which this machine reaches a listener: one that listens everywhere is reached over loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// A one-time sign-in link for a user. The token is in the fragment, which browsers never send anywhere by themselves.
pub async fn sign_in_link(platform: &Platform, user: UserId, base: &str) -> Result<String> {
    let token = platform.repositories.sign_in_links.issue(user, &Actor::PLATFORM).await?;
    Ok(format!("{}/sign-in#{}", base.trim_end_matches('/'), token.reveal()))
}

/// Resolves at the first interrupt or termination signal from now on.
pub fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt()).context("signals cannot be handled")?;
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be handled")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
