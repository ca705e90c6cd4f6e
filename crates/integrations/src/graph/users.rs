//! `get_user` and `list_users`.

use super::Graph;
use crate::{
    arguments::Arguments,
    connector::MAX_RESPONSE_BYTES,
    error::{IntegrationError, NOT_FOUND, REJECTED, UNAVAILABLE},
    retry::Repeat,
};
use reqwest::Method;
use serde_json::{Map, Value};
use url::Url;

/// What a user is read with: Graph's default properties lack the ones workflows decide by.
const PROPERTIES: &str = "id,userPrincipalName,displayName,givenName,surname,mail,mailNickname,accountEnabled,\
                          usageLocation,assignedLicenses,jobTitle,department,officeLocation,mobilePhone,businessPhones";
const NEEDS: &str = "User.Read.All";

/// Users asked for at once; Graph's own largest page.
const PAGE: i64 = 999;
/// Pages followed: a tenant beyond a hundred thousand users wants a filter, and a service that never stops an end.
const MAX_PAGES: u32 = 110;

/// One user by object id or user principal name; `null` if there is none.
pub(super) async fn get(graph: &Graph<'_>, arguments: &Map<String, Value>) -> Result<Value, IntegrationError> {
    let arguments = Arguments::check("get_user", arguments, &["user_id", "select"])?;
    let user = user_id(&arguments)?;
    let properties = select(&arguments)?;
    match find(graph, user, &properties).await {
        Err(error) if error.code == NOT_FOUND => Ok(Value::Null),
        outcome => outcome,
    }
}

/// Reads one user; a missing one is `not_found`.
pub(super) async fn find(graph: &Graph<'_>, user: &str, properties: &str) -> Result<Value, IntegrationError> {
    let mut url = graph.url(&["users", user]);
    url.query_pairs_mut().append_pair("$select", properties);
    graph.get(url, NEEDS).await
}

/// The user a call is about: an object id or a user principal name, as one path segment.
pub(super) fn user_id<'a>(arguments: &Arguments<'a>) -> Result<&'a str, IntegrationError> {
    let user = arguments.required_text("user_id")?;
    // Dot segments would make another address of it; the rest is encoded.
    if matches!(user, "." | "..") || user.chars().any(char::is_control) {
        return Err(IntegrationError::invalid("user_id", "must be an object id or a user principal name"));
    }
    Ok(user)
}

/// All users, or those a filter names, page after page.
pub(super) async fn list(graph: &Graph<'_>, arguments: &Map<String, Value>) -> Result<Value, IntegrationError> {
    let arguments = Arguments::check("list_users", arguments, &["filter", "select", "limit"])?;
    let limit = arguments.integer("limit", 1)?;
    let mut next = graph.url(&["users"]);
    next.query_pairs_mut()
        .append_pair("$select", &select(&arguments)?)
        .append_pair("$top", &limit.unwrap_or(PAGE).min(PAGE).to_string());
    if let Some(filter) = arguments.text("filter")? {
        next.query_pairs_mut().append_pair("$filter", filter);
    }
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let (mut users, mut size_bytes) = (Vec::new(), 0);
    for _ in 0..MAX_PAGES {
        let answer = graph.send(Method::GET, next.clone(), None, Repeat::Harmless).await;
        let answer = answer.map_err(|failure| graph.unanswered(failure, &next))?;
        let mut page = graph.read(&answer, NEEDS)?;
        size_bytes += answer.body.len();
        if size_bytes > MAX_RESPONSE_BYTES {
            break;
        }
        if let Value::Array(found) = page["value"].take() {
            users.extend(found);
        }
        if users.len() >= limit {
            users.truncate(limit);
            return Ok(Value::Array(users));
        }
        match page["@odata.nextLink"].as_str() {
            None => return Ok(Value::Array(users)),
            Some(link) => next = follow(&graph.base, link)?,
        }
    }
    let message = "There are too many users to list at once. Narrow the list with `filter`, `select` or `limit`.";
    Err(IntegrationError::new(REJECTED, message))
}

/// The next page, if it is where the first one was: the token goes nowhere else.
fn follow(base: &Url, link: &str) -> Result<Url, IntegrationError> {
    let below = |url: &Url| {
        url.path().strip_prefix(base.path().trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
    };
    match Url::parse(link) {
        Ok(url) if url.origin() == base.origin() && below(&url) && url.username().is_empty() => Ok(url),
        _ => {
            let message = "Microsoft Graph named a next page at another address, which was not followed.";
            Err(IntegrationError::new(UNAVAILABLE, message))
        }
    }
}

/// The properties to read: a list of names, or the usual ones.
fn select(arguments: &Arguments<'_>) -> Result<String, IntegrationError> {
    let Some(given) = arguments.get("select") else { return Ok(PROPERTIES.to_owned()) };
    let fault = || IntegrationError::invalid("select", "must be a list of property names");
    let names: Vec<&str> = match given {
        Value::String(text) => text.split(',').map(str::trim).collect(),
        Value::Array(items) => items.iter().map(Value::as_str).collect::<Option<_>>().ok_or_else(fault)?,
        _ => return Err(fault()),
    };
    let legal = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if names.is_empty() || !names.iter().all(legal) {
        return Err(fault());
    }
    Ok(names.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_page_is_followed_only_at_the_same_address() {
        let base = Url::parse("https://graph.microsoft.com/v1.0").expect("an address");
        assert!(follow(&base, "https://graph.microsoft.com/v1.0/users?$skiptoken=x").is_ok());
        for link in [
            "https://evil.example/v1.0/users",
            "http://graph.microsoft.com/v1.0/users",
            "https://graph.microsoft.com:444/v1.0/users",
            "https://graph.microsoft.com/v1.0x/users",
            "https://graph.microsoft.com@evil.example/v1.0/users",
            "/v1.0/users",
        ] {
            assert!(follow(&base, link).is_err(), "{link}");
        }
    }
}
