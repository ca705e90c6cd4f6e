//! E: one frame of half a kilobyte to a Python worker and back, with nothing around it. With 200 organizations in turn,
//! to 200 such processes in turn: one that did not run just now finds its memory in no cache.

use crate::{
    children::{Background, command},
    options::Options,
    samples::{Latencies, nanoseconds},
};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::{
    os::{fd::OwnedFd, unix::net::UnixStream as Pair},
    path::Path,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

/// Frames to each process before anything is measured.
const WARM_UP: usize = 20;

/// Python processes that echo, each asked in turn.
pub struct Echo {
    processes: Vec<Process>,
    received: Vec<u8>,
}

struct Process {
    /// Ends with the channel.
    _background: Background,
    stream: UnixStream,
}

impl Echo {
    /// Starts as many as there are organizations, each as bare as a worker is.
    pub fn start(options: &Options, organizations: usize) -> Result<Self> {
        let start = |number| Process::start(&options.python, &options.sources, &options.folder, number);
        let processes = (0..organizations).map(start).collect::<Result<_>>()?;
        Ok(Self { processes, received: Vec::new() })
    }

    /// Sends frames for as long as `time`, one after the other.
    pub async fn measure(&mut self, time: Duration) -> Result<Latencies> {
        for number in 0..WARM_UP * self.processes.len() {
            self.call(number).await?;
        }
        let mut samples = Vec::new();
        let began = Instant::now();
        while began.elapsed() < time {
            let sent = Instant::now();
            self.call(samples.len()).await?;
            samples.push(nanoseconds(sent.elapsed()));
        }
        Ok(Latencies::of(samples))
    }

    async fn call(&mut self, number: usize) -> Result<()> {
        let text = format!("call {number}");
        let body = serde_json::to_vec(&start_frame(&text))?;
        let mut frame = Vec::with_capacity(4 + body.len());
        frame.extend(u32::try_from(body.len())?.to_be_bytes());
        frame.extend(&body);
        let count = self.processes.len();
        let stream = &mut self.processes[number % count].stream;
        stream.write_all(&frame).await.context("a frame cannot be sent")?;
        let mut length = [0; 4];
        stream.read_exact(&mut length).await.context("the Python process ended")?;
        self.received.resize(usize::try_from(u32::from_be_bytes(length))?, 0);
        stream.read_exact(&mut self.received).await.context("the Python process ended")?;
        let answer: Value = serde_json::from_slice(&self.received)?;
        ensure!(answer["value"]["text"] == text.as_str(), "the echo answered {answer}");
        Ok(())
    }
}

impl Process {
    fn start(python: &Path, sources: &Path, folder: &Path, number: usize) -> Result<Self> {
        let (ours, theirs) = Pair::pair().context("no socket pair could be made")?;
        let mut start = command(python);
        start.args(["-S", "-I"]).arg(sources.join("echo.py")).stdin(OwnedFd::from(theirs));
        let background = Background::start(&mut start, folder.join(format!("echo-{number}.log")))?;
        // The command holds the other end too; without it the end of the process is the end of the channel.
        drop(start);
        ours.set_nonblocking(true)?;
        Ok(Self { _background: background, stream: UnixStream::from_std(ours)? })
    }
}

/// What a worker is told when a run starts, about half a kilobyte.
fn start_frame(text: &str) -> Value {
    json!({
        "v": 1,
        "seq": 1,
        "type": "start",
        "execution_id": "0197c1c8-5f0a-7c3e-9d53-0d9c1f2b7a11",
        "kind": "workflow",
        "name": "bench_echo",
        "arguments": { "text": text },
        "context": {
            "org": { "id": "6f9619ff-8b86-4011-b42d-00cf4fc964ff", "name": "Organization 000", "tenant_id": null },
            "config": { "setting_0": "value 0", "setting_1": "value 1", "setting_2": "value 2", "setting_3": "value 3" },
            "caller": {
                "user_id": "0d9fb2f0-3c1a-4c7e-8a52-7a4f2d1e9b10",
                "email": "bench@localhost",
                "name": "Bench",
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_has_the_size_the_floor_is_defined_with() {
        let size = start_frame("call 1000").to_string().len();
        assert!((450..650).contains(&size), "{size}");
    }
}
