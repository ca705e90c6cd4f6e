//! Access tokens: those of people, who use this API through a client, and those of programs.
//!
//! What must not pass is an id token, which is for the same application and signed with the same keys, and may carry the same
//! roles. So an access token names the client that asked for it (`azp`), which no id token of Entra ID does, and answers no
//! `nonce`. It then either has scopes (`scp`), and is a person's, or it is a program's: `idtyp` says `app`, or, where that
//! optional claim is not switched on, the token is about the client itself (`sub` is the `oid`).

use super::{EntraError, EntraIdentity, claims::Claims};
use msp_domain::{AppRole, AppRoles, TokenScopes};
use msp_storage::repositories::users::EntraAccount;
use serde::{Deserialize, de::value::StrDeserializer};

/// The app role of people who hold every right everywhere.
pub const ADMINISTRATOR_ROLE: &str = "Platform.Admin";
/// The app role of those who read everything everywhere but secrets, people and programs.
pub const AUDITOR_ROLE: &str = "Platform.Auditor";

/// Who an access token is about.
pub(super) fn identity(claims: Claims) -> Result<EntraIdentity, EntraError> {
    if claims.azp.is_none() || claims.nonce.is_some() {
        return Err(EntraError::Refused("it is an id token, or of another kind: send an access token"));
    }
    match &claims.scp {
        Some(scopes) => {
            let scopes = TokenScopes::parse(scopes);
            of_person(&claims, scopes)
        }
        None if is_of_program(&claims) => of_program(&claims),
        None => Err(EntraError::Refused("it has neither scopes nor is it a program's")),
    }
}

fn is_of_program(claims: &Claims) -> bool {
    match claims.idtyp.as_deref() {
        Some(kind) => kind == "app",
        None => claims.sub.as_deref() == Some(claims.oid.key().as_str()),
    }
}

/// A person, with the flags its roles give. Whoever holds both roles is administrator, who reads everything as well.
pub(super) fn of_person(claims: &Claims, scopes: TokenScopes) -> Result<EntraIdentity, EntraError> {
    let is_platform_admin = claims.has_role(ADMINISTRATOR_ROLE);
    let account = EntraAccount {
        tenant_id: claims.tid,
        id: claims.oid,
        email: claims.address(),
        display_name: claims.display_name(),
        is_platform_admin,
        is_auditor: !is_platform_admin && claims.has_role(AUDITOR_ROLE),
        app_roles: None,
        as_of: claims.issued_at()?,
    };
    of(claims, account, scopes)
}

fn of_program(claims: &Claims) -> Result<EntraIdentity, EntraError> {
    let known = claims.roles.iter().filter_map(|role| app_role(role));
    let roles = AppRoles::new(known).map_err(|_| {
        EntraError::Refused("it is a program's without an app role of this application, or an auditor's with others")
    })?;
    let scopes = roles.scopes();
    let account = EntraAccount {
        tenant_id: claims.tid,
        id: claims.oid,
        email: None,
        display_name: None,
        is_platform_admin: false,
        is_auditor: roles.has(AppRole::PlatformAuditor),
        app_roles: Some(roles),
        as_of: claims.issued_at()?,
    };
    of(claims, account, scopes)
}

fn of(claims: &Claims, account: EntraAccount, scopes: TokenScopes) -> Result<EntraIdentity, EntraError> {
    Ok(EntraIdentity { issued_at: account.as_of, expires_at: claims.expires_at()?, account, scopes })
}

fn app_role(name: &str) -> Option<AppRole> {
    let name = StrDeserializer::<serde::de::value::Error>::new(name);
    AppRole::deserialize(name).ok()
}
