//! Path and query parameters, refused as problems.

use super::{Problem, ProblemKind as Kind};
use axum::{
    RequestPartsExt,
    extract::{FromRequestParts, Path, Query, RawPathParams},
    http::request::Parts,
};
use msp_domain::config::check_name;
use serde::de::DeserializeOwned;

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
