//! The least HTTP/1.1 client that is correct for what it talks to: one request at a time on a kept connection.

use anyhow::{Context, Result, bail};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Answers are small; a history page is the largest.
const ROOM: usize = 64 * 1024;
/// No answer that is measured comes near this.
const MAX_ANSWER: usize = 16 << 20;

/// The bytes of a request.
pub fn request(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        text += &format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    }
    (text + "\r\n" + body).into_bytes()
}

/// What the head of an answer says.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Where the body begins.
    length: usize,
    body_length: usize,
}

/// Reads the head, once it is complete.
fn head(bytes: &[u8]) -> Result<Option<Head>> {
    let Some(length) = bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4) else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&bytes[..length]).context("the head of an answer is no text")?;
    let mut lines = text.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1.1 "))
        .and_then(|rest| rest.get(..3)?.parse().ok())
        .context("an answer does not begin like HTTP/1.1")?;
    let mut body_length = None;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            body_length = Some(value.trim().parse().context("content-length is no number")?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            bail!("an answer came in chunks, which this client does not read");
        }
    }
    let body_length = body_length.context("an answer has no content-length")?;
    Ok(Some(Head { status, length, body_length }))
}

/// A kept connection.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// An answer, until the next request.
pub struct Answer<'a> {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: &'a [u8],
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("{address} cannot be reached"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(ROOM) })
    }

    /// Sends a request and reads its answer.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.received.clear();
        self.stream.write_all(request).await.context("a request cannot be sent")?;
        let mut known = None;
        loop {
            if known.is_none() {
                known = head(&self.received)?;
            }
            if let Some(Head { status, length, body_length }) = known
                && self.received.len() >= length + body_length
            {
                return Ok(Answer { status, body: &self.received[length..length + body_length] });
            }
            if self.received.len() > MAX_ANSWER {
                bail!("an answer is larger than {MAX_ANSWER} bytes");
            }
            if self.stream.read_buf(&mut self.received).await.context("an answer cannot be read")? == 0 {
                bail!("the connection was closed in the middle of an answer");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[test]
    fn a_head_is_read_when_it_is_complete() {
        let text = b"HTTP/1.1 424 Failed Dependency\r\nContent-Length: 5\r\nx: y\r\n\r\nhello";
        assert_eq!(head(&text[..40]).expect("so far"), None);
        let expected = Head { status: 424, length: text.len() - 5, body_length: 5 };
        assert_eq!(head(text).expect("complete"), Some(expected));
    }

    #[test]
    fn what_is_not_understood_is_no_answer() {
        for text in [
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
            "SSH-2.0-OpenSSH\r\n\r\n",
        ] {
            assert!(head(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_request_states_its_body() {
        let bytes = request(([127, 0, 0, 1], 80).into(), "POST", "/a", &[("x", "y")], "{}");
        let text = String::from_utf8(bytes).expect("text");
        assert!(text.starts_with("POST /a HTTP/1.1\r\n") && text.contains("\r\nx: y\r\n"), "{text}");
        assert!(text.contains("content-length: 2\r\n") && text.ends_with("\r\n\r\n{}"), "{text}");
    }

    #[tokio::test]
    async fn answers_that_arrive_in_pieces_are_put_together_on_one_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut asked = [0; 1024];
            for answer in [
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n|ok",
                "HTTP/1.1 404 |Not Found\r\ncontent-length: 0\r\n\r\n",
            ] {
                assert!(stream.read(&mut asked).await.expect("a request") > 0);
                for piece in answer.split('|') {
                    stream.write_all(piece.as_bytes()).await.expect("written");
                    tokio::task::yield_now().await;
                }
            }
        });
        let mut connection = Connection::open(address).await.expect("a connection");
        let asking = request(address, "GET", "/", &[], "");
        let first = connection.ask(&asking).await.expect("an answer");
        assert_eq!((first.status, first.body), (200, &b"ok"[..]));
        assert_eq!(connection.ask(&asking).await.expect("an answer").status, 404);
        server.await.expect("the server");
        assert!(connection.ask(&asking).await.is_err(), "the server is gone");
    }
}
