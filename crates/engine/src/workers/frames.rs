//! Frames of the worker protocol: four bytes of length, then one JSON object.

use bytes::{Buf, BytesMut};
use msp_domain::{ExecutionId, FileError, LogLevel, OptionGenerator, Workflow};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};
use std::path::Path;

/// Longest body of a frame (docs/worker-protocol.md, "Frames").
pub(super) const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;
/// The only version there is.
const VERSION: u64 = 1;
const HEADER_BYTES: usize = 4;

/// A frame that breaks the rules.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    #[error("a frame of {0} bytes is over the limit of {MAX_FRAME_BYTES}")]
    TooLong(usize),
    #[error("a frame is not what the protocol says: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("a frame has version {0}, expected {VERSION}")]
    Version(u64),
    #[error("a frame has sequence {got}, expected {expected}")]
    Sequence { expected: u64, got: u64 },
    #[error("a frame has the unknown type `{0}`")]
    UnknownType(String),
}

/// What a worker says.
#[derive(Debug)]
pub(super) enum FromWorker {
    Hello,
    Loaded(Loaded),
    Log(Log),
    Progress(Progress),
    Step(StepFrame),
    Call(Call),
    Beat(Beat),
    Result(Finished),
}

#[derive(Debug, Deserialize)]
pub(super) struct Loaded {
    pub workflows: Vec<Workflow>,
    pub option_generators: Vec<OptionGenerator>,
    pub errors: Vec<FileError>,
    /// What works and is probably not meant.
    #[serde(default)]
    pub warnings: Vec<FileError>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Log {
    pub execution_id: Option<ExecutionId>,
    pub lines: Vec<Line>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Line {
    pub at_ms: i64,
    pub level: LogLevel,
    pub source: String,
    pub message: String,
    #[serde(default)]
    pub step: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Progress {
    pub execution_id: ExecutionId,
    pub percent: Option<f64>,
    pub message: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StepFrame {
    pub execution_id: ExecutionId,
    pub step: u32,
    pub at_ms: i64,
    pub state: StepState,
    /// Of a step that begins.
    pub name: Option<String>,
    /// Of one that failed.
    pub message: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StepState {
    Started,
    Completed,
    Failed,
    Cancelled,
}

#[derive(Debug, Deserialize)]
pub(super) struct Call {
    pub execution_id: ExecutionId,
    pub call: CallId,
    pub method: String,
    #[serde(default)]
    pub arguments: Map<String, Value>,
}

/// The worker's own name for a call, echoed in the reply.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum CallId {
    Number(u64),
    Text(String),
}

#[derive(Debug, Deserialize)]
pub(super) struct Beat {
    /// Milliseconds; a fraction is possible.
    pub loop_lag_ms: f64,
    pub blocked_at: Option<Place>,
}

/// A line of author code.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Place {
    pub file: String,
    pub line: u32,
}

#[derive(Debug)]
pub(super) struct Finished {
    pub execution_id: ExecutionId,
    /// Whether the frame says so: a worker that says nothing vouches for nothing.
    pub caller_untouched: bool,
    pub ending: FinishedAs,
}

#[derive(Debug)]
pub(super) enum FinishedAs {
    Returned(String),
    Raised { error_type: String, message: String, traceback: String },
    Cancelled,
}

/// A tagged enum would buffer the fields, which loses the raw text of `value`.
#[derive(Deserialize)]
struct FinishedWire<'a> {
    execution_id: ExecutionId,
    outcome: OutcomeName,
    caller_touched: Option<bool>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    error_type: Option<String>,
    message: Option<String>,
    traceback: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum OutcomeName {
    Returned,
    Raised,
    Cancelled,
}

impl From<FinishedWire<'_>> for Finished {
    fn from(wire: FinishedWire<'_>) -> Self {
        let ending = match wire.outcome {
            OutcomeName::Returned => FinishedAs::Returned(wire.value.map_or("null", RawValue::get).to_owned()),
            OutcomeName::Raised => FinishedAs::Raised {
                error_type: wire.error_type.unwrap_or_default(),
                message: wire.message.unwrap_or_default(),
                traceback: wire.traceback.unwrap_or_default(),
            },
            OutcomeName::Cancelled => FinishedAs::Cancelled,
        };
        Self { execution_id: wire.execution_id, caller_untouched: wire.caller_touched == Some(false), ending }
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: std::borrow::Cow<'a, str>,
    v: u64,
    seq: u64,
}

/// Takes bytes in, gives frames out, and holds the worker to version and sequence.
#[derive(Default)]
pub(super) struct FrameReader {
    /// Where bytes from the socket are appended.
    pub buffer: BytesMut,
    last_seq: u64,
}

impl FrameReader {
    /// The next whole frame, if there is one.
    ///
    /// # Errors
    /// [`FrameError`] on the first byte that breaks the rules; nothing after it can be trusted.
    pub fn next(&mut self) -> Result<Option<FromWorker>, FrameError> {
        let Some(header) = self.buffer.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let length = u32::from_be_bytes(*header) as usize;
        if length > MAX_FRAME_BYTES {
            return Err(FrameError::TooLong(length));
        }
        if self.buffer.len() < HEADER_BYTES + length {
            self.buffer.reserve(HEADER_BYTES + length - self.buffer.len());
            return Ok(None);
        }
        self.buffer.advance(HEADER_BYTES);
        let body = self.buffer.split_to(length);
        self.parse(&body).map(Some)
    }

    fn parse(&mut self, body: &[u8]) -> Result<FromWorker, FrameError> {
        let envelope: Envelope<'_> = serde_json::from_slice(body)?;
        if envelope.v != VERSION {
            return Err(FrameError::Version(envelope.v));
        }
        let expected = self.last_seq + 1;
        if envelope.seq != expected {
            return Err(FrameError::Sequence { expected, got: envelope.seq });
        }
        self.last_seq = expected;
        Ok(match envelope.kind.as_ref() {
            "hello" => FromWorker::Hello,
            "loaded" => FromWorker::Loaded(serde_json::from_slice(body)?),
            "log" => FromWorker::Log(serde_json::from_slice(body)?),
            "progress" => FromWorker::Progress(serde_json::from_slice(body)?),
            "step" => FromWorker::Step(serde_json::from_slice(body)?),
            "call" => FromWorker::Call(serde_json::from_slice(body)?),
            "beat" => FromWorker::Beat(serde_json::from_slice(body)?),
            "result" => FromWorker::Result(serde_json::from_slice::<FinishedWire<'_>>(body)?.into()),
            unknown => return Err(FrameError::UnknownType(unknown.chars().take(40).collect())),
        })
    }
}

/// What the host says.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ToWorker<'a> {
    Load {
        workspace: &'a Path,
        site_packages: Option<&'a Path>,
        bundle: &'a str,
    },
    Start {
        execution_id: ExecutionId,
        kind: &'a str,
        name: &'a str,
        arguments: &'a Map<String, Value>,
        context: &'a Value,
    },
    Reply(Reply<'a>),
    Cancel {
        execution_id: ExecutionId,
        reason: &'a str,
    },
}

#[derive(Debug, Serialize)]
pub(super) struct Reply<'a> {
    pub execution_id: ExecutionId,
    pub call: &'a CallId,
    pub ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ReplyError<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct ReplyError<'a> {
    pub code: &'a str,
    pub message: &'a str,
    pub status: Option<u16>,
}

/// A frame as it travels.
///
/// # Errors
/// [`FrameError::TooLong`] when the body is over the limit.
pub(super) fn encode(frame: &ToWorker<'_>) -> Result<Vec<u8>, FrameError> {
    let mut bytes = vec![0; HEADER_BYTES];
    serde_json::to_writer(&mut bytes, frame)?;
    let length = bytes.len() - HEADER_BYTES;
    match u32::try_from(length) {
        Ok(header) if length <= MAX_FRAME_BYTES => {
            bytes[..HEADER_BYTES].copy_from_slice(&header.to_be_bytes());
            Ok(bytes)
        }
        _ => Err(FrameError::TooLong(length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn framed(body: &str) -> Vec<u8> {
        let mut bytes = u32::try_from(body.len()).expect("short").to_be_bytes().to_vec();
        bytes.extend_from_slice(body.as_bytes());
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Vec<FromWorker>, FrameError> {
        let mut reader = FrameReader::default();
        reader.buffer.extend_from_slice(bytes);
        let mut frames = Vec::new();
        while let Some(frame) = reader.next()? {
            frames.push(frame);
        }
        Ok(frames)
    }

    #[test]
    fn a_result_keeps_the_text_the_worker_wrote() {
        let body = r#"{"type":"result","v":1,"seq":1,"execution_id":"0197c1c8-0000-7000-8000-000000000001","outcome":"returned","value":{"b": 1.50,"a":[]}}"#;
        let frames = read(&framed(body)).expect("a good frame");
        let [FromWorker::Result(Finished { ending: FinishedAs::Returned(text), .. })] = &frames[..] else {
            panic!("{frames:?}")
        };
        assert_eq!(text, r#"{"b": 1.50,"a":[]}"#);
    }

    #[test]
    fn only_a_result_that_says_so_vouches_that_the_caller_was_not_looked_at() {
        for (said, untouched) in
            [(r#","caller_touched":false"#, true), (r#","caller_touched":true"#, false), ("", false)]
        {
            let body = format!(
                r#"{{"type":"result","v":1,"seq":1,"execution_id":"0197c1c8-0000-7000-8000-000000000001","outcome":"returned"{said}}}"#
            );
            let frames = read(&framed(&body)).expect("a good frame");
            let [FromWorker::Result(finished)] = &frames[..] else { panic!("{frames:?}") };
            assert_eq!(finished.caller_untouched, untouched, "{body}");
        }
    }

    #[test]
    fn version_sequence_type_and_length_are_held_to() {
        let faults = [
            (framed(r#"{"type":"hello","v":2,"seq":1}"#), "version 2"),
            (framed(r#"{"type":"hello","v":1,"seq":2}"#), "sequence 2, expected 1"),
            (framed(r#"{"type":"shout","v":1,"seq":1}"#), "unknown type `shout`"),
            (framed("not json"), "not what the protocol says"),
            (vec![1, 0, 0, 1], "over the limit"),
        ];
        for (bytes, expected) in faults {
            let fault = read(&bytes).expect_err(expected).to_string();
            assert!(fault.contains(expected), "{fault}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes);
            let _ = read(&framed(&String::from_utf8_lossy(&bytes)));
        }

        #[test]
        fn arbitrary_fields_never_panic(
            kind in "hello|loaded|log|progress|step|call|beat|result",
            field in "execution_id|lines|outcome|caller_touched|value|workflows|loop_lag_ms|call|arguments|step|state",
            value in r#"null|1|-1|1e999|"x"|\[\]|\{\}|\[\[\[|"\\ud800""#,
        ) {
            let _ = read(&framed(&format!(r#"{{"type":"{kind}","v":1,"seq":1,"{field}":{value}}}"#)));
        }

        #[test]
        fn frames_survive_any_split(cut in 0_usize..70) {
            let bytes = [framed(r#"{"type":"hello","v":1,"seq":1}"#), framed(r#"{"type":"hello","v":1,"seq":2}"#)].concat();
            let cut = cut.min(bytes.len());
            let mut reader = FrameReader::default();
            let mut seen = 0;
            for part in [&bytes[..cut], &bytes[cut..]] {
                reader.buffer.extend_from_slice(part);
                while reader.next().expect("good frames").is_some() {
                    seen += 1;
                }
            }
            prop_assert_eq!(seen, 2);
        }
    }
}
