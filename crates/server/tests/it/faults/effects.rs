//! The outside world: counts, per execution, how often its workflow acted on it.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// A service that workflows call once with their execution id. It outlives every server under test.
pub struct Effects {
    address: SocketAddr,
    counts: Arc<Mutex<HashMap<String, u32>>>,
}

impl Effects {
    /// Starts listening on a free port.
    pub fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let counts: Arc<Mutex<HashMap<String, u32>>> = Arc::default();
        let shared = counts.clone();
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let shared = shared.clone();
                thread::spawn(move || answer(connection, &shared));
            }
        });
        Self { address, counts }
    }

    /// What a workflow calls: this, then a slash and its execution id.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often any execution acted.
    pub fn total(&self) -> u32 {
        self.counts.lock().expect("no thread panicked").values().sum()
    }

    /// How often an execution acted.
    pub fn of(&self, execution_id: &str) -> u32 {
        self.counts.lock().expect("no thread panicked").get(execution_id).copied().unwrap_or(0)
    }
}

fn answer(mut connection: TcpStream, counts: &Mutex<HashMap<String, u32>>) {
    let mut request = String::new();
    let Ok(copy) = connection.try_clone() else { return };
    if BufReader::new(copy).read_line(&mut request).is_err() {
        return;
    }
    let Some(id) = request.split(' ').nth(1).map(|path| path.trim_start_matches('/').to_owned()) else { return };
    *counts.lock().expect("no thread panicked").entry(id).or_default() += 1;
    // The workflow may be dead by now.
    let _ = connection.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
}
