//! What the issuer answers, read whole.

use reqwest::Response;

/// Why a body was not read.
pub(super) enum Unread {
    /// It ended too early, or took too long.
    Broken(reqwest::Error),
    /// It holds more than it may.
    TooLong,
}

/// The body of an answer, if it holds no more than `most` bytes: an issuer that goes on for ever fills no memory.
pub(super) async fn read(mut answer: Response, most: usize) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(Unread::Broken)? {
        if body.len() + piece.len() > most {
            return Err(Unread::TooLong);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}
