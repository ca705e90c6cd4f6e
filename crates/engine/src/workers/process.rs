//! The shared state of one worker process: who flies in it, how it feels, and how it is brought to an end.

use super::{
    RawLine, TargetKind,
    capture::LastWords,
    flight::{Event, Flight, Loss},
    frames::{self, Beat, Loaded, Place, ToWorker},
    orphans::{self, Kin},
    outgoing::Outgoing,
};
use crate::{line_masker::LineMasker, masking::Masker};
use msp_domain::ExecutionId;
use nix::sys::signal::Signal;
use std::{
    collections::{HashMap, VecDeque},
    os::unix::process::ExitStatusExt,
    process::ExitStatus,
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant},
};

/// A loop silent for longer gets no new work.
const SILENT: Duration = Duration::from_millis(250);
/// No frame for longer while executions are in flight: the interpreter lock is held.
const LOCK_HELD: Duration = Duration::from_secs(1);
/// How many ended executions a process is remembered for: their late calls are ignored, not punished.
const REMEMBERED: usize = 1024;

/// What a process tells the pool.
pub(super) trait Overseer: Send + Sync + 'static {
    /// The bundle is imported.
    fn loaded(&self, worker: u64, loaded: Loaded);
    /// A silent loop turns again.
    fn recovered(&self);
    /// The target blocked its loop: it runs exclusively from now on.
    fn blocks(&self, kind: TargetKind, name: &str);
    /// Whether the target stands in this file.
    fn stands_in(&self, kind: TargetKind, name: &str, file: &str) -> bool;
}

pub(super) struct Process {
    pub worker: u64,
    pub kin: Kin,
    pub outgoing: Outgoing,
    pub overseer: Arc<dyn Overseer>,
    words: Mutex<Words>,
    /// That of its organization, from its first execution on; before, it has received nothing.
    masker: OnceLock<Masker>,
    /// Lines of no execution while they are masked.
    own_lines: Mutex<LineMasker>,
    flights: Mutex<Flights>,
    health: Mutex<Health>,
    doom: Mutex<Option<Loss>>,
}

/// The end of what it wrote to standard error, masked before it is shortened: half a secret would not be found.
#[derive(Default)]
struct Words {
    lines: LineMasker,
    last: LastWords,
}

#[derive(Default)]
struct Flights {
    open: HashMap<ExecutionId, Arc<Flight>>,
    recent: VecDeque<ExecutionId>,
    /// Its channel is closed: it is about to end.
    hung_up: bool,
    closed: bool,
}

struct Health {
    /// The last frame, or the moment the first execution started.
    heard_at: Instant,
    lag: Duration,
    /// The host itself keeps the worker waiting: silence then says nothing.
    unread: bool,
}

/// A process that ended before the start frame was sent.
#[derive(Debug)]
pub(super) struct Gone(pub Loss);

impl Process {
    pub fn new(worker: u64, kin: Kin, outgoing: Outgoing, overseer: Arc<dyn Overseer>) -> Self {
        Self {
            worker,
            kin,
            outgoing,
            overseer,
            words: Mutex::default(),
            masker: OnceLock::new(),
            own_lines: Mutex::default(),
            flights: Mutex::default(),
            health: Mutex::new(Health { heard_at: Instant::now(), lag: Duration::ZERO, unread: false }),
            doom: Mutex::default(),
        }
    }

    pub fn send(&self, frame: &ToWorker<'_>) -> Result<(), frames::FrameError> {
        self.outgoing.send(&frames::encode(frame)?);
        Ok(())
    }

    /// Takes an execution on and sends its start frame.
    ///
    /// # Errors
    /// [`Gone`] when the process has ended; nothing was sent.
    pub fn take_off(&self, flight: Arc<Flight>, start: &[u8]) -> Result<(), Gone> {
        let mut flights = super::lock(&self.flights);
        if flights.closed {
            drop(flights);
            return Err(Gone(self.loss(None)));
        }
        let _ = self.masker.set(flight.host.masker());
        if flights.open.is_empty() {
            super::lock(&self.health).heard_at = Instant::now();
        }
        flights.open.insert(flight.id, flight);
        drop(flights);
        self.outgoing.send(start);
        Ok(())
    }

    pub fn flight(&self, id: &ExecutionId) -> Option<Arc<Flight>> {
        super::lock(&self.flights).open.get(id).cloned()
    }

    /// The execution raw output belongs to: the only one, if exactly one is in flight.
    pub fn only_flight(&self) -> Option<Arc<Flight>> {
        let flights = super::lock(&self.flights);
        (flights.open.len() == 1).then(|| flights.open.values().next().cloned()).flatten()
    }

    pub fn has_ended(&self, id: &ExecutionId) -> bool {
        super::lock(&self.flights).recent.contains(id)
    }

    pub fn land(&self, id: &ExecutionId) {
        let mut flights = super::lock(&self.flights);
        flights.open.remove(id);
        if flights.recent.len() == REMEMBERED {
            flights.recent.pop_front();
        }
        flights.recent.push_back(*id);
        drop(flights);
        // A result comes from the loop, so the loop turns.
        super::lock(&self.health).lag = Duration::ZERO;
    }

    /// The worker closed its channel.
    pub fn hang_up(&self) {
        super::lock(&self.flights).hung_up = true;
    }

