//! Id tokens: what a browser's sign-in ends with.

use super::{EntraError, EntraIdentity, access_token::of_person, claims::Claims};
use msp_domain::TokenScopes;

/// Who an id token is about that was asked for with this nonce. One that answers no nonce, or another one, belongs to some
/// other sign-in; an access token answers none.
pub(super) fn identity(claims: Claims, nonce: &str) -> Result<EntraIdentity, EntraError> {
    if nonce.is_empty() || claims.nonce.as_deref() != Some(nonce) {
        return Err(EntraError::Refused("it belongs to another sign-in"));
    }
    if claims.scp.is_some() || claims.azp.is_some() || claims.idtyp.as_deref() == Some("app") {
        return Err(EntraError::Refused("it is no id token"));
    }
    of_person(&claims, TokenScopes::ALL)
}
