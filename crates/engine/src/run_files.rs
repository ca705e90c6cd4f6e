//! The files of one recorded run: what its worker may read and write of them. Which run that is the host knows itself.

use crate::{masking::Masker, workers::CallRefusal};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use msp_domain::{
    ExecutionId, Scope,
    file::{MAX_FILE_BYTES, file_name, media_type},
};
use msp_storage::{
    StoreError,
    repositories::files::{
        ExecutionFile, FileWriter, Files, MAX_FILES, MAX_TOTAL_BYTES, NewOutput, OutputError, StoredFile, WriteError,
    },
};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use tokio::sync::Mutex;
use uuid::Uuid;

/// The files of one run.
pub(crate) struct RunFiles {
    files: Files,
    execution: ExecutionId,
    scope: Scope,
    masker: Masker,
    /// Files whose bytes have not all arrived. Held while one is written, so that they are begun one after the other.
    open: Mutex<HashMap<Uuid, FileWriter>>,
}

/// Whether a call is about files.
pub(crate) fn is_about_files(method: &str) -> bool {
    method.starts_with("files.")
}

/// The refusal of an option generator's call.
pub(crate) fn none_here() -> CallRefusal {
    refusal("no_files", "An option generator has no files; only a run has.".to_owned())
}

impl RunFiles {
    pub fn new(files: Files, (scope, execution): (Scope, ExecutionId), masker: Masker) -> Self {
        Self { files, execution, scope, masker, open: Mutex::default() }
    }

    pub async fn answer(&self, method: &str, arguments: &Map<String, Value>) -> Result<Value, CallRefusal> {
        match method {
            "files.list" => self.list().await,
            "files.read" => self.read(arguments).await,
            "files.write" => self.write(arguments).await,
            "files.append" => self.append(arguments).await,
            other => Err(refusal("unknown_method", format!("The platform knows no call `{other}`."))),
        }
    }

    async fn list(&self) -> Result<Value, CallRefusal> {
        let all = self.files.of_execution(self.execution, None, MAX_FILES).await.map_err(unavailable)?;
        Ok(all.items.iter().map(|found| described(&found.file)).collect())
    }

    async fn read(&self, arguments: &Map<String, Value>) -> Result<Value, CallRefusal> {
        let part = arguments.get("part").and_then(Value::as_u64).and_then(|part| usize::try_from(part).ok());
        let (id, part) = (id_of(arguments).ok_or_else(not_found)?, part.ok_or_else(|| invalid("`part` is a number."))?);
        let found = self.files.execution_file(self.execution, id).await.map_err(unavailable)?;
        let ExecutionFile { file, .. } = found.ok_or_else(not_found)?;
        // An empty file has no part, and is read all the same.
        let bytes = match self.files.part(&file, part).await {
            Err(StoreError::NotFound) if part == 0 => bytes::Bytes::new(),
            Err(StoreError::NotFound) => return Err(invalid("The file has no such part.")),
            read => read.map_err(unavailable)?,
        };
        Ok(json!({ "data": BASE64_STANDARD.encode(bytes), "parts": file.parts.len() }))
    }

    async fn write(&self, arguments: &Map<String, Value>) -> Result<Value, CallRefusal> {
        let text = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
        // Names are shown wherever files are listed; bytes are not looked at.
        let name = self.masker.text(text("name"));
        let name = file_name(&name).map_err(|expected| invalid(&format!("`name`: {expected}.")))?;
        let size_bytes = arguments.get("size_bytes").and_then(Value::as_u64);
        let size_bytes = size_bytes.ok_or_else(|| invalid("`size_bytes` is a number."))?;
        if size_bytes > MAX_FILE_BYTES {
            return Err(too_large(&format!("A file has at most {} MiB.", MAX_FILE_BYTES >> 20)));
        }
        let data = data_of(arguments)?;
        let new = NewOutput {
            execution: self.execution,
            scope: self.scope,
            name,
            content_type: media_type(text("content_type")),
            size_bytes,
        };
        let mut open = self.open.lock().await;
        let writer = self.files.begin_output(&new).await.map_err(|error| match error {
            OutputError::TooMany => refusal("too_many_files", format!("A run has at most {MAX_FILES} files.")),
            OutputError::TooLarge => {
                too_large(&format!("The files of a run have at most {} MiB together.", MAX_TOTAL_BYTES >> 20))
            }
            OutputError::Store(error) => unavailable(error),
        })?;
        let id = writer.id();
        let answer = json!({
            "id": id, "name": new.name, "size_bytes": size_bytes, "content_type": new.content_type,
        });
        self.add(&mut open, writer, &data, size_bytes).await.map(|()| answer)
    }

