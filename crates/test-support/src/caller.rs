//! Somebody who sends requests.

use crate::{Answer, COOKIE_NAME, HOST};
use axum::{
    Router,
    body::{Body, BodyDataStream},
    extract::ConnectInfo,
};
use futures::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use msp_domain::{OrgId, UserId};
use serde_json::Value;
use std::net::SocketAddr;
use tower::ServiceExt;

/// Where requests come from unless a test says otherwise (TEST-NET-1, RFC 5737).
const ADDRESS: ([u8; 4], u16) = ([192, 0, 2, 7], 50_000);

#[derive(Clone)]
enum Credential {
    None,
    Token(String),
    Session(String),
}

/// A caller of the API.
#[derive(Clone)]
pub struct TestCaller {
    router: Router,
    credential: Credential,
    user: Option<UserId>,
}

impl TestCaller {
    pub(crate) fn stranger(router: Router) -> Self {
        Self { router, credential: Credential::None, user: None }
    }

    pub(crate) fn with_token(router: Router, user: UserId, token: String) -> Self {
        Self { router, credential: Credential::Token(token), user: Some(user) }
    }

    pub(crate) fn in_browser(router: Router, user: UserId, session: String) -> Self {
        Self { router, credential: Credential::Session(session), user: Some(user) }
    }

    /// Who it is.
    ///
    /// # Panics
    /// For a stranger.
    pub fn user(&self) -> UserId {
        self.user.expect("a stranger has no user id")
    }

    /// The token or session, as it travels.
    pub fn credential(&self) -> &str {
        match &self.credential {
            Credential::None => "",
            Credential::Token(text) | Credential::Session(text) => text,
        }
    }

    /// A request to be completed and sent.
    pub fn request(&self, method: &str, path: &str) -> Request {
        let mut request = Request {
            router: self.router.clone(),
            method: method.parse().expect("a method"),
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            address: ADDRESS.into(),
        }
        .header("host", HOST);
        request = match &self.credential {
            Credential::None => request,
            Credential::Token(token) => request.header("authorization", &format!("Bearer {token}")),
            // As a browser on our own page sends it.
            Credential::Session(session) => request
                .header("cookie", &format!("{COOKIE_NAME}={session}"))
                .header("origin", &format!("http://{HOST}")),
        };
        request
    }

    /// `GET`.
    pub async fn get(&self, org: impl Into<Option<OrgId>>, path: &str) -> Answer {
        self.request("GET", path).org(org).send().await
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, org: impl Into<Option<OrgId>>, path: &str, body: Value) -> Answer {
        self.request("POST", path).org(org).json(&body).send().await
    }

    /// `PUT` with a JSON body.
    pub async fn put(&self, org: impl Into<Option<OrgId>>, path: &str, body: Value) -> Answer {
        self.request("PUT", path).org(org).json(&body).send().await
    }

    /// `PATCH` with a JSON body.
    pub async fn patch(&self, org: impl Into<Option<OrgId>>, path: &str, body: Value) -> Answer {
        self.request("PATCH", path).org(org).json(&body).send().await
    }

    /// `DELETE`.
    pub async fn delete(&self, org: impl Into<Option<OrgId>>, path: &str) -> Answer {
        self.request("DELETE", path).org(org).send().await
    }
}

/// A request in the making.
#[must_use]
pub struct Request {
    router: Router,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
    address: SocketAddr,
}

impl Request {
    /// Sets a header, replacing one of the same name.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(
            name.parse::<HeaderName>().expect("a header name"),
            HeaderValue::from_str(value).expect("a header value"),
        );
        self
    }

    /// Sends a header once more, beside any of the same name.
    pub fn header_too(mut self, name: &str, value: &str) -> Self {
        self.headers.append(
            name.parse::<HeaderName>().expect("a header name"),
            HeaderValue::from_str(value).expect("a header value"),
        );
        self
    }

    /// Leaves a header out.
    pub fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// Names an organization in the header.
    pub fn org(self, org: impl Into<Option<OrgId>>) -> Self {
        match org.into() {
            Some(org) => self.header("x-organization-id", &org.key()),
            None => self,
        }
    }

    /// A JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.body(body.to_string()).header(header::CONTENT_TYPE.as_str(), "application/json")
    }

    /// A body as it is.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// From another address.
    pub fn from_address(mut self, address: [u8; 4]) -> Self {
        self.address = (address, 50_000).into();
        self
    }

    /// Sends it through the router and reads the whole answer.
    ///
    /// # Panics
    /// If the body cannot be read.
    pub async fn send(self) -> Answer {
        self.send_and_follow(|_| {}).await
    }

    /// Like [`Self::send`], and shows what has arrived of the body each time there is more of it.
    ///
    /// # Panics
    /// If the body cannot be read.
    pub async fn send_and_follow(self, mut arrived: impl FnMut(&str)) -> Answer {
        let (parts, mut pieces) = self.begin().await;
        let mut body = Vec::new();
        while let Some(piece) = pieces.next().await {
            body.extend_from_slice(&piece.expect("the body is readable"));
            arrived(&String::from_utf8_lossy(&body));
        }
        Answer { status: parts.status, headers: parts.headers, body: body.into() }
    }

    /// Sends it and hands the body over as it arrives.
    pub async fn send_in_parts(self) -> BodyDataStream {
        self.begin().await.1
    }

    async fn begin(self) -> (http::response::Parts, BodyDataStream) {
        let mut request = http::Request::new(Body::from(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.path.parse().expect("a path");
        *request.headers_mut() = self.headers;
        request.extensions_mut().insert(ConnectInfo(self.address));
        let response = match self.router.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (parts, body) = response.into_parts();
        (parts, body.into_data_stream())
    }
}
