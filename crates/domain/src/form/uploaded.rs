//! Files of a submission: what stands for one, and which a field takes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Bytes in the MB of `max_size_mb`.
const BYTES_PER_MB: f64 = 1_048_576.0;

/// An uploaded file, as a submission names it.
///
/// Size and type are what a field's limits are checked against. What a browser says about them only helps the person: the
/// server looks the upload up by its id and checks what it finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UploadedFile {
    /// The upload.
    pub id: String,
    /// What the file is called.
    pub name: String,
    /// How large it is.
    pub size_bytes: u64,
    /// Its media type; empty when nobody knows.
    pub content_type: String,
}

impl UploadedFile {
    pub(super) fn read(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let text = |key: &str| object.get(key)?.as_str().map(str::to_owned);
        let size = super::value::whole(object.get("size_bytes")?)?;
        let file = Self {
            id: text("id").filter(|id| !id.is_empty())?,
            name: text("name").filter(|name| !name.is_empty())?,
            size_bytes: u64::try_from(size).ok()?,
            content_type: text("content_type")?,
        };
        Some(file)
    }

    /// Whether one of the accepted endings, types or families of types is this file's. Letter case does not matter.
    pub(super) fn is_accepted(&self, accept: &[String]) -> bool {
        let name = self.name.to_ascii_lowercase();
        let full_type = self.content_type.to_ascii_lowercase();
        let media_type = full_type.split(';').next().unwrap_or_default().trim();
        accept.is_empty()
            || accept.iter().map(|entry| entry.to_ascii_lowercase()).any(|entry| {
                if entry.starts_with('.') {
                    name.len() > entry.len() && name.ends_with(&entry)
                } else if let Some(family) = entry.strip_suffix('*') {
                    media_type.starts_with(family)
                } else {
                    media_type == entry
                }
            })
    }

    pub(super) fn is_larger_than_mb(&self, max_size_mb: f64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "a size read from JSON is below 2^53")]
        let size = self.size_bytes as f64;
        size > max_size_mb * BYTES_PER_MB
    }
}

/// Whether this can be an entry of `accept`.
pub(super) fn is_accept_entry(entry: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+-_".contains(&byte))
    };
    match entry.split_once('/') {
        Some((family, kind)) => is_word(family) && (kind == "*" || is_word(kind)),
        None => entry.strip_prefix('.').is_some_and(is_word),
    }
}
