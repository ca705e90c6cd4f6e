//! `msp token`.

use crate::{cli::Token, platform::Platform};
use anyhow::Result;
use msp_domain::{Scope, TokenScopes};
use msp_storage::repositories::{Actor, audit::AuditDraft, users::User};
use serde_json::json;

/// Prints a bearer token and nothing else.
pub async fn token(platform: &Platform, arguments: &Token) -> Result<()> {
    platform.only_with_local_accounts(
        "msp token",
        "get an access token from Entra ID, or make a token of a service account (/api/service-accounts)",
    )?;
    let user = match &arguments.service {
        Some(name) => platform.service_account(name).await?,
        None => platform.user_or_administrator(arguments.user.as_deref()).await?,
    };
    println!("{}", mint(platform, &user).await?);
    Ok(())
}

/// A token with every scope for a user, on record in the audit trail. Where people sign in with Entra ID it is one that only
/// the command line makes, for its own requests.
pub async fn mint(platform: &Platform, user: &User) -> Result<String> {
    let draft = AuditDraft {
        scope: Scope::Global,
        actor: Actor::PLATFORM,
        action: "Token.Mint".to_owned(),
        entity_type: "User".to_owned(),
        entity_id: user.id.key(),
        details: json!({ "made_by": "command line" }),
    };
    platform.repositories.audit.record(draft).await?;
    Ok(platform.tokens.mint(user.id, TokenScopes::ALL, platform.clock.now()))
}
