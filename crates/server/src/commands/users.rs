//! `msp user`.

use crate::{cli::User as UserCommand, failure::UsageError, platform::Platform, running::RunningServer, serving};
use anyhow::{Context, Result};
use msp_domain::{OrgId, Permission, Permissions, naming, workflow::nearest};
use msp_storage::repositories::{
    Actor,
    users::{User, UserChange, UserError},
};

/// Rows asked for at once.
const PAGE: usize = 200;

/// Adds, changes, lists, or makes a sign-in link.
pub async fn user(platform: &Platform, command: &UserCommand) -> Result<()> {
    match command {
        UserCommand::Add { email, name, admin, grant } => add(platform, email, name, *admin, grant).await,
        UserCommand::Grant { email, grant } => give(platform, email, grant).await,
        UserCommand::Revoke { email, org } => revoke(platform, email, org).await,
        UserCommand::Deactivate { email } => deactivate(platform, email).await,
        UserCommand::List => list(platform).await,
        UserCommand::Link { email } => link(platform, email.as_deref()).await,
    }
}

async fn add(platform: &Platform, email: &str, name: &str, admin: bool, grants: &[String]) -> Result<()> {
    platform.only_with_local_accounts("msp user add", "they are there once they have signed in")?;
    let refused = |what: &str, text: &str, fault| UsageError(format!("`{}` is no {what}: {fault}", plain(text)));
    let email = naming::email(email).map_err(|fault| refused("e-mail address", email, fault))?;
    let name = naming::name(name).map_err(|fault| refused("name", name, fault))?;
    // Everything is read before anything is written, so a mistake in the last grant leaves no half-made user.
    let mut wanted = Vec::with_capacity(grants.len());
    for grant in grants {
        wanted.push(parse_grant(platform, grant).await?);
    }
    let user = match platform.repositories.users.create(email, name, admin, &Actor::PLATFORM).await {
        Ok(user) => user,
        Err(UserError::EmailTaken) => {
            return Err(UsageError(format!("there is a user {email} already")).into());
        }
        Err(error) => return Err(error.into()),
    };
    for (org, permissions) in wanted {
        platform.repositories.grants.set(user.id, org, permissions, &Actor::PLATFORM).await?;
    }
    println!("{}", user.id);
    eprintln!("{email} may sign in with the link that `msp user link {email}` prints.");
    Ok(())
}

async fn give(platform: &Platform, email: &str, grants: &[String]) -> Result<()> {
    let user = platform.user_or_administrator(Some(email)).await?;
    let mut wanted = Vec::with_capacity(grants.len());
    for grant in grants {
        wanted.push(parse_grant(platform, grant).await?);
    }
    for (org, permissions) in wanted {
        platform.repositories.grants.set(user.id, org, permissions, &Actor::PLATFORM).await?;
    }
    Ok(())
}

async fn revoke(platform: &Platform, email: &str, org: &str) -> Result<()> {
    // Also of somebody who is inactive: whoever activates them again should find nothing left.
    let user = platform.repositories.users.find_by_email(email).await?;
    let user =
        user.ok_or_else(|| UsageError(format!("there is no user {email}; `msp user list` shows who there is")))?;
    let org = platform.organization(org).await?;
    Ok(platform.repositories.grants.revoke(user.id, org.id, &Actor::PLATFORM).await?)
}

async fn deactivate(platform: &Platform, email: &str) -> Result<()> {
    let user = platform.user_or_administrator(Some(email)).await?;
    let change = UserChange { is_active: Some(false), ..UserChange::default() };
    match platform.repositories.users.update(user.id, &change, None, &Actor::PLATFORM).await {
        Ok(_) => Ok(()),
        Err(UserError::LastAdministrator) => {
            Err(UsageError(format!("{email} is the last active administrator; make another one first")).into())
        }
        Err(error) => Err(error.into()),
    }
}

async fn parse_grant(platform: &Platform, text: &str) -> Result<(OrgId, Permissions)> {
    let (org, names) = text
        .split_once('=')
        .ok_or_else(|| UsageError(format!("`{text}` is not a grant; expected ORG=permission,permission")))?;
    let org = platform.organization(org).await?;
    let known = || Permission::ALL.iter().map(|permission| permission.name());
    let permissions: Result<Permissions, UsageError> = names
        .split(',')
        .map(|name| {
            Permission::ALL.into_iter().find(|permission| permission.name() == name).ok_or_else(|| {
                let advice = nearest(name, known())
                    .map_or_else(|| known().collect::<Vec<_>>().join(", "), |name| format!("did you mean {name}?"));
                UsageError(format!("there is no permission `{name}`: {advice}"))
            })
        })
        .collect();
    Ok((org.id, permissions?))
}

async fn list(platform: &Platform) -> Result<()> {
    let mut cursor = None;
    loop {
        let page = platform.repositories.users.list(cursor.as_deref(), PAGE).await?;
        for user in page.items {
            let kind = match &user {
                User { is_platform_admin: true, .. } => "administrator",
                User { app_roles: Some(_), .. } => "service",
                User { is_auditor: true, .. } => "auditor",
                _ => "user",
            };
            let state = match user.is_active {
                false => " (inactive)",
                true if !platform.repositories.users.may_act(&user) => " (of another directory)",
                true => "",
            };
            println!("{}  {kind:<13} {}  {}{state}", user.id, plain(&user.email), plain(&user.display_name));
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// A text as it may stand in a line on a terminal. What is stored was checked, but maybe not by this version.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if naming::is_showable(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

async fn link(platform: &Platform, email: Option<&str>) -> Result<()> {
    platform.only_with_local_accounts("msp user link", "they need no link")?;
    let user = platform.user_or_administrator(email).await?;
    let base = match (&platform.settings.public_url, RunningServer::find(&platform.data)) {
        (Some(url), _) => url.to_string(),
        (None, Some(server)) => server.url,
        (None, None) => {
            return Err(UsageError(
                "the server's address is not known: start `msp serve` first, or set MSP_PUBLIC_URL".to_owned(),
            )
            .into());
        }
    };
    let link = serving::sign_in_link(platform, user.id, &base).await.context("no link could be made")?;
    println!("{link}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_name_neither_moves_the_cursor_nor_reorders_its_line() {
        assert_eq!(plain("Z\u{1b}[2Jo\u{202e}\u{eb}\n"), "Z\u{fffd}[2Jo\u{fffd}\u{eb}\u{fffd}");
    }
}