    async fn append(&self, arguments: &Map<String, Value>) -> Result<Value, CallRefusal> {
        let data = data_of(arguments)?;
        let mut open = self.open.lock().await;
        let writer = id_of(arguments).and_then(|id| open.remove(&id)).ok_or_else(not_found)?;
        let size_bytes = writer.limit();
        self.add(&mut open, writer, &data, size_bytes).await.map(|()| Value::Null)
    }

    /// Adds bytes to a file, and ends it with the last of them. A file that cannot be written is removed.
    async fn add(
        &self,
        open: &mut HashMap<Uuid, FileWriter>,
        mut writer: FileWriter,
        data: &[u8],
        size_bytes: u64,
    ) -> Result<(), CallRefusal> {
        let id = writer.id();
        let written = match writer.write(data).await {
            Ok(()) if writer.size_bytes() < size_bytes => {
                open.insert(id, writer);
                return Ok(());
            }
            Ok(()) => self.files.complete_output(self.execution, writer).await.map(drop).map_err(unavailable),
            Err(WriteError::TooLarge(_)) => Err(invalid("There are more bytes than `size_bytes` said.")),
            Err(WriteError::Store(error)) => Err(unavailable(error)),
        };
        if written.is_err() {
            self.abandon(id).await;
        }
        written
    }

    /// Removes what the run did not write to its end.
    pub async fn close(&self) {
        let open = std::mem::take(&mut *self.open.lock().await);
        for id in open.into_keys() {
            self.abandon(id).await;
        }
    }

    async fn abandon(&self, id: Uuid) {
        if let Err(error) = self.files.abandon_output(self.execution, id).await {
            tracing::warn!(execution.id = %self.execution, error = %error, "The half of a file could not be removed; it goes with its execution");
        }
    }
}

/// A file as a worker sees it, and as a submission names it.
fn described(file: &StoredFile) -> Value {
    json!({ "id": file.id, "name": file.name, "size_bytes": file.size_bytes, "content_type": file.content_type })
}

fn id_of(arguments: &Map<String, Value>) -> Option<Uuid> {
    arguments.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok())
}

fn data_of(arguments: &Map<String, Value>) -> Result<Vec<u8>, CallRefusal> {
    let text = arguments.get("data").and_then(Value::as_str);
    text.and_then(|text| BASE64_STANDARD.decode(text).ok()).ok_or_else(|| invalid("`data` is base64."))
}

fn not_found() -> CallRefusal {
    let message = "This run has no such file. It has those it was submitted with and those it wrote itself; a file of \
                   another run must be uploaded again.";
    refusal("file_not_found", message.to_owned())
}

fn too_large(message: &str) -> CallRefusal {
    refusal("file_too_large", message.to_owned())
}

fn invalid(message: &str) -> CallRefusal {
    refusal("invalid_arguments", message.to_owned())
}

fn refusal(code: &str, message: String) -> CallRefusal {
    CallRefusal { code: code.to_owned(), message, status: None }
}

fn unavailable(error: StoreError) -> CallRefusal {
    tracing::error!(error = %error, "A file of a run could not be read or written");
    match error {
        StoreError::Full(_) => {
            refusal("store_full", "The platform's disk is full; an administrator must make room.".to_owned())
        }
        _ => refusal("unavailable", "The platform's store cannot be reached; try again later.".to_owned()),
    }
}
