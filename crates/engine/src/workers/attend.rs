//! The one task that reads a worker: its frames, its captured output, its end.

use super::{
    RawLine,
    capture::{self, Lines},
    flight::{Event, Flight, Loss},
    frames::{self, Call, Finished, FrameReader, FromWorker, Line, Reply, ReplyError, ToWorker},
    process::Process,
};
use chrono::{DateTime, Utc};
use msp_domain::{ExecutionId, LogLevel};
use nix::sys::signal::Signal;
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::AsyncReadExt,
    net::unix::{OwnedReadHalf, pipe::Receiver},
    process::Child,
    time::{Instant, sleep, sleep_until, timeout},
};

/// How long importing the bundle may take.
const LOAD_WITHIN: Duration = Duration::from_secs(60);
/// How long captured output is waited for once a result, or the end of the process, is there.
const DRAIN_WITHIN: Duration = Duration::from_secs(2);
/// Most bytes drained from one pipe at that moment: a child left behind may write for ever.
const DRAIN_BYTES: usize = 4 * 1024 * 1024;
/// How long a process whose channel is closed may take to be gone.
const EXIT_AFTER_HANG_UP: Duration = Duration::from_secs(1);
/// How often a full buffer is looked at again.
const CATCH_UP: Duration = Duration::from_millis(20);

/// What is read from one worker.
pub(super) struct Wires {
    pub child: Child,
    pub control: OwnedReadHalf,
    pub stdout: Receiver,
    pub stderr: Receiver,
}

/// How a worker ended.
pub(super) struct Ended {
    pub loss: Loss,
    /// Whether its bundle had been imported.
    pub loaded: bool,
}

/// Reads a worker to its end and settles every execution that was in flight.
pub(super) async fn attend(process: &Arc<Process>, wires: Wires) -> Ended {
    let Wires { mut child, control, stdout, stderr } = wires;
    let mut reader = Reader {
        process,
        control: Some(control),
        frames: FrameReader::default(),
        hung_up_at: None,
        greeted: false,
        loaded: false,
        pipes: [Pipe::new(stdout, LogLevel::Info, "stdout"), Pipe::new(stderr, LogLevel::Error, "stderr")],
    };
    let mut load_by = Some(Instant::now() + LOAD_WITHIN);
    let status = loop {
        let [out, err] = &mut reader.pipes;
        // A process that ends closes its channel a moment earlier: how it ended says more than that.
        let gone_by = reader.hung_up_at.map(|hung_up_at| hung_up_at + EXIT_AFTER_HANG_UP);
        let room = process.only_flight().is_none_or(|flight| flight.has_room());
        tokio::select! {
            status = child.wait() => break status.ok(),
            read = receive(&mut reader.control, &mut reader.frames) => reader.heard(read).await,
            () = out.fill(), if room && out.open => reader.emit(0).await,
            () = err.fill(), if room && err.open => reader.emit(1).await,
            () = process.outgoing.flush() => {}
            () = sleep_until(gone_by.unwrap_or_else(Instant::now)), if gone_by.is_some() => {
                reader.hung_up_at = None;
                process.end("worker_exited", "closed its control channel and was ended", Signal::SIGKILL);
            }
            // Nothing else tells when the host has caught up with a flood.
            () = sleep(CATCH_UP), if !room => {}
            () = sleep_until(load_by.unwrap_or_else(Instant::now)), if load_by.is_some() && !reader.loaded => {
                load_by = None;
                process.end("worker_exited", "did not import the workspace within 60 s", Signal::SIGKILL);
            }
        }
    };
    // What it wrote before it ended is still in the socket and the pipes, and counts.
    let _ = timeout(DRAIN_WITHIN, reader.drain_all()).await;
    Ended { loss: process.close(status), loaded: reader.loaded }
}

struct Reader<'a> {
    process: &'a Arc<Process>,
    control: Option<OwnedReadHalf>,
    /// When the worker closed its channel.
    hung_up_at: Option<Instant>,
    frames: FrameReader,
    greeted: bool,
    loaded: bool,
    pipes: [Pipe; 2],
}

