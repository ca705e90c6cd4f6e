//! Sign-in with Entra ID.

mod browser;
mod directory;
mod issuer_keys;
mod local_accounts;
mod programs;
mod sign_in;
mod tokens;

use msp_auth::entra::ADMINISTRATOR_ROLE;
use msp_test_support::{Person, TestApp, TestCaller, TestIssuer};

/// An installation, its issuer, and an administrator who has signed in.
struct Tenant {
    app: TestApp,
    issuer: TestIssuer,
    admin: TestCaller,
}

impl Tenant {
    async fn new() -> Self {
        let (app, issuer) = TestApp::with_entra().await;
        let admin = app.entra_caller(&issuer, &Person::named("Grace").with_role(ADMINISTRATOR_ROLE));
        let _ = admin.get(None, "/api/me").await.expect(200);
        Self { app, issuer, admin }
    }

    fn caller(&self, person: &Person) -> TestCaller {
        self.app.entra_caller(&self.issuer, person)
    }

    /// Somebody who sends this token.
    fn with_token(&self, person: &Person, token: &str) -> TestCaller {
        self.app.bearer(person.oid, token)
    }
}
