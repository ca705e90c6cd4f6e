//! The access review: who may do what where, since when, through whom, and whether it is used.

use super::reach::{Through, name_of};
use crate::{
    http::{
        Problem, ProblemKind as Kind,
        access::ReviewAccess,
        csv,
        paging::{DEFAULT_LIMIT, MAX_LIMIT, PageOf, decode_cursor, encode_cursor, list_fault, page_limit},
        params::ApiQuery,
    },
    management::executions::{accepts, stream_places::StreamPlace},
    state::Api,
};
use axum::{
    Json,
    body::Body,
    extract::{FromRequestParts as _, State},
    http::{header, request::Parts},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use futures::stream;
use msp_domain::{OrgId, Permission, Permissions, UserId};
use msp_storage::{
    Repositories, StoreError,
    repositories::{grants::Grant, snapshot::Snapshot, users::User},
};
use serde::{Deserialize, Serialize};
use std::{io, sync::Arc};

/// Rows of a part of a file.
const PART: usize = 200;
/// The longest time to ask for, in days: ten years.
const MOST_DAYS: i64 = 3_650;

/// One account's rights in one organization, or everywhere.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "user_id": "b9bb3ad1-6687-4eb2-9413-a2bbe7263003", "display_name": "Ada Lovelace", "email": "ada@example.com",
    "is_active": true, "is_service": false, "org_id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "org_name": "Contoso",
    "through": "grant",
    "permissions": { "execute_workflows": true, "manage_config": false, "manage_forms": false, "view_history": true },
    "categories": ["password_reset"], "expires_at": "2027-01-31T23:00:00Z", "is_expired": false,
    "granted_by": "platform", "granted_by_name": null, "granted_at": "2026-07-01T08:30:00Z",
    "last_used_at": "2026-11-20T07:00:00Z", "unused_days": 5
}))]
pub struct ReviewRow {
    /// Whose.
    user_id: UserId,
    /// Their name.
    display_name: String,
    /// Their address; empty for a service account.
    email: String,
    /// Whether the account works: an inactive one may do nothing.
    is_active: bool,
    /// Whether it is a service account.
    is_service: bool,
    /// Where; `null`: everywhere, for administrators and auditors.
    org_id: Option<OrgId>,
    /// Its name; `null` everywhere, and for an organization that is gone.
    org_name: Option<String>,
    /// What gives the rights.
    through: Through,
    /// Which rights: of a service account, those of the grant that its app roles allow.
    permissions: Permissions,
    /// The categories of workflows that may be run; `null`: every workflow.
    categories: Option<Vec<String>>,
    /// From this instant on the grant gives nothing.
    expires_at: Option<DateTime<Utc>>,
    /// Whether its time is over.
    is_expired: bool,
    /// Who granted it: a user id, or `platform`; `null` without a grant.
    granted_by: Option<String>,
    /// The name of who granted it, while the directory knows it.
    granted_by_name: Option<String>,
    /// When.
    granted_at: Option<DateTime<Utc>>,
    /// When the user last signed in; for a service account, when one of its tokens was last used.
    last_used_at: Option<DateTime<Utc>>,
    /// Whole days since then, or since the account was made if it was never used.
    unused_days: i64,
}

/// What to review.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReviewQuery {
    /// Only accounts that were not used for this many days.
    #[param(minimum = 0, maximum = 3650)]
    unused_days: Option<i64>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Most rows of the page, and most accounts it looks at, 1 to 200: while there is a `next_cursor` a page may be short.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
}

