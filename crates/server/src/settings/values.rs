//! What single settings may be. Each reader says what is wrong with a value, in a phrase that follows the setting's name.

use crate::logging::LogFormat;
use msp_auth::{ScrapeToken, entra::is_on_this_machine};
use msp_storage::{SecretValue, repositories::seals::MIN_AUDIT_DAYS};
use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};
use tracing_subscriber::EnvFilter;
use url::Url;
use uuid::Uuid;

/// Fewest and most worker processes that make sense: two organizations at once, and what one machine can hold.
const WORKERS_RANGE: std::ops::RangeInclusive<usize> = 2..=1024;
/// An idle worker holds about 25 MiB; less than the smallest limit would end every run.
const WORKER_MEMORY_RANGE: std::ops::RangeInclusive<u64> = 64..=1 << 20;
/// With less, no page of the client opens.
const LEAST_REQUESTS_PER_MINUTE: u32 = 60;
/// A hundred years.
const MAX_AUDIT_DAYS: u32 = 36_500;

pub(super) fn interpreter(text: &str) -> Result<PathBuf, String> {
    // A bare name is looked for on the path, by the engine.
    if text.contains('/') && !Path::new(text).is_file() {
        return Err(format!("names {text}, which is not a file"));
    }
    Ok(text.into())
}

pub(super) fn workers(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| WORKERS_RANGE.contains(count)).ok_or_else(|| {
        format!("must be a whole number from {} to {}, not `{text}`", WORKERS_RANGE.start(), WORKERS_RANGE.end())
    })
}

pub(super) fn memory_mb(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|size| WORKER_MEMORY_RANGE.contains(size)).ok_or_else(|| {
        let (least, most) = (WORKER_MEMORY_RANGE.start(), WORKER_MEMORY_RANGE.end());
        format!("must be a whole number of MiB from {least} to {most}, not `{text}`")
    })
}

pub(super) fn audit_days(text: &str) -> Result<u32, String> {
    text.parse().ok().filter(|days| (MIN_AUDIT_DAYS..=MAX_AUDIT_DAYS).contains(days)).ok_or_else(|| {
        format!(
            "must be a whole number of days from {MIN_AUDIT_DAYS} to {MAX_AUDIT_DAYS}, not `{text}`; without it they are \
             kept for ever"
        )
    })
}

pub(super) fn requests_per_minute(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|count| *count >= LEAST_REQUESTS_PER_MINUTE)
        .ok_or_else(|| format!("must be a whole number from {LEAST_REQUESTS_PER_MINUTE} on, not `{text}`"))
}

/// The larger of 8 and 4 per processor (design section 6, "Workers").
pub(super) fn default_workers() -> usize {
    thread::available_parallelism().map_or(8, |processors| (processors.get() * 4).max(8))
}

pub(super) fn origin(text: &str) -> Result<Url, String> {
    let fault = || format!("must be an address such as https://automation.example.com, not `{text}`");
    let url = Url::parse(text).map_err(|_| fault())?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if matches!(url.scheme(), "http" | "https") && url.has_host() && bare { Ok(url) } else { Err(fault()) }
}

pub(super) fn guid(text: &str) -> Result<Uuid, String> {
    Uuid::parse_str(text).map_err(|_| "is not a GUID".to_owned())
}

pub(super) fn authority(text: &str) -> Result<Url, String> {
    let safe = |url: &Url| url.scheme() == "https" || is_on_this_machine(url);
    let fault = || format!("must be an address such as https://login.microsoftonline.us, not `{text}`");
    origin(text).ok().filter(safe).ok_or_else(fault)
}

pub(super) fn hosts(text: &str) -> Result<Vec<String>, String> {
    let names: Vec<_> = text.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    match names.iter().find(|name| name.is_empty() || !name.chars().all(legal)) {
        Some(name) => {
            Err(format!("holds `{name}`; expected host names separated by commas, such as a.example,b.example:8080"))
        }
        None => Ok(names),
    }
}

pub(super) fn scrape_token(path: &str) -> Result<ScrapeToken, String> {
    let text = fs::read_to_string(path).map_err(|cause| format!("names {path}, which cannot be read: {cause}"))?;
    ScrapeToken::parse(&text).map_err(|fault| format!("names {path}, which {fault}"))
}

pub(super) fn password(path: &str) -> Result<SecretValue, String> {
    let text = fs::read_to_string(path).map_err(|cause| format!("names {path}, which cannot be read: {cause}"))?;
    let password = SecretValue::new(text.trim_end_matches(['\r', '\n']));
    if password.reveal().is_empty() { Err(format!("names {path}, which is empty")) } else { Ok(password) }
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        other => Err(format!("must be text or json, not `{other}`")),
    }
}

pub(super) fn filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map_err(|error| format!("is not a log filter: {error}"))?;
    Ok(text.to_owned())
}
