//! Lists: `{items, next_cursor}`.

use super::{Problem, ProblemKind as Kind};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use msp_storage::StoreError;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Items of a page unless the query says otherwise.
pub(crate) const DEFAULT_LIMIT: usize = 50;
/// Most items of a page.
pub(crate) const MAX_LIMIT: usize = 200;

/// One page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PageOf<T> {
    /// The items.
    pub items: Vec<T>,
    /// Send it as `cursor` for the next page; `null` at the end.
    pub next_cursor: Option<String>,
}

impl<T> PageOf<T> {
    /// A list that fits one page.
    pub(crate) fn all(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }
}

/// The query of a plain list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Where to go on: `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Items of the page, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<usize>,
    /// The organization, for links that cannot send `X-Organization-Id`.
    #[param(value_type = Option<String>, format = Uuid)]
    #[serde(rename = "org_id")]
    pub _org_id: Option<String>,
}

/// The number of items asked for.
pub(crate) fn page_limit(limit: Option<usize>, default: usize, max: usize) -> Result<usize, Problem> {
    match limit {
        None => Ok(default),
        Some(limit) if (1..=max).contains(&limit) => Ok(limit),
        Some(_) => Err(Problem::new(Kind::QueryInvalid).detail(format!("`limit` is a number from 1 to {max}."))),
    }
}

/// The refusal of a list: the only limit a caller can break there is the form of the cursor.
pub(crate) fn list_fault(error: StoreError) -> Problem {
    match error {
        StoreError::Limit(_) => foreign_cursor(),
        other => other.into(),
    }
}

fn foreign_cursor() -> Problem {
    Problem::new(Kind::QueryInvalid).detail("`cursor` is not one this list has answered.")
}

/// A cursor of our own: opaque, safe in a URL.
pub(crate) fn encode_cursor(position: &impl Serialize) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).expect("positions are plain data"))
}

/// Reads a cursor back.
pub(crate) fn decode_cursor<T: DeserializeOwned>(cursor: &str) -> Result<T, Problem> {
    BASE64_URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(foreign_cursor)
}
