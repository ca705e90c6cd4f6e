//! The load: callers that ask again as soon as they are answered (a closed loop), each on a connection of its own.

use crate::{
    http::{Answer, Connection},
    options::Options,
    samples::{Latencies, nanoseconds},
};
use anyhow::{Context, Result, bail};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::Barrier, task::JoinSet};

/// Requests each caller sends before anything is measured: connections, caches and processors wake up.
const WARM_UP: usize = 3;

/// Who is asked, and what, in turn.
#[derive(Clone)]
pub struct Target {
    name: &'static str,
    address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
    /// The status of every answer.
    expected: u16,
    next: Arc<AtomicUsize>,
}

/// What a load found.
pub struct Load {
    /// How long each answer took.
    pub latencies: Latencies,
    /// Answers per second.
    pub per_second: f64,
}

impl Target {
    /// These requests, in turn.
    pub fn new(name: &'static str, address: SocketAddr, requests: Vec<Vec<u8>>) -> Self {
        Self { name, address, requests: Arc::new(requests), expected: 200, next: Arc::default() }
    }

    /// The same, answered with this status instead of 200.
    pub fn answered(self, expected: u16) -> Self {
        Self { expected, ..self }
    }

    fn request(&self) -> &[u8] {
        &self.requests[self.next.fetch_add(1, Ordering::Relaxed) % self.requests.len()]
    }

    /// How long an answer takes to one caller, in microseconds: the median of a round.
    pub async fn p50(&self, options: &Options) -> Result<f64> {
        Ok(self.load(1, options.choice.figure() / 4).await?.latencies.percentile(0.5))
    }

    /// Asks for as long as `time`, with this many callers at once.
    ///
    /// # Errors
    /// Any other answer than is expected: a figure with errors in it says nothing.
    pub async fn load(&self, callers: usize, time: Duration) -> Result<Load> {
        let start = Arc::new(Barrier::new(callers));
        let mut tasks = JoinSet::new();
        for _ in 0..callers {
            tasks.spawn(self.clone().caller(Arc::clone(&start), time));
        }
        let (mut samples, mut longest) = (Vec::new(), Duration::ZERO);
        while let Some(ended) = tasks.join_next().await {
            let (own, took) = ended
                .context("a caller was lost")?
                .with_context(|| format!("{} failed one of {callers} callers", self.name))?;
            samples.extend(own);
            longest = longest.max(took);
        }
        #[expect(clippy::cast_precision_loss)]
        let per_second = samples.len() as f64 / longest.as_secs_f64();
        Ok(Load { latencies: Latencies::of(samples), per_second })
    }

    async fn caller(self, start: Arc<Barrier>, time: Duration) -> Result<(Vec<u64>, Duration)> {
        let mut samples = Vec::with_capacity(4096);
        // Whoever fails before the start still lets the others start, and fails after it.
        let warm = async {
            let mut connection = Connection::open(self.address).await?;
            for _ in 0..WARM_UP {
                self.ask(&mut connection).await?;
            }
            Ok::<_, anyhow::Error>(connection)
        };
        let warm = warm.await;
        start.wait().await;
        let mut connection = warm?;
        let began = Instant::now();
        let mut asked_at = began;
        while asked_at.duration_since(began) < time {
            self.ask(&mut connection).await?;
            let answered_at = Instant::now();
            samples.push(nanoseconds(answered_at - asked_at));
            asked_at = answered_at;
        }
        Ok((samples, began.elapsed()))
    }

    async fn ask(&self, connection: &mut Connection) -> Result<()> {
        self.check(&connection.ask(self.request()).await?)
    }

    fn check(&self, answer: &Answer<'_>) -> Result<()> {
        if answer.status != self.expected {
            bail!("{} was answered: {}", answer.status, String::from_utf8_lossy(answer.body));
        }
        Ok(())
    }

    /// Asks this often in all, with this many callers at once. Nothing is measured.
    pub async fn times(&self, callers: usize, count: usize) -> Result<()> {
        let left = Arc::new(AtomicUsize::new(count));
        let mut tasks = JoinSet::new();
        for _ in 0..callers {
            let (target, left) = (self.clone(), Arc::clone(&left));
            tasks.spawn(async move {
                let mut connection = Connection::open(target.address).await?;
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                    target.ask(&mut connection).await?;
                }
                Ok::<_, anyhow::Error>(())
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.context("a caller was lost")??;
        }
        Ok(())
    }

    /// Sends every request once, one after the other, and shows each body.
    pub async fn each(&self, mut check: impl FnMut(usize, &[u8]) -> Result<()>) -> Result<()> {
        let mut connection = Connection::open(self.address).await?;
        for (number, request) in self.requests.iter().enumerate() {
            let answer = connection.ask(request).await?;
            self.check(&answer)?;
            check(number, answer.body)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request;
    use axum::{Router, extract::State, http::StatusCode, routing::get};
    use tokio::net::TcpListener;

    async fn serve(router: Router) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    #[tokio::test]
    async fn requests_take_turns_and_every_answer_is_counted() {
        let seen: Arc<[AtomicUsize; 2]> = Arc::default();
        let router = Router::new()
            .route(
                "/0",
                get(async |State(seen): State<Arc<[AtomicUsize; 2]>>| {
                    seen[0].fetch_add(1, Ordering::Relaxed).to_string()
                }),
            )
            .route(
                "/1",
                get(async |State(seen): State<Arc<[AtomicUsize; 2]>>| {
                    seen[1].fetch_add(1, Ordering::Relaxed).to_string()
                }),
            )
            .with_state(Arc::clone(&seen));
        let address = serve(router).await;
        let requests = ["/0", "/1"].map(|path| request(address, "GET", path, &[], "")).to_vec();
        let target = Target::new("a test", address, requests);
        let load = target.load(3, Duration::from_millis(20)).await.expect("a load");
        let counts = || (seen[0].load(Ordering::Relaxed), seen[1].load(Ordering::Relaxed));
        let (first, second) = counts();
        assert!(first.abs_diff(second) <= 1, "{first} and {second}");
        assert!(load.per_second > 0.0 && load.latencies.percentile(0.5) > 0.0);
        target.times(3, 10).await.expect("ten more");
        assert_eq!(counts().0 + counts().1, first + second + 10);
        assert!(target.answered(202).times(1, 1).await.is_err(), "it is answered with 200");
    }

    #[tokio::test]
    async fn one_error_fails_the_whole_load() {
        let count = Arc::new(AtomicUsize::new(0));
        let answer = async |State(count): State<Arc<AtomicUsize>>| {
            if count.fetch_add(1, Ordering::Relaxed) == 30 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
        };
        let router = Router::new().route("/", get(answer)).with_state(count);
        let address = serve(router).await;
        let target = Target::new("a test", address, vec![request(address, "GET", "/", &[], "")]);
        let error = target.load(2, Duration::from_secs(60)).await.err().expect("an error");
        assert!(format!("{error:#}").contains("503"), "{error:#}");
    }
}
