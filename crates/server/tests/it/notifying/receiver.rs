//! Who is told: a channel of a chat, and a mail server. Both outlive every server under test.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, AtomicUsize, Ordering},
    },
    thread,
};

/// Stands in the path of every address here.
pub const SIGNATURE: &str = "canary-signature";
/// Takes the request and never answers.
pub const SILENCE: u16 = 0;

/// Takes cards.
pub struct Channel {
    pub address: SocketAddr,
    taken: Arc<Mutex<Vec<Value>>>,
    calls: Arc<AtomicUsize>,
    status: Arc<AtomicU16>,
}

impl Channel {
    /// One that takes everything.
    pub fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (taken, calls, status) = (Arc::default(), Arc::default(), Arc::new(AtomicU16::new(202)));
        let channel = Self { address, taken, calls, status };
        let shared = (Arc::clone(&channel.taken), Arc::clone(&channel.calls), Arc::clone(&channel.status));
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let (taken, calls, status) = shared.clone();
                thread::spawn(move || {
                    let Some(body) = read(&connection) else { return };
                    calls.fetch_add(1, Ordering::SeqCst);
                    let status = status.load(Ordering::SeqCst);
                    if status == SILENCE {
                        // Until the caller hangs up.
                        let _ = (&connection).read(&mut [0]);
                        return;
                    }
                    if status < 300 {
                        taken.lock().expect("not poisoned").push(body);
                    }
                    let answer =
                        format!("HTTP/1.1 {status} Something\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
                    let _ = (&connection).write_all(answer.as_bytes());
                });
            }
        });
        channel
    }

    /// What a rule posts to.
    pub fn url(&self) -> String {
        format!("http://{}/hooks/{SIGNATURE}", self.address)
    }

    /// How it answers from now on.
    pub fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// What it has taken.
    pub fn taken(&self) -> Vec<Value> {
        self.taken.lock().expect("not poisoned").clone()
    }

    /// How often it was called, whatever it answered.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

fn read(connection: &TcpStream) -> Option<Value> {
    let mut reader = BufReader::new(connection);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

/// A mail somebody sent.
#[derive(Debug, Clone, Default)]
pub struct Mail {
    pub recipients: Vec<String>,
    pub content: String,
}

/// Takes mail (RFC 5321, as little of it as is needed).
pub struct MailServer {
    pub address: SocketAddr,
    taken: Arc<Mutex<Vec<Mail>>>,
}

impl MailServer {
    pub fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let taken: Arc<Mutex<Vec<Mail>>> = Arc::default();
        let shared = Arc::clone(&taken);
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                thread::spawn(move || converse(&connection, &shared));
            }
        });
        Self { address, taken }
    }

    /// What it has taken.
    pub fn taken(&self) -> Vec<Mail> {
        self.taken.lock().expect("not poisoned").clone()
    }
}

fn converse(connection: &TcpStream, taken: &Mutex<Vec<Mail>>) -> Option<()> {
    let say = |line: &str| { connection }.write_all(format!("{line}\r\n").as_bytes()).ok();
    let mut lines = BufReader::new(connection).lines().map_while(Result::ok);
    let mut mail = Mail::default();
    say("220 a mail server")?;
    while let Some(line) = lines.next() {
        match line.to_ascii_uppercase() {
            end if end.starts_with("QUIT") => {
                say("221 bye")?;
                return Some(());
            }
            to if to.starts_with("RCPT") => {
                mail.recipients.push(line[line.find('<')? + 1..line.find('>')?].to_owned());
                say("250 ok")?;
            }
            data if data.starts_with("DATA") => {
                say("354 go on")?;
                for line in lines.by_ref().take_while(|line| line != ".") {
                    mail.content += &line;
                    mail.content.push('\n');
                }
                taken.lock().expect("not poisoned").push(std::mem::take(&mut mail));
                say("250 taken")?;
            }
            _ => say("250 ok")?,
        }
    }
    Some(())
}