async fn receive(control: &mut Option<OwnedReadHalf>, frames: &mut FrameReader) -> io::Result<usize> {
    match control {
        Some(socket) => socket.read_buf(&mut frames.buffer).await,
        None => std::future::pending().await,
    }
}

impl Reader<'_> {
    async fn heard(&mut self, read: io::Result<usize>) {
        if matches!(read, Ok(1..)) {
            self.process.heard();
            self.take_frames().await;
        } else {
            self.control = None;
            self.hung_up_at = Some(Instant::now());
            self.process.hang_up();
        }
    }

    async fn take_frames(&mut self) {
        loop {
            match self.frames.next() {
                Ok(Some(frame)) => {
                    if let Err(fault) = self.take(frame).await {
                        return self.violated(&fault);
                    }
                }
                Ok(None) => return,
                Err(error) => return self.violated(&error.to_string()),
            }
        }
    }

    fn violated(&mut self, fault: &str) {
        // Nothing after the fault can be trusted, so nothing more is read.
        self.control = None;
        self.process.end("worker_protocol", &format!("broke the protocol and was ended: {fault}"), Signal::SIGKILL);
    }

    async fn take(&mut self, frame: FromWorker) -> Result<(), String> {
        match frame {
            FromWorker::Hello if !self.greeted => self.greeted = true,
            FromWorker::Loaded(loaded) if self.greeted && !self.loaded => {
                self.loaded = true;
                self.process.overseer.loaded(self.process.worker, loaded);
            }
            FromWorker::Hello | FromWorker::Loaded(_) => return Err("a greeting out of turn".to_owned()),
            _ if !self.greeted => return Err("it did not greet first".to_owned()),
            FromWorker::Log(log) => {
                let mut lines: Vec<_> = log.lines.into_iter().flat_map(raw_lines).collect();
                match log.execution_id {
                    None => own_log(self.process, lines),
                    Some(id) => match self.in_flight(&id)? {
                        Some(flight) => {
                            for line in &mut lines {
                                line.step = line.step.filter(|step| flight.knows_step(*step));
                            }
                            self.hand_over(&flight, lines).await;
                        }
                        None => own_log(self.process, lines),
                    },
                }
            }
            FromWorker::Progress(progress) => {
                if let Some(flight) = self.in_flight(&progress.execution_id)? {
                    flight.progress(progress);
                }
            }
            FromWorker::Step(step) => {
                if let Some(flight) = self.in_flight(&step.execution_id)? {
                    flight.step(step)?;
                }
            }
            FromWorker::Call(call) => {
                if let Some(flight) = self.in_flight(&call.execution_id)? {
                    let open = flight.open_call().ok_or("thousands of calls at once")?;
                    tokio::spawn(answer(Arc::clone(self.process), open, call));
                }
            }
            FromWorker::Beat(beat) => self.process.beat(&beat),
            FromWorker::Result(finished) => self.land(finished).await?,
        }
        Ok(())
    }

    /// The execution a frame names; `None` when it ended a while ago, which a late thread cannot know.
    fn in_flight(&self, id: &ExecutionId) -> Result<Option<Arc<Flight>>, String> {
        match self.process.flight(id) {
            None if !self.process.has_ended(id) => Err(format!("execution {id} is not in flight in it")),
            found => Ok(found),
        }
    }

    async fn hand_over(&self, flight: &Flight, lines: Vec<RawLine>) {
        self.process.set_unread(true);
        flight.log(lines).await;
        self.process.set_unread(false);
    }

    async fn land(&mut self, finished: Finished) -> Result<(), String> {
        let id = finished.execution_id;
        let flight = self.process.flight(&id).ok_or_else(|| format!("execution {id} is not in flight in it"))?;
        // What it wrote to its descriptors before the result is in the pipes by now.
        let _ = timeout(DRAIN_WITHIN, self.drain_pipes()).await;
        self.process.land(&id);
        if finished.caller_untouched {
            flight.host.caller_untouched();
        }
        flight.end(Event::Finished(finished.ending));
        Ok(())
    }

    async fn drain_all(&mut self) {
        while let Some(socket) = &self.control {
            match socket.try_read_buf(&mut self.frames.buffer) {
                Ok(1..) => self.take_frames().await,
                _ => break,
            }
        }
        self.drain_pipes().await;
    }

    async fn drain_pipes(&mut self) {
        for index in 0..self.pipes.len() {
            let mut drained = 0;
            while drained < DRAIN_BYTES {
                match self.pipes[index].try_fill() {
                    0 => break,
                    count => drained += count,
                }
                self.emit(index).await;
            }
            let rest = self.pipes[index].lines.flush();
            self.write(index, rest.into_iter().collect()).await;
        }
    }

    async fn emit(&mut self, index: usize) {
        let pipe = &mut self.pipes[index];
        let lines = pipe.lines.feed(&pipe.buffer);
        pipe.buffer.clear();
        self.write(index, lines).await;
    }

    async fn write(&mut self, index: usize, lines: Vec<String>) {
        if lines.is_empty() {
            return;
        }
        let pipe = &self.pipes[index];
        let line = |message| RawLine {
            at: Utc::now(),
            level: pipe.level,
            source: pipe.source.to_owned(),
            message,
            step: None,
        };
        let lines: Vec<_> = lines.into_iter().map(line).collect();
        if pipe.level == LogLevel::Error {
            self.process.keep_words(&lines);
        }
        match self.process.only_flight() {
            Some(flight) => self.hand_over(&flight, lines).await,
            None => own_log(self.process, lines),
        }
    }
}

