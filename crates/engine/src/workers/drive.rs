//! One execution, from the search for a worker to its outcome.

use super::{
    Assignment, NotStarted, Outcome, RunHost, TargetKind,
    flight::{Event, Flight},
    frames::{self, FinishedAs, ToWorker},
    pool::Pool,
    process::{Gone, Process},
};
use crate::ending::masked_message;
use crate::places::Place;
use msp_domain::LogLevel;
use nix::sys::signal::Signal;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{Instant, sleep_until},
};

/// How often a flying execution's process is asked for a sign of life.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Why the host ends an execution. The first reason counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    Cancelled,
    TimedOut,
}

/// How far the host has gone to end it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Flying,
    Asked,
    Terminated,
    Killed,
}

pub(super) async fn drive(pool: Arc<Pool>, place: Place, assignment: Assignment, host: Arc<dyn RunHost>) -> Outcome {
    let Assignment { edition, scope, execution_id, kind, name, arguments, context, exclusive, timeout, cancel } =
        assignment;
    let exclusive = exclusive || edition.runs_alone(kind, &name);
    let start =
        ToWorker::Start { execution_id, kind: kind.wire(), name: &name, arguments: &arguments, context: &context };
    let start = match frames::encode(&start) {
        Ok(start) => start,
        Err(error) => {
            return Outcome::NotStarted(NotStarted::SpawnFailed(format!("the arguments do not fit: {error}")));
        }
    };
    let seat = match cancel.run_until_cancelled(pool.seat(place, edition, scope, exclusive)).await {
        None => return Outcome::NotStarted(NotStarted::Cancelled),
        Some(Err(reason)) => return Outcome::NotStarted(reason),
        Some(Ok(seat)) => seat,
    };
    host.starting().await;
    if cancel.is_cancelled() {
        return Outcome::Cancelled;
    }
    let (flight, events) = Flight::new(execution_id, kind, name, Arc::clone(&host));
    if let Err(Gone(loss)) = seat.process.take_off(Arc::clone(&flight), &start) {
        return Outcome::WorkerLost { error_type: loss.error_type, message: loss.message };
    }
    host.started().await;
    let control = Control {
        process: &seat.process,
        flight: &flight,
        grace: pool.cancel_grace,
        cause: None,
        stage: Stage::Flying,
        was_silent: false,
    };
    control.watch(events, Instant::now() + timeout, &cancel).await
}

impl TargetKind {
    fn wire(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Options => "options",
        }
    }
}

struct Control<'a> {
    process: &'a Process,
    flight: &'a Flight,
    grace: Duration,
    cause: Option<Cause>,
    stage: Stage,
    /// Whether the process was found silent at the last look.
    was_silent: bool,
}

impl Control<'_> {
    async fn watch(
        mut self,
        events: UnboundedReceiver<Event>,
        deadline: Instant,
        cancel: &tokio_util::sync::CancellationToken,
    ) -> Outcome {
        let ending = follow(self.flight, events);
        tokio::pin!(ending);
        let mut next_step = deadline;
        let timer = sleep_until(deadline.min(Instant::now() + LOOK_EVERY));
        tokio::pin!(timer);
        loop {
            tokio::select! {
                ending = &mut ending => return self.outcome(ending).await,
                () = cancel.cancelled(), if self.cause.is_none() => {
                    self.step(Cause::Cancelled);
                    next_step = Instant::now() + self.grace;
                }
                () = &mut timer => {
                    if Instant::now() >= next_step && self.stage != Stage::Killed {
                        self.step(Cause::TimedOut);
                        next_step = Instant::now() + self.grace;
                    }
                    let silence = self.process.silence();
                    // Twice in a row: after a pause of the whole machine, the first look finds only what is unread yet.
                    if let Some(silence) = silence.filter(|_| self.was_silent) {
                        self.process.blocked(silence, None);
                    }
                    self.was_silent = silence.is_some();
                }
            }
            timer
                .as_mut()
                .reset(next_step.min(Instant::now() + LOOK_EVERY).max(Instant::now() + Duration::from_millis(1)));
        }
    }

    /// Ask, terminate, kill: each after the grace of the one before.
    fn step(&mut self, cause: Cause) {
        let cause = *self.cause.get_or_insert(cause);
        let what = match cause {
            Cause::Cancelled => "its cancellation",
            Cause::TimedOut => "its deadline",
        };
        let why = format!("was ended: execution {} did not give way to {what}", self.flight.id);
        self.stage = match self.stage {
            Stage::Flying => {
                let reason = match cause {
                    Cause::Cancelled => "cancelled",
                    Cause::TimedOut => "timed_out",
                };
                let _ = self.process.send(&ToWorker::Cancel { execution_id: self.flight.id, reason });
                Stage::Asked
            }
            Stage::Asked => {
                self.process.end("worker_killed", &why, Signal::SIGTERM);
                Stage::Terminated
            }
            Stage::Terminated | Stage::Killed => {
                self.process.end("worker_killed", &why, Signal::SIGKILL);
                Stage::Killed
            }
        };
    }

    /// A returned value counts even after a cancellation: the code finished. Anything else that follows one is due to it.
    async fn outcome(&self, ending: Event) -> Outcome {
        let ended = |cause| match cause {
            Cause::Cancelled => Outcome::Cancelled,
            Cause::TimedOut => Outcome::TimedOut,
        };
        match (ending, self.cause) {
            (Event::Finished(FinishedAs::Returned(value)), _) => Outcome::Returned(value),
            (Event::Finished(FinishedAs::Raised { error_type, message, .. }), Some(cause)) => {
                let message = masked_message(&self.flight.host.masker(), &message);
                let line = super::RawLine {
                    at: chrono::Utc::now(),
                    level: LogLevel::Warning,
                    source: "platform".to_owned(),
                    message: format!("While it was being ended, it raised {error_type}: {message}"),
                    step: None,
                };
                self.flight.host.log(vec![line]).await;
                ended(cause)
            }
            (_, Some(cause)) => ended(cause),
            (Event::Finished(FinishedAs::Raised { error_type, message, traceback }), None) => {
                Outcome::Raised { error_type, message, traceback }
            }
            (Event::Lost(loss), None) => Outcome::WorkerLost { error_type: loss.error_type, message: loss.message },
            (_, None) => Outcome::Raised {
                error_type: "CancelledError".to_owned(),
                message: "The workflow cancelled itself".to_owned(),
                traceback: String::new(),
            },
        }
    }
}

/// Hands everything the execution wrote to the host, in order, until it ends.
async fn follow(flight: &Flight, mut events: UnboundedReceiver<Event>) -> Event {
    while let Some(event) = events.recv().await {
        match event {
            Event::Lines(lines, _room) => flight.host.log(lines).await,
            Event::Progress => {
                if let Some(progress) = flight.take_progress() {
                    flight.host.progress(progress.percent, progress.message).await;
                }
            }
            Event::Step(change) => flight.host.step(change).await,
            ending => return ending,
        }
    }
    unreachable!("the flight itself holds a sender")
}
