//! Browsers that go to the issuer and come back, each step by hand.

use msp_storage::repositories::users::User;
use msp_test_support::{Answer, HOST, Person, TestApp, TestCaller, TestIssuer};
use reqwest::{Client, redirect::Policy};
use std::collections::BTreeMap;
use url::Url;

/// An installation and two people who may sign in to it.
pub(super) struct Place {
    pub app: TestApp,
    pub issuer: TestIssuer,
    pub ada: Person,
    pub grace: Person,
}

/// A browser: it keeps the cookies it is given.
#[derive(Clone)]
pub(super) struct Browser {
    caller: TestCaller,
    cookies: BTreeMap<String, String>,
}

impl Place {
    pub async fn new() -> Self {
        let (app, issuer) = TestApp::with_entra().await;
        issuer.allow_redirect(&format!("http://{HOST}/api/auth/entra/callback"));
        Self { app, issuer, ada: Person::named("Ada"), grace: Person::named("Grace") }
    }

    pub fn browser(&self) -> Browser {
        Browser { caller: self.app.stranger(), cookies: BTreeMap::new() }
    }

    /// What the issuer is asked where an answer leads to it.
    pub fn asked(&self, answer: &Answer) -> BTreeMap<String, String> {
        let location = answer.header("location");
        assert!(location.starts_with(self.issuer.authority()), "not to the issuer: {location}");
        let url = Url::parse(location).expect("an address");
        url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
    }

    /// The path that the issuer leads the browser back to, after this person has signed in there.
    pub async fn answer(&self, begun: &Answer, person: &Person) -> String {
        self.issuer.sign_in_as(Some(person.clone()));
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().expect("a client");
        let answer = client.get(begun.header("location")).send().await.expect("the issuer answers");
        let back = answer.headers().get("location").and_then(|value| value.to_str().ok());
        let back = back.unwrap_or_else(|| panic!("the issuer refused: {}", answer.status()));
        back.strip_prefix(&format!("http://{HOST}")).expect("back to this server").to_owned()
    }

    /// A whole sign-in.
    pub async fn sign_in(&self, browser: &mut Browser, person: &Person) {
        let begun = browser.open("/api/auth/entra/start").await.expect(303);
        let back = browser.open(&self.answer(&begun, person).await).await.expect(303);
        assert_eq!(back.header("location"), format!("http://{HOST}/"));
    }

    /// Opens an address that leads to the sign-in page, which explains this failure.
    pub async fn fails(&self, browser: &mut Browser, path: &str, reason: &str) {
        let answer = browser.open(path).await;
        assert_eq!(answer.status.as_u16(), 303, "{path}: {}", answer.text());
        assert_eq!(answer.header("location"), format!("http://{HOST}/sign-in?failed={reason}"), "{path}");
        assert!(answer.body.is_empty(), "{path}");
    }

    /// The account on record.
    pub async fn user(&self, person: &Person) -> Option<User> {
        self.app.repositories.users.get(person.oid).await.expect("the directory is readable")
    }
}

impl Browser {
    /// Opens an address as if it was typed in, and keeps the cookies of the answer.
    pub async fn open(&mut self, path: &str) -> Answer {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self.caller.request("GET", path).header("sec-fetch-mode", "navigate");
        if !cookies.is_empty() {
            request = request.header("cookie", &cookies.join("; "));
        }
        let answer = request.send().await;
        for set in answer.headers.get_all("set-cookie") {
            let text = set.to_str().expect("text");
            let (name, value) = text.split(';').next().and_then(|pair| pair.split_once('=')).expect("a pair");
            if text.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }
}
