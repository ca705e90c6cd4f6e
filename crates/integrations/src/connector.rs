//! The only way out: one HTTP client per origin, whose every connection passes the address filter.

use crate::address_filter::is_public;
use msp_storage::repositories::addresses::AllowedAddresses;
use reqwest::{
    Client, Request, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{HeaderMap, RETRY_AFTER},
    redirect::Policy,
};
use std::{
    collections::HashMap,
    fmt,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use url::{Host, Url};

/// Longest wait for a connection, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest silence while an answer is read. Graph's slowest directory calls take tens of seconds.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest time for one attempt in all, so a service that drips cannot hold a run.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(100);
/// Largest answer read; a worker frame ends at 16 MiB and an answer is re-encoded into one.
pub(crate) const MAX_RESPONSE_BYTES: usize = 8 * 1024 * 1024;
/// Connections idle this long are closed, so an address taken off the list is soon out of use.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Origins whose clients are kept: Microsoft's two, and a HaloPSA or two per partner.
const MAX_ORIGINS: usize = 64;

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// Why nothing usable came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SendError {
    /// The address filter, or this machine: nothing was sent and nothing will be.
    Refused(String),
    /// No connection: nothing was sent.
    NotConnected,
    /// The request may have arrived; its answer did not.
    AnswerLost,
    /// The answer is over [`MAX_RESPONSE_BYTES`].
    TooLarge,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Origin {
    https: bool,
    host: String,
    port: u16,
}

/// An answer without its body.
fn heading(response: &Response) -> Answer {
    Answer { status: response.status().as_u16(), retry_after: header(response.headers()), body: Vec::new() }
}

/// Sends requests to filtered addresses.
pub(crate) struct Connector {
    allowed: AllowedAddresses,
    clients: Mutex<HashMap<Origin, Client>>,
}

impl Connector {
    pub(crate) fn new(allowed: AllowedAddresses) -> Self {
        Self { allowed, clients: Mutex::default() }
    }

    /// Sends one request, once, and reads its answer whole.
    pub(crate) async fn send(&self, request: Request) -> Result<Answer, SendError> {
        let mut response = self.begin(request).await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| SendError::AnswerLost)? {
            if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
                return Err(SendError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { body, ..heading(&response) })
    }

    /// Sends one request, once, and leaves what the answer says beside its status unread: the body is empty.
    pub(crate) async fn send_unread(&self, request: Request) -> Result<Answer, SendError> {
        Ok(heading(&self.begin(request).await?))
    }

    async fn begin(&self, request: Request) -> Result<Response, SendError> {
        let origin = origin_of(request.url()).ok_or_else(|| SendError::Refused("the address has no host".into()))?;
        let literal = match request.url().host() {
            Some(Host::Ipv4(ip)) => Some(ip.into()),
            Some(Host::Ipv6(ip)) => Some(ip.into()),
            Some(Host::Domain(_)) | None => None,
        };
        // The resolver is not asked about addresses written as numbers.
        if let Some(ip) = literal {
            let address = SocketAddr::new(ip, origin.port);
            let gate = Gate { allowed: self.allowed.clone(), https: origin.https, port: origin.port };
            gate.pass(&[address]).await.map_err(|refusal| SendError::Refused(refusal.to_string()))?;
        }
        let client = self.client(origin)?;
        client.execute(request).await.map_err(|error| classify(&error))
    }

    fn client(&self, origin: Origin) -> Result<Client, SendError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&origin) {
            return Ok(client.clone());
        }
        let gate = Gate { allowed: self.allowed.clone(), https: origin.https, port: origin.port };
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .dns_resolver(FilteringResolver(gate))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .timeout(ATTEMPT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .user_agent(concat!("msp-platform/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| SendError::Refused("this machine's TLS certificates cannot be read".into()))?;
        if clients.len() >= MAX_ORIGINS {
            clients.clear();
        }
        clients.insert(origin, client.clone());
        Ok(client)
    }
}

fn origin_of(url: &Url) -> Option<Origin> {
    Some(Origin {
        https: url.scheme() == "https",
        host: url.host_str()?.to_owned(),
        port: url.port_or_known_default()?,
    })
}

fn header(headers: &HeaderMap) -> Option<String> {
    headers.get(RETRY_AFTER)?.to_str().ok().map(str::to_owned)
}

fn classify(error: &reqwest::Error) -> SendError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if let Some(refusal) = inner.downcast_ref::<AddressRefused>() {
            return SendError::Refused(refusal.to_string());
        }
        cause = inner.source();
    }
    if error.is_connect() { SendError::NotConnected } else { SendError::AnswerLost }
}

/// Every address a name stands for is one integrations may not call.
#[derive(Debug)]
struct AddressRefused {
    address: Option<SocketAddr>,
    https: bool,
}

impl fmt::Display for AddressRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(address) = self.address else {
            return f.write_str("the list of allowed addresses cannot be read");
        };
        let why = if self.https { "is not on the public internet" } else { "is reached without https" };
        write!(f, "the address {address} {why} and an administrator has not allowed it")
    }
}

impl std::error::Error for AddressRefused {}

/// The filter for one origin. The port is part of it, which is why every origin has a client of its own.
#[derive(Clone)]
struct Gate {
    allowed: AllowedAddresses,
    https: bool,
    port: u16,
}

impl Gate {
    /// The addresses that may be connected to. Without TLS, only listed ones.
    async fn pass(&self, addresses: &[SocketAddr]) -> Result<Vec<SocketAddr>, AddressRefused> {
        let addresses: Vec<_> =
            addresses.iter().map(|address| SocketAddr::new(address.ip().to_canonical(), self.port)).collect();
        let public = |address: &SocketAddr| self.https && is_public(address.ip());
        if addresses.iter().all(public) {
            return Ok(addresses);
        }
        let refusal = |address| AddressRefused { address, https: self.https };
        let listed = self.allowed.list().await.map_err(|_| refusal(None))?;
        let may = |address: &SocketAddr| {
            public(address)
                || listed
                    .iter()
                    .any(|entry| entry.ip().to_canonical() == address.ip() && entry.port() == address.port())
        };
        let first = addresses.first().copied();
        let passed: Vec<_> = addresses.into_iter().filter(may).collect();
        if passed.is_empty() { Err(refusal(first)) } else { Ok(passed) }
    }
}

struct FilteringResolver(Gate);

impl Resolve for FilteringResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let gate = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), gate.port)).await?.collect();
            if found.is_empty() {
                return Err("the name has no address".into());
            }
            let passed = gate.pass(&found).await?;
            Ok(Box::new(passed.into_iter()) as Addrs)
        })
    }
}