/// One captured descriptor.
struct Pipe {
    end: Receiver,
    open: bool,
    buffer: Vec<u8>,
    lines: Lines,
    level: LogLevel,
    source: &'static str,
}

impl Pipe {
    /// Two are kept for every worker, so they are small; a flood is read in more pieces.
    const CHUNK_BYTES: usize = 16 * 1024;

    fn new(end: Receiver, level: LogLevel, source: &'static str) -> Self {
        Self { end, open: true, buffer: Vec::new(), lines: Lines::default(), level, source }
    }

    /// Waits for some bytes, or the end.
    async fn fill(&mut self) {
        self.buffer.reserve(Self::CHUNK_BYTES);
        self.open = matches!(self.end.read_buf(&mut self.buffer).await, Ok(1..));
    }

    /// Takes what is there.
    fn try_fill(&mut self) -> usize {
        self.buffer.reserve(Self::CHUNK_BYTES);
        self.end.try_read_buf(&mut self.buffer).unwrap_or(0)
    }
}

async fn answer(process: Arc<Process>, open: super::flight::OpenCall, call: Call) {
    let Some(answer) = open.answer(&call.method, call.arguments).await else { return };
    process.outgoing.room().await;
    let execution_id = call.execution_id;
    let reply = match &answer {
        Ok(value) => Reply { execution_id, call: &call.call, ok: true, value: Some(value), error: None },
        Err(refusal) => {
            let error = ReplyError { code: &refusal.code, message: &refusal.message, status: refusal.status };
            Reply { execution_id, call: &call.call, ok: false, value: None, error: Some(error) }
        }
    };
    if process.send(&ToWorker::Reply(reply)).is_err() {
        let message = format!("the answer is larger than {} MiB", frames::MAX_FRAME_BYTES >> 20);
        let error = Some(ReplyError { code: "rejected", message: &message, status: None });
        let reply = Reply { execution_id, call: &call.call, ok: false, value: None, error };
        let _ = process.send(&ToWorker::Reply(reply));
    }
}

fn raw_lines(line: Line) -> impl Iterator<Item = RawLine> {
    let at = DateTime::from_timestamp_millis(line.at_ms).unwrap_or_else(Utc::now);
    let Line { level, source, message, step, .. } = line;
    let pieces = capture::pieces(message).into_iter();
    pieces.map(move |message| RawLine { at, level, source: source.clone(), message, step })
}

/// Lines of no execution: imports, threads left behind, output while several executions are in flight.
fn own_log(process: &Process, lines: Vec<RawLine>) {
    for line in process.mask(lines) {
        tracing::debug!(worker.pid = process.kin.pid, source = line.source, "A worker wrote: {}", line.message);
    }
}
