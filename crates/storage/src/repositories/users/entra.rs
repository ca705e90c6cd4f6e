//! Accounts that Entra ID vouches for: made when they are first seen, and brought in line with what it says of them.

use super::rows::{describe, read, row};
use super::{User, UserError, Users};
use crate::repositories::{Actor, audit::AuditDraft, retry, write_over};
use crate::{Commit, Etag, StoreError, Table, TableWrite};
use chrono::{DateTime, Utc};
use msp_domain::{AppRoles, Scope, UserId};
use serde_json::json;
use uuid::Uuid;

/// What Entra ID says of an account, in a credential it has issued.
#[derive(Debug, Clone, PartialEq)]
pub struct EntraAccount {
    /// The tenant.
    pub tenant_id: Uuid,
    /// The `oid`.
    pub id: UserId,
    /// The address of a person, if it is one.
    pub email: Option<String>,
    /// What a person is called. Programs have no name in their tokens: they keep the one they have here.
    pub display_name: Option<String>,
    /// Holds every right everywhere.
    pub is_platform_admin: bool,
    /// Reads everything everywhere but secrets, and does nothing else.
    pub is_auditor: bool,
    /// What a program may be used for; `None` for a person.
    pub app_roles: Option<AppRoles>,
    /// When the credential was issued.
    pub as_of: DateTime<Utc>,
}

impl EntraAccount {
    /// Whether the account on record is not as this says, and this is the newer of the two: two credentials that differ are
    /// both in use for as long as the older one is valid.
    pub fn differs_from(&self, user: &User) -> bool {
        user.described_at.is_none_or(|described_at| described_at < self.as_of)
            && (self.email.as_ref().is_some_and(|email| *email != user.email)
                || self.display_name.as_ref().is_some_and(|name| *name != user.display_name)
                || self.is_platform_admin != user.is_platform_admin
                || self.is_auditor != user.is_auditor
                || self.app_roles != user.app_roles)
    }

    fn applied_to(&self, before: Option<&User>, now: DateTime<Utc>) -> User {
        let mut user = before.cloned().unwrap_or_else(|| User {
            id: self.id,
            email: String::new(),
            display_name: self.id.key(),
            is_active: true,
            is_platform_admin: false,
            is_auditor: false,
            app_roles: None,
            tenant_id: Some(self.tenant_id),
            described_at: None,
            signed_out_at: None,
            created_at: now,
            last_login_at: Some(now),
            etag: Etag(String::new()),
        });
        if let Some(email) = &self.email {
            user.email.clone_from(email);
        }
        if let Some(display_name) = &self.display_name {
            user.display_name.clone_from(display_name);
        }
        user.is_platform_admin = self.is_platform_admin;
        user.is_auditor = self.is_auditor;
        user.app_roles.clone_from(&self.app_roles);
        user.described_at = Some(self.as_of);
        user
    }
}

/// Whether a change by hand is about what Entra ID says of an account. Its programs have no name there.
pub(super) fn decides(before: &User, after: &User) -> bool {
    before.tenant_id.is_some()
        && (before.is_platform_admin != after.is_platform_admin
            || before.is_auditor != after.is_auditor
            || before.app_roles != after.app_roles
            || (before.app_roles.is_none() && before.display_name != after.display_name))
}

impl Users {
    /// The account as Entra ID says it is: makes it, without any grant, or brings it in line, and only if it differs.
    /// Whether it is active is decided here, and stays. Racing calls agree.
    ///
    /// A tenant gives an address to one person at a time, so whoever comes with one has it now, and the account of that
    /// tenant that had it before goes on without. Accounts that were made here keep theirs: nobody becomes another account
    /// by an address.
    ///
    /// # Errors
    /// [`UserError::OtherKind`] when the id is that of an account of another directory, or of a program instead of a person;
    /// then nothing was written.
    pub async fn admit(&self, account: &EntraAccount, actor: &Actor) -> Result<User, UserError> {
        retry(async || {
            let seen = self.journal.generation.current().await?;
            let before = self.get(account.id).await?;
            if let Some(before) = &before {
                let is_it = before.tenant_id == Some(account.tenant_id);
                if !is_it || before.app_roles.is_some() != account.app_roles.is_some() {
                    return Err(UserError::OtherKind);
                }
                if !account.differs_from(before) {
                    return Ok(before.clone());
                }
            }
            let user = account.applied_to(before.as_ref(), self.journal.clock.now());
            let action = if before.is_some() { "User.Update" } else { "User.Create" };
            let mut writes = self.written(before.as_ref(), &user, actor, action);
            for holder in self.holders_of(&user).await? {
                let without = User { email: String::new(), ..holder.clone() };
                writes.extend(self.written(Some(&holder), &without, actor, "User.Update"));
            }
            writes.push(self.journal.generation.bump());
            let commit = Commit { writes, guards: vec![self.journal.generation.guard(seen)] };
            match self.journal.take_away(commit).await?.into_iter().nth(1).flatten() {
                Some(etag) => Ok(User { etag, ..user }),
                None => self.get(user.id).await?.ok_or(UserError::NotFound),
            }
        })
        .await
    }

    /// The other people of the tenant that have the address of this one.
    async fn holders_of(&self, user: &User) -> Result<Vec<User>, StoreError> {
        if user.email.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = user.email.to_lowercase();
        let others = self.rows().await?.into_iter().filter(|row| row.row_key != user.id.key());
        let others = others.filter_map(|row| read(&row).ok());
        Ok(others.filter(|it| it.tenant_id == user.tenant_id && it.email.to_lowercase() == wanted).collect())
    }

    /// An account, behind its row of the audit trail: where this is no transaction, nothing takes effect unrecorded.
    fn written(&self, before: Option<&User>, after: &User, actor: &Actor, action: &str) -> Vec<TableWrite> {
        let mut details = json!({ "after": describe(after), "made_by": "sign-in" });
        if let Some(before) = before {
            details["before"] = describe(before);
        }
        let draft = AuditDraft::new(Scope::Global, actor, action, after.id.key(), details);
        let current = before.map(|before| before.etag.clone());
        vec![self.journal.audit.row(draft), (Table::Users, write_over(current, row(after)))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("an instant")
    }

    #[test]
    fn only_a_newer_credential_changes_an_account() {
        let account = EntraAccount {
            tenant_id: Uuid::nil(),
            id: UserId::random(),
            email: Some("ada@msp.example".to_owned()),
            display_name: None,
            is_platform_admin: true,
            is_auditor: false,
            app_roles: None,
            as_of: at(100),
        };
        let user = account.applied_to(None, at(101));
        assert!(!account.differs_from(&user) && user.described_at == Some(at(100)));
        let demoted = EntraAccount { is_platform_admin: false, as_of: at(200), ..account.clone() };
        assert!(demoted.differs_from(&user));
        let user = demoted.applied_to(Some(&user), at(201));
        assert!(!account.differs_from(&user), "the older credential is still valid, and makes nobody administrator");
        assert!(decides(&user, &User { is_auditor: true, ..user.clone() }));
        assert!(!decides(&user, &User { is_active: false, ..user.clone() }));
    }
}