    /// The process is gone: every execution in flight is lost, and none can start.
    pub fn close(&self, status: Option<ExitStatus>) -> Loss {
        let loss = self.loss(status);
        let mut flights = super::lock(&self.flights);
        flights.closed = true;
        for (_, flight) in flights.open.drain() {
            flight.end(Event::Lost(loss.clone()));
        }
        loss
    }

    /// Why executions in this process were lost.
    fn loss(&self, status: Option<ExitStatus>) -> Loss {
        if let Some(doom) = super::lock(&self.doom).clone() {
            return doom;
        }
        let how = match status {
            Some(status) => match (status.code(), status.signal()) {
                (Some(code), _) => format!("exited with code {code}"),
                (None, Some(number)) => {
                    let name = Signal::try_from(number).map_or("unknown", Signal::as_str);
                    format!("was killed by signal {number} ({name})")
                }
                (None, None) => format!("ended with {status}"),
            },
            None => "has ended".to_owned(),
        };
        let words = super::lock(&self.words).last.sentence();
        Loss { error_type: "worker_exited", message: format!("worker process {} {how}{words}", self.kin.pid) }
    }

    /// Keeps the end of what it wrote to standard error, for the message about its loss.
    pub fn keep_words(&self, lines: &[RawLine]) {
        let masker = self.masker();
        let mut words = super::lock(&self.words);
        for line in lines {
            let masked: Vec<_> = words.lines.take(&masker, line.clone()).collect();
            masked.iter().for_each(|line| words.last.keep(&line.message));
        }
    }

    /// Lines of no execution, as they may be shown.
    pub fn mask(&self, lines: Vec<RawLine>) -> Vec<RawLine> {
        let masker = self.masker();
        let mut own = super::lock(&self.own_lines);
        lines.into_iter().flat_map(|line| own.take(&masker, line)).collect()
    }

    fn masker(&self) -> Masker {
        self.masker.get().cloned().unwrap_or_default()
    }

    /// Brings the process to an end; the first reason given is the one that counts.
    pub fn end(&self, error_type: &'static str, why: &str, signal: Signal) {
        self.doom(error_type, why);
        orphans::signal(self.kin.pid, signal);
    }

    fn doom(&self, error_type: &'static str, why: &str) {
        super::lock(&self.doom)
            .get_or_insert_with(|| Loss { error_type, message: format!("worker process {} {why}", self.kin.pid) });
    }

    /// Whether new work may go here.
    pub fn is_fit(&self) -> bool {
        if super::lock(&self.doom).is_some() {
            return false;
        }
        let flights = super::lock(&self.flights);
        if flights.closed || flights.hung_up {
            return false;
        }
        if flights.open.is_empty() {
            return true;
        }
        drop(flights);
        let health = super::lock(&self.health);
        health.lag <= SILENT && (health.unread || health.heard_at.elapsed() <= LOCK_HELD)
    }

    /// Any frame: the process is alive.
    pub fn heard(&self) {
        super::lock(&self.health).heard_at = Instant::now();
    }

    /// Whether the host has stopped reading for lack of room.
    pub fn set_unread(&self, unread: bool) {
        let mut health = super::lock(&self.health);
        health.unread = unread;
        health.heard_at = Instant::now();
    }

    pub fn beat(&self, beat: &Beat) {
        let lag = Duration::try_from_secs_f64(beat.loop_lag_ms.max(0.0) / 1000.0).unwrap_or_default();
        let before = std::mem::replace(&mut super::lock(&self.health).lag, lag);
        if before > SILENT && lag <= SILENT {
            self.overseer.recovered();
        }
        // Without a place it is not the author's code that is slow.
        if let Some(place) = beat.blocked_at.as_ref().filter(|_| lag > LOCK_HELD) {
            self.blocked(lag, Some(place));
        }
    }

    /// How long the interpreter has been silent with executions in flight, if that is too long.
    pub fn silence(&self) -> Option<Duration> {
        let health = super::lock(&self.health);
        let silent = health.heard_at.elapsed();
        (!health.unread && silent > LOCK_HELD).then_some(silent)
    }

    /// Names who holds the loop, or the interpreter lock when there is no place, and lets it run alone from now on.
    pub fn blocked(&self, silent: Duration, place: Option<&Place>) {
        let flights: Vec<_> = super::lock(&self.flights).open.values().cloned().collect();
        let alone = flights.len() == 1;
        for flight in flights {
            let blamed =
                alone || place.is_some_and(|place| self.overseer.stands_in(flight.kind, &flight.name, &place.file));
            if blamed {
                self.overseer.blocks(flight.kind, &flight.name);
            }
            if flight.warned.swap(true, std::sync::atomic::Ordering::Relaxed) {
                continue;
            }
            let seconds = silent.as_secs_f64();
            let what = match place {
                Some(place) => {
                    format!("The event loop was blocked for {seconds:.1} s at {}:{}", place.file, place.line)
                }
                None => format!("The interpreter gave no sign of life for {seconds:.1} s: native code holds its lock"),
            };
            let who = if blamed {
                format!("; `{}` runs in a process of its own from now on", flight.name)
            } else {
                " by another execution of this process".to_owned()
            };
            flight.remark(msp_domain::LogLevel::Warning, what + &who);
        }
    }
}
