//! Frames to a worker: written at once when the socket takes them, else kept and flushed in order.

use std::{io, sync::Mutex};
use tokio::{net::unix::OwnedWriteHalf, sync::Notify};

/// Above this many waiting bytes no further call is answered until the worker has read some.
const ROOM_BYTES: usize = 16 * 1024 * 1024;

/// The host's end of the control channel, for writing.
pub(super) struct Outgoing {
    socket: OwnedWriteHalf,
    waiting: Mutex<Vec<u8>>,
    /// Something waits to be flushed.
    filled: Notify,
    /// Something was flushed.
    drained: Notify,
}

impl Outgoing {
    pub fn new(socket: OwnedWriteHalf) -> Self {
        Self { socket, waiting: Mutex::default(), filled: Notify::new(), drained: Notify::new() }
    }

    /// Sends a whole frame without waiting. Failures show as the end of the process, which its reader notices.
    pub fn send(&self, frame: &[u8]) {
        let mut waiting = super::lock(&self.waiting);
        let mut sent = 0;
        while waiting.is_empty() && sent < frame.len() {
            match self.socket.try_write(&frame[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return,
            }
        }
        if sent < frame.len() {
            waiting.extend_from_slice(&frame[sent..]);
            self.filled.notify_one();
        }
    }

    /// Flushes what waits, for as long as it is polled.
    pub async fn flush(&self) {
        loop {
            if super::lock(&self.waiting).is_empty() {
                self.filled.notified().await;
                continue;
            }
            if self.socket.writable().await.is_err() {
                return std::future::pending().await;
            }
            let mut waiting = super::lock(&self.waiting);
            match self.socket.try_write(&waiting) {
                Ok(count) => drop(waiting.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(_) => waiting.clear(),
            }
            self.drained.notify_waiters();
        }
    }

    /// Waits until the worker keeps up.
    pub async fn room(&self) {
        loop {
            let drained = self.drained.notified();
            if super::lock(&self.waiting).len() < ROOM_BYTES {
                return;
            }
            drained.await;
        }
    }
}
