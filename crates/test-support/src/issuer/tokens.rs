//! Tokens, as Entra ID writes them.

use super::TestIssuer;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use chrono::TimeDelta;
use msp_domain::UserId;
use serde_json::{Value, json};
use uuid::Uuid;

/// How long a token is valid: Entra ID chooses 60 to 90 minutes.
const LIFETIME: TimeDelta = TimeDelta::minutes(75);
/// Every scope.
const EVERY_SCOPE: &str = "Workflows.Execute Forms.Manage Organizations.Manage";

/// Somebody in the tenant.
#[derive(Debug, Clone)]
pub struct Person {
    /// The `oid`.
    pub oid: UserId,
    /// What they are called.
    pub name: String,
    /// What they sign in with.
    pub username: String,
    /// Their app roles.
    pub roles: Vec<String>,
}

impl Person {
    /// Somebody new of this name, with an address made of it.
    pub fn named(name: &str) -> Self {
        let username = format!("{}@msp.example", name.to_lowercase().replace(' ', "."));
        Self { oid: UserId::random(), name: name.to_owned(), username, roles: Vec::new() }
    }

    /// The same with an app role.
    #[must_use]
    pub fn with_role(mut self, role: &str) -> Self {
        self.roles.push(role.to_owned());
        self
    }
}

/// A program in the tenant.
#[derive(Debug, Clone)]
pub struct Program {
    /// The `oid` of its service principal.
    pub oid: UserId,
    /// Its app roles.
    pub roles: Vec<String>,
}

impl Program {
    /// A new one with these app roles.
    pub fn with_roles(roles: &[&str]) -> Self {
        Self { oid: UserId::random(), roles: roles.iter().map(|role| (*role).to_owned()).collect() }
    }
}

impl TestIssuer {
    /// A person's access token for everything.
    pub fn access_token(&self, person: &Person) -> String {
        self.sign(&self.claims_of(person, EVERY_SCOPE))
    }

    /// A person's access token for these scopes.
    pub fn scoped_token(&self, person: &Person, scopes: &str) -> String {
        self.sign(&self.claims_of(person, scopes))
    }

    /// A program's access token.
    pub fn program_token(&self, program: &Program) -> String {
        self.sign(&self.claims_of_program(program))
    }

    /// A person's id token, for a sign-in with this nonce.
    pub fn id_token(&self, person: &Person, nonce: &str) -> String {
        self.sign(&self.id_claims_of(person, nonce))
    }

    /// What a person's access token says.
    pub fn claims_of(&self, person: &Person, scopes: &str) -> Value {
        let mut claims = self.personal_claims(person);
        claims["azp"] = json!(Uuid::from_u128(7));
        claims["azpacr"] = json!("0");
        claims["scp"] = json!(scopes);
        claims
    }

    /// What a person's id token says.
    pub fn id_claims_of(&self, person: &Person, nonce: &str) -> Value {
        let mut claims = self.personal_claims(person);
        claims["nonce"] = json!(nonce);
        claims
    }

    /// What a program's access token says.
    pub fn claims_of_program(&self, program: &Program) -> Value {
        let mut claims = self.claims();
        claims["azp"] = json!(Uuid::from_u128(8));
        claims["azpacr"] = json!("1");
        claims["oid"] = json!(program.oid);
        claims["sub"] = json!(program.oid);
        if !program.roles.is_empty() {
            claims["roles"] = json!(program.roles);
        }
        claims
    }

    fn personal_claims(&self, person: &Person) -> Value {
        let mut claims = self.claims();
        claims["oid"] = json!(person.oid);
        // Another one for every application, and no GUID.
        claims["sub"] = json!(B64.encode(person.oid.as_uuid().as_bytes()));
        claims["name"] = json!(person.name);
        claims["preferred_username"] = json!(person.username);
        if !person.roles.is_empty() {
            claims["roles"] = json!(person.roles);
        }
        claims
    }

    fn claims(&self) -> Value {
        let now = self.shared.clock.now();
        json!({
            "aud": self.shared.client_id,
            "iss": self.shared.issuer(),
            "iat": now.timestamp(),
            "nbf": now.timestamp(),
            "exp": (now + LIFETIME).timestamp(),
            "tid": self.shared.tenant_id,
            "uti": B64.encode(Uuid::new_v4().as_bytes()),
            "ver": "2.0",
        })
    }

    /// These claims, signed.
    pub fn sign(&self, claims: &Value) -> String {
        let key = self.shared.signing_key();
        key.sign(&json!({ "typ": "JWT", "alg": "RS256", "kid": key.kid }), claims)
    }

    /// These claims under this header, signed.
    pub fn sign_under(&self, header: &Value, claims: &Value) -> String {
        self.shared.signing_key().sign(header, claims)
    }

    /// The id of the key that signs.
    pub fn key_id(&self) -> String {
        self.shared.signing_key().kid.clone()
    }

    /// The public half of the key that signs: what an attacker would sign with who hopes that it is taken for a secret.
    pub fn public_key(&self) -> Vec<u8> {
        self.shared.signing_key().public_bytes()
    }
}