/// Review who may do what where: a row for every grant, also one whose time is over, and one for each administrator and
/// auditor; with who granted it and when, and when the account was last used.
///
/// With `Accept: text/csv` the answer is a file of every row, without pages; cells that a spreadsheet would take for a formula
/// begin with `'`. Rights are checked again for every 200 rows; if they end, the answer breaks off and is no whole file.
///
/// Problems: `query-invalid` (400), `streams-saturated` (503).
#[utoipa::path(
    get, path = "/api/access-review", operation_id = "getAccessReview", tag = "permissions",
    params(ReviewQuery),
    responses((status = 200, body = PageOf<ReviewRow>, description = "A page of rows: by account, and by organization for each.")),
    extensions(("x-permission" = json!("administrator or auditor")))
)]
pub async fn get_access_review(
    State(api): State<Api>,
    ReviewAccess(asking): ReviewAccess,
    ApiQuery(query): ApiQuery<ReviewQuery>,
    parts: Parts,
) -> Result<Response, Problem> {
    let limit = page_limit(query.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    if query.unused_days.is_some_and(|days| !(0..=MOST_DAYS).contains(&days)) {
        return Err(
            Problem::new(Kind::QueryInvalid).detail(format!("`unused_days` is a number from 0 to {MOST_DAYS}."))
        );
    }
    let start: Option<Start> = query.cursor.as_deref().map(decode_cursor).transpose()?;
    let review = Review::begin(&api, query.unused_days).await?;
    if accepts(&parts.headers, "text/csv") {
        let place = api.streams.take(asking.caller.user)?;
        return Ok(file(review, parts, place));
    }
    let (items, next) = review.page(start, limit).await?;
    Ok(Json(PageOf { items, next_cursor: next.as_ref().map(encode_cursor) }).into_response())
}

/// Where a page begins: the account, and what of it.
type Start = (UserId, Rest);

/// What is still to come of an account.
#[derive(Clone, Serialize, Deserialize)]
enum Rest {
    /// Every row.
    All,
    /// Its grants from this one on, by a cursor of theirs.
    Grants(String),
    /// Its being administrator or auditor, which comes last.
    Flag,
}

/// What every row needs.
struct Review {
    api: Api,
    now: DateTime<Utc>,
    unused_days: Option<i64>,
    snapshot: Arc<Snapshot>,
}

impl Review {
    async fn begin(api: &Api, unused_days: Option<i64>) -> Result<Arc<Self>, Problem> {
        let snapshot = api.repositories.snapshots.current().await?;
        Ok(Arc::new(Self { now: api.clock.now(), unused_days, snapshot, api: Arc::clone(api) }))
    }

    /// At most `limit` rows, of at most as many accounts, and where the next ones begin if there may be any.
    async fn page(&self, start: Option<Start>, limit: usize) -> Result<(Vec<ReviewRow>, Option<Start>), Problem> {
        let Repositories { users, grants, .. } = &self.api.repositories;
        let mut rows = Vec::new();
        let accounts = users.list_from(start.as_ref().map(|(first, _)| *first), limit + 1).await?;
        for (number, user) in accounts.items.iter().enumerate() {
            if number == limit || rows.len() == limit {
                return Ok((rows, Some((user.id, Rest::All))));
            }
            let last_used_at = self.last_used(user).await?;
            let unused_days = (self.now - last_used_at.unwrap_or(user.created_at)).num_days();
            if self.unused_days.is_some_and(|least| unused_days < least) {
                continue;
            }
            let row = self.row(user, last_used_at, unused_days);
            let begun = start.as_ref().filter(|(first, _)| *first == user.id).map(|(_, rest)| rest);
            if !matches!(begun, Some(Rest::Flag)) {
                let cursor = match begun {
                    Some(Rest::Grants(cursor)) => Some(cursor.as_str()),
                    _ => None,
                };
                let page = grants.list_of_user(user.id, cursor, limit - rows.len()).await.map_err(list_fault)?;
                for mut grant in page.items {
                    grant.terms.permissions = grant.terms.permissions.intersect(&user.ceiling());
                    // What holds is what the flag gives; the grant says what would hold without it.
                    rows.push(self.granted(&row, grant).await?);
                }
                if let Some(cursor) = page.next_cursor {
                    return Ok((rows, Some((user.id, Rest::Grants(cursor)))));
                }
            }
            if Through::of(user).is_some() {
                if rows.len() == limit {
                    return Ok((rows, Some((user.id, Rest::Flag))));
                }
                rows.push(row);
            }
        }
        Ok((rows, None))
    }

    /// A page of the file, for a caller who may still read it.
    async fn checked_page(
        &self,
        parts: &mut Parts,
        start: Option<Start>,
    ) -> Result<(Vec<ReviewRow>, Option<Start>), Problem> {
        if self.api.closing.is_cancelled() {
            return Err(Kind::EngineUnavailable.into());
        }
        ReviewAccess::from_request_parts(parts, &self.api).await?;
        self.page(start, PART).await
    }

    async fn last_used(&self, user: &User) -> Result<Option<DateTime<Utc>>, StoreError> {
        if user.app_roles.is_none() {
            return Ok(user.last_login_at);
        }
        let tokens = self.api.repositories.service_tokens.of(user.id).await?;
        Ok(tokens.into_iter().filter_map(|token| token.last_used_at).max())
    }

    /// The row of what an account may do everywhere.
    fn row(&self, user: &User, last_used_at: Option<DateTime<Utc>>, unused_days: i64) -> ReviewRow {
        let through = Through::of(user).unwrap_or(Through::Grant);
        ReviewRow {
            user_id: user.id,
            display_name: user.display_name.clone(),
            email: user.email.clone(),
            is_active: self.api.repositories.users.may_act(user),
            is_service: user.app_roles.is_some(),
            org_id: None,
            org_name: None,
            through,
            permissions: through.permissions(),
            categories: None,
            expires_at: None,
            is_expired: false,
            granted_by: None,
            granted_by_name: None,
            granted_at: None,
            last_used_at,
            unused_days,
        }
    }

    async fn granted(&self, of: &ReviewRow, grant: Grant) -> Result<ReviewRow, StoreError> {
        let organization = match self.snapshot.organization(grant.org).await {
            Err(StoreError::Corrupt(_)) => None,
            read => read?,
        };
        Ok(ReviewRow {
            user_id: of.user_id,
            display_name: of.display_name.clone(),
            email: of.email.clone(),
            is_active: of.is_active,
            is_service: of.is_service,
            org_id: Some(grant.org),
            org_name: organization.map(|organization| organization.name.clone()),
            through: Through::Grant,
            permissions: grant.terms.permissions,
            categories: grant.terms.categories.names(),
            expires_at: grant.terms.expires_at,
            is_expired: grant.is_expired(self.now),
            granted_by_name: name_of(&self.snapshot, &grant.granted_by).await?,
            granted_by: Some(grant.granted_by),
            granted_at: Some(grant.granted_at),
            last_used_at: of.last_used_at,
            unused_days: of.unused_days,
        })
    }
}

const COLUMNS: [&str; 17] = [
    "user_id",
    "display_name",
    "email",
    "is_active",
    "is_service",
    "org_id",
    "org_name",
    "through",
    "permissions",
    "categories",
    "expires_at",
    "is_expired",
    "granted_by",
    "granted_by_name",
    "granted_at",
    "last_used_at",
    "unused_days",
];

impl ReviewRow {
    fn line(&self) -> String {
        let instant =
            |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default();
        let through = match self.through {
            Through::Administrator => "administrator",
            Through::Auditor => "auditor",
            Through::Grant => "grant",
        };
        let permissions = Permission::ALL.into_iter().filter(|one| self.permissions.allows(*one)).map(Permission::name);
        let cells = [
            self.user_id.key(),
            self.display_name.clone(),
            self.email.clone(),
            self.is_active.to_string(),
            self.is_service.to_string(),
            self.org_id.map_or_else(|| "*".to_owned(), |org| org.key()),
            self.org_name.clone().unwrap_or_default(),
            through.to_owned(),
            permissions.collect::<Vec<_>>().join(" "),
            self.categories.clone().unwrap_or_default().join("; "),
            instant(self.expires_at),
            self.is_expired.to_string(),
            self.granted_by.clone().unwrap_or_default(),
            self.granted_by_name.clone().unwrap_or_default(),
            instant(self.granted_at),
            instant(self.last_used_at),
            self.unused_days.to_string(),
        ];
        csv::line(cells.iter().map(String::as_str))
    }
}

/// Where the file stands.
enum Position {
    Start,
    At(Start),
}

/// Every row as a file, page by page. When the store fails midway, or the caller loses the right, the answer breaks off, which
/// no client takes for the end. It holds its place to the end.
fn file(review: Arc<Review>, parts: Parts, place: StreamPlace) -> Response {
    let pages = stream::unfold((Some(Position::Start), place), move |(position, place)| {
        let (review, mut parts) = (Arc::clone(&review), parts.clone());
        async move {
            let (mut text, start) = match position? {
                Position::Start => (csv::head(COLUMNS), None),
                Position::At(start) => (String::new(), Some(start)),
            };
            match review.checked_page(&mut parts, start).await {
                Ok((rows, next)) => {
                    rows.iter().for_each(|row| text.push_str(&row.line()));
                    Some((Ok(text), (next.map(Position::At), place)))
                }
                Err(problem) => {
                    tracing::error!(problem = problem.kind().slug(), "An access review broke off");
                    // Why is not for the client, to whom the answer only ends too early.
                    Some((Err(io::Error::other("the access review broke off")), (None, place)))
                }
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"access-review.csv\""),
    ];
    (headers, Body::from_stream(pages)).into_response()
}
