//! Path parameters, query parameters and single headers, refused as problems.

use super::{Problem, ProblemKind as Kind};
use axum::{
    RequestPartsExt,
    extract::{FromRequestParts, Path, Query, RawPathParams},
    http::{HeaderMap, HeaderName, HeaderValue, Uri, request::Parts},
};
use msp_domain::config::check_name;
use serde::{Deserialize, de::DeserializeOwned};
use url::form_urlencoded;

/// The parts of the path.
pub struct ApiPath<T>(pub T);

impl<T: DeserializeOwned + Send + 'static, S: Send + Sync> FromRequestParts<S> for ApiPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts
            .extract::<Path<T>>()
            .await
            .map(|Path(value)| Self(value))
            .map_err(|rejection| Problem::new(Kind::PathInvalid).detail(rejection.body_text()))
    }
}

/// The query. Types refuse unknown names: a misspelt filter must not answer everything.
pub struct ApiQuery<T>(pub T);

impl<T: DeserializeOwned + Send + 'static, S: Send + Sync> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Query::<T>::try_from_uri(&parts.uri)
            .map(|Query(value)| Self(value))
            .map_err(|rejection| Problem::new(Kind::QueryInvalid).detail(rejection.body_text()))
    }
}

/// The query of an operation of which one parameter may be repeated: its values, and the rest.
pub(crate) fn repeated<T: DeserializeOwned>(uri: &Uri, name: &str) -> Result<(Vec<String>, T), Problem> {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let (values, rest): (Vec<_>, Vec<_>) = pairs.partition(|(parameter, _)| parameter == name);
    let rest = form_urlencoded::Serializer::for_suffix(String::from("/?"), 2).extend_pairs(rest).finish();
    // Encoded anew it may have become longer than an address can be.
    let rest = rest.parse().map_err(|_| Problem::new(Kind::QueryInvalid).detail("The query is too long."))?;
    let Query(rest) = Query::<T>::try_from_uri(&rest)
        .map_err(|rejection| Problem::new(Kind::QueryInvalid).detail(rejection.body_text()))?;
    Ok((values.into_iter().map(|(_, value)| value.into_owned()).collect(), rest))
}

/// The query of an operation that has none of its own: only `org_id` may stand there.
pub struct NoQuery;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OnlyOrganization {
    #[serde(rename = "org_id")]
    _org_id: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        ApiQuery::<OnlyOrganization>::from_request_parts(parts, state).await.map(|_| Self)
    }
}

/// The value of a header that may be sent once. Of two, a proxy may have believed the other one.
pub(crate) fn at_most_once(headers: &HeaderMap, name: HeaderName) -> Result<Option<&HeaderValue>, Problem> {
    let mut values = headers.get_all(&name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Problem::new(Kind::HeaderInvalid).detail(format!("Send `{name}` once.")));
    }
    Ok(first)
}

/// A config key, secret name or integration type: the part of the path that is not the organization.
pub struct PathName(pub String);

impl<S: Send + Sync> FromRequestParts<S> for PathName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let params = parts
            .extract::<RawPathParams>()
            .await
            .map_err(|rejection| Problem::new(Kind::PathInvalid).detail(rejection.body_text()))?;
        let name = params.iter().find(|(parameter, _)| *parameter != "org").map_or("", |(_, text)| text);
        check_name(name).map_err(|fault| Problem::new(Kind::PathInvalid).detail(format!("The name {fault}.")))?;
        Ok(Self(name.to_owned()))
    }
}
