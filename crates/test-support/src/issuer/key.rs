//! An RSA key, made for one test.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) struct SigningKey {
    pub kid: String,
    pair: KeyPair,
}

impl SigningKey {
    pub fn generate() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        Self { kid: Uuid::new_v4().simple().to_string(), pair }
    }

    /// The header and claims as a token, signed with RS256 whatever the header says.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let text = format!("{}.{}", B64.encode(header.to_string()), B64.encode(claims.to_string()));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).expect("signed");
        format!("{text}.{}", B64.encode(signature))
    }

    /// The public key as it is published.
    pub fn published(&self) -> Value {
        let public = self.pair.public_key();
        let (n, e) =
            (public.modulus().big_endian_without_leading_zero(), public.exponent().big_endian_without_leading_zero());
        json!({ "kty": "RSA", "use": "sig", "kid": self.kid, "n": B64.encode(n), "e": B64.encode(e) })
    }

    /// The public key as bytes anybody knows.
    pub fn public_bytes(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }
}
