//! Bearer tokens this installation mints for itself (`msp token`): JWT, HS256, one hour.

use crate::verified::{Verified, VerifiedTokens};
use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use msp_domain::{TokenScopes, UserId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;
use zeroize::Zeroizing;

/// How long a minted token works (design section 4).
pub const TOKEN_LIFETIME: Duration = Duration::hours(1);

/// How far the clocks of the minting and the verifying process may be apart. Both run on one machine, so this only
/// covers a clock that is being adjusted.
pub const CLOCK_LEEWAY: Duration = Duration::seconds(5);

/// The `aud` of every token: nothing else accepts one.
const AUDIENCE: &str = "msp-automation-platform";

/// What a valid token says. The user may meanwhile be inactive: [`crate::Authenticator`] looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenIdentity {
    /// Whose.
    pub user: UserId,
    /// For what.
    pub scopes: TokenScopes,
    /// Since when.
    pub issued_at: DateTime<Utc>,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// Why a token is refused. The difference is for the log; a caller is only told 401.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token of this installation: signature, issuer, audience, directory or shape.
    #[error("the token is not valid here")]
    Invalid,
    /// It was one.
    #[error("the token has expired")]
    Expired,
}

/// What travels in the token. The names are those Entra ID uses, so both kinds of token read alike.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    tid: Uuid,
    oid: UserId,
    scp: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// Mints and verifies.
#[derive(Clone)]
pub struct Tokens {
    keys: Arc<Keys>,
    verified: Arc<VerifiedTokens<TokenIdentity>>,
    directory_id: Uuid,
    issuer: String,
}

struct Keys {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl Tokens {
    /// With a signing key derived from the master key, for the directory of this installation.
    pub fn new(signing_key: [u8; 32], directory_id: Uuid) -> Self {
        let key = Zeroizing::new(signing_key);
        Self {
            keys: Arc::new(Keys {
                encoding: EncodingKey::from_secret(key.as_slice()),
                decoding: DecodingKey::from_secret(key.as_slice()),
            }),
            verified: Arc::default(),
            directory_id,
            issuer: format!("urn:uuid:{}", directory_id.hyphenated()),
        }
    }

    /// A token for a user, good from `now` for [`TOKEN_LIFETIME`].
    pub fn mint(&self, user: UserId, scopes: TokenScopes, now: DateTime<Utc>) -> String {
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            tid: self.directory_id,
            oid: user,
            scp: scopes.to_claim(),
            iat: now.timestamp(),
            nbf: now.timestamp(),
            exp: (now + TOKEN_LIFETIME).timestamp(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.keys.encoding)
            .expect("plain claims always serialise and HMAC takes any key")
    }

    /// Verifies a token at `now`. Of a token that was verified before, only the times are looked at again.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<TokenIdentity, TokenError> {
        let Verified { identity, not_before, .. } = match self.verified.find(token) {
            Ok(verified) => verified,
            Err(place) => {
                let verified = self.read(token)?;
                self.verified.keep(place, verified.clone(), now);
                verified
            }
        };
        if not_before > now + CLOCK_LEEWAY {
            return Err(TokenError::Invalid);
        }
        if identity.expires_at + CLOCK_LEEWAY <= now {
            return Err(TokenError::Expired);
        }
        Ok(identity)
    }

    fn read(&self, token: &str) -> Result<Verified<TokenIdentity>, TokenError> {
        let claims = jsonwebtoken::decode::<Claims>(token, &self.keys.decoding, &self.validation())
            .map_err(|_| TokenError::Invalid)?
            .claims;
        if claims.tid != self.directory_id {
            return Err(TokenError::Invalid);
        }
        let instant = |seconds| DateTime::from_timestamp(seconds, 0).ok_or(TokenError::Invalid);
        let identity = TokenIdentity {
            user: claims.oid,
            scopes: TokenScopes::parse(&claims.scp),
            issued_at: instant(claims.iat)?,
            expires_at: instant(claims.exp)?,
        };
        Ok(Verified { not_before: instant(claims.nbf)?, expires_at: identity.expires_at, identity })
    }

    /// The algorithm is fixed, whatever the header says. Times are compared by [`Self::verify`], because the library
    /// would ask the machine's clock instead of the injected one.
    fn validation(&self) -> Validation {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "exp", "nbf"]);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as B64};
    use serde_json::{Value, json};

    const KEY: [u8; 32] = [7; 32];

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("an instant")
    }

    fn signed(header: &Header, claims: &Value, key: [u8; 32]) -> String {
        jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(&key)).expect("a token")
    }

    fn claims(tokens: &Tokens) -> Value {
        json!({
            "iss": tokens.issuer, "aud": AUDIENCE, "tid": tokens.directory_id, "oid": UserId::random(),
            "scp": "Workflows.Execute", "iat": noon().timestamp(), "nbf": noon().timestamp(),
            "exp": noon().timestamp() + 60,
        })
    }

    #[test]
    fn a_minted_token_says_whose_it_is_what_for_and_works_for_an_hour() {
        let tokens = Tokens::new(KEY, Uuid::new_v4());
        let user = UserId::random();
        let scopes = TokenScopes::parse("Workflows.Execute Organizations.Manage");
        let token = tokens.mint(user, scopes, noon());

        let identity = tokens.verify(&token, noon() + Duration::minutes(59)).expect("valid");
        assert_eq!(identity, TokenIdentity { user, scopes, issued_at: noon(), expires_at: noon() + TOKEN_LIFETIME });
        assert_eq!(tokens.verify(&token, noon() + TOKEN_LIFETIME + CLOCK_LEEWAY), Err(TokenError::Expired));
        assert_eq!(tokens.verify(&token, noon() - Duration::minutes(1)), Err(TokenError::Invalid));
    }

    #[test]
    fn only_a_token_signed_here_for_this_directory_with_this_algorithm_is_accepted() {
        let tokens = Tokens::new(KEY, Uuid::new_v4());
        let good = claims(&tokens);
        let hs256 = Header::new(Algorithm::HS256);
        assert!(tokens.verify(&signed(&hs256, &good, KEY), noon()).is_ok());

        let mut bad = vec![
            signed(&hs256, &good, [8; 32]),
            signed(&Header::new(Algorithm::HS512), &good, KEY),
            format!("{}.{}.", B64.encode(r#"{"alg":"none"}"#), B64.encode(good.to_string())),
            "not a token".to_owned(),
            String::new(),
        ];
        for claim in ["iss", "aud", "tid", "oid", "scp", "exp", "nbf"] {
            let mut without = good.clone();
            without.as_object_mut().expect("an object").shift_remove(claim);
            bad.push(signed(&hs256, &without, KEY));
            let mut other = good.clone();
            other[claim] = if claim == "tid" { json!(Uuid::new_v4()) } else { json!([claim, "other"]) };
            bad.push(signed(&hs256, &other, KEY));
        }
        for token in bad {
            assert_eq!(tokens.verify(&token, noon()), Err(TokenError::Invalid), "{token}");
        }
    }
}
