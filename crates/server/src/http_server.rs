//! The HTTP server around the router: how many connections it holds, and how long a client may take to ask.

use axum::{Router, extract::ConnectInfo};
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long a client may take to send the head of a request, and how long a connection may stay open without one.
/// Slow networks need a second or two; who needs longer holds a connection that others wait for.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Headers that are read; the API refuses more than half of them, and says so.
const MAX_HEADERS: usize = 200;
/// Connections at once; more wait unaccepted. Half of the 1024 files a process may commonly open: the other half is for
/// the database, the workers and the calls to other services.
const MAX_CONNECTIONS: usize = 512;
/// How long nothing is accepted after the system refused, as it does when files run out: trying at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// What clients may take up.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until the head of a request is complete.
    pub head_timeout: Duration,
    /// Connections at once.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head_timeout: HEAD_TIMEOUT, connections: MAX_CONNECTIONS }
    }
}

/// Serves until it is stopped; then it accepts nothing more, lets every request at hand be answered, and returns.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: CancellationToken) {
    let free = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    let accepted = async || {
        // Before accepting: a connection that has to wait costs the kernel a little, and us no open file.
        let place = Arc::clone(&free).acquire_owned().await.expect("the semaphore is never closed");
        (accept(&listener).await, place)
    };
    while let Some(((stream, peer), place)) = stop.run_until_cancelled(accepted()).await {
        let connection = converse(stream, peer, router.clone(), limits.head_timeout, stop.clone());
        connections.spawn(async move {
            connection.await;
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// The next connection, however long the system refuses to give one.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "No connection can be accepted; trying again");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether a client went away before it was accepted: the next one may be fine.
fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Answers the requests of one connection until either side ends it.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    head_timeout: Duration,
    stop: CancellationToken,
) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Clients hang up and time out as they please; that is no fault of ours.
        tracing::debug!(%error, "A connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use std::net::Ipv4Addr;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        sync::Notify,
        task::JoinHandle,
        time::timeout,
    };

    /// Longer than anything here takes; only a fault waits for it.
    const SOON: Duration = Duration::from_secs(20);
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n";

    struct Running {
        address: SocketAddr,
        stop: CancellationToken,
        served: JoinHandle<()>,
    }

    async fn start(router: Router, limits: Limits) -> Running {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(listener, router, limits, stop.clone()));
        Running { address, stop, served }
    }

    fn echoing_the_peer() -> Router {
        Router::new().route("/", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()))
    }

    async fn connect(server: &Running) -> TcpStream {
        TcpStream::connect(server.address).await.expect("a connection")
    }

    async fn until(stream: &mut TcpStream, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            let mut chunk = [0; 1024];
            let read = timeout(SOON, stream.read(&mut chunk)).await.expect("in time").expect("readable");
            assert_ne!(read, 0, "hung up after {text:?}");
            text.push_str(&String::from_utf8_lossy(&chunk[..read]));
        }
        text
    }

    #[tokio::test]
    async fn a_client_that_does_not_finish_its_request_head_is_hung_up_on() {
        let server =
            start(echoing_the_peer(), Limits { head_timeout: Duration::from_millis(50), connections: 8 }).await;
        for begun in [&b""[..], b"GET / HT", b"GET / HTTP/1.1\r\nhost: here\r\nx-sl"] {
            let mut stream = connect(&server).await;
            stream.write_all(begun).await.expect("sent");
            let mut rest = Vec::new();
            timeout(SOON, stream.read_to_end(&mut rest)).await.expect("hung up").expect("readable");
            assert!(!rest.starts_with(b"HTTP/1.1 200"), "{rest:?}");
        }
    }

    #[tokio::test]
    async fn a_connection_beyond_the_limit_waits_for_one_that_ends() {
        let server = start(echoing_the_peer(), Limits { head_timeout: SOON, connections: 1 }).await;
        let mut first = connect(&server).await;
        first.write_all(REQUEST).await.expect("sent");
        let own = first.local_addr().expect("an address").to_string();
        until(&mut first, &own).await;

        let mut second = connect(&server).await;
        second.write_all(REQUEST).await.expect("sent");
        // The one that is held goes on being served, and the other one still is not.
        first.write_all(REQUEST).await.expect("sent");
        until(&mut first, &own).await;
        assert!(second.try_read(&mut [0; 1]).is_err(), "served beyond the limit");
        drop(first);
        let own = second.local_addr().expect("an address").to_string();
        until(&mut second, &own).await;
    }

    #[tokio::test]
    async fn a_stop_lets_the_request_at_hand_be_answered_and_hangs_up_on_the_idle() {
        let (arrived, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (at_work, done) = (Arc::clone(&arrived), Arc::clone(&finish));
        let slow = async move || {
            at_work.notify_one();
            done.notified().await;
            "done"
        };
        let router = Router::new().route("/", get(slow));
        let server = start(router, Limits { head_timeout: SOON, connections: 8 }).await;
        let mut idle = connect(&server).await;
        let mut busy = connect(&server).await;
        busy.write_all(REQUEST).await.expect("sent");
        timeout(SOON, arrived.notified()).await.expect("asked");

        server.stop.cancel();
        assert_eq!(timeout(SOON, idle.read(&mut [0; 1])).await.expect("in time").expect("hung up"), 0);
        assert!(!server.served.is_finished());
        finish.notify_one();
        until(&mut busy, "done").await;
        timeout(SOON, server.served).await.expect("in time").expect("no panic");
        assert!(TcpStream::connect(server.address).await.is_err(), "still listening");
    }
}
