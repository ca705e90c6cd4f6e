//! Who is asking.

use crate::{Permissions, UserId};
use uuid::Uuid;

/// What a delegated token was issued for. A browser session carries all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenScopes {
    /// `Workflows.Execute`: run workflows and follow one's own runs.
    pub workflows_execute: bool,
    /// `Forms.Manage`.
    pub forms_manage: bool,
    /// `Organizations.Manage`: config, secrets, integrations and history.
    pub organizations_manage: bool,
}

impl TokenScopes {
    /// Every scope.
    pub const ALL: Self = Self { workflows_execute: true, forms_manage: true, organizations_manage: true };

    /// Reads the `scp` claim: names separated by blanks. Unknown names grant nothing.
    pub fn parse(scp: &str) -> Self {
        let has = |name| scp.split_ascii_whitespace().any(|scope| scope == name);
        Self {
            workflows_execute: has("Workflows.Execute"),
            forms_manage: has("Forms.Manage"),
            organizations_manage: has("Organizations.Manage"),
        }
    }

    /// The `scp` claim that [`Self::parse`] reads back.
    pub fn to_claim(&self) -> String {
        [
            (self.workflows_execute, "Workflows.Execute"),
            (self.forms_manage, "Forms.Manage"),
            (self.organizations_manage, "Organizations.Manage"),
        ]
        .into_iter()
        .filter_map(|(held, name)| held.then_some(name))
        .collect::<Vec<_>>()
        .join(" ")
    }

    /// The scopes both contain.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        Self {
            workflows_execute: self.workflows_execute && other.workflows_execute,
            forms_manage: self.forms_manage && other.forms_manage,
            organizations_manage: self.organizations_manage && other.organizations_manage,
        }
    }

    /// The most these scopes can ever allow (design section 4).
    pub fn ceiling(&self) -> Permissions {
        Permissions {
            execute_workflows: self.workflows_execute,
            manage_forms: self.forms_manage,
            manage_config: self.organizations_manage,
            view_history: self.organizations_manage,
        }
    }
}

/// How the caller proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallerKind {
    /// A browser session of the binary's own pages.
    Session,
    /// A bearer token acting for a person.
    Token,
    /// A service account acting for itself.
    Service,
}

/// An authenticated, active caller. Identity is (`tid`, `user`), never the e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The directory that vouches for the caller: an Entra tenant, or this installation.
    pub tid: Uuid,
    /// The caller's object id.
    pub user: UserId,
    /// For display and logs a person reads; never for decisions.
    pub email: String,
    /// For display.
    pub display_name: String,
    /// Holds every right everywhere, within the scopes of the token.
    pub is_platform_admin: bool,
    /// Reads everything everywhere but secrets, and does nothing else: grants give an auditor nothing.
    pub is_auditor: bool,
    /// May put runs on record that took place elsewhere (`Executions.Record`).
    pub records_executions: bool,
    /// What the token was issued for.
    pub scopes: TokenScopes,
    /// How the caller signed in.
    pub kind: CallerKind,
}

impl Caller {
    /// What the caller may do, given the grant that user holds in the organization at hand.
    pub fn effective(&self, granted: &Permissions) -> Permissions {
        let held = match self {
            Self { is_platform_admin: true, .. } => &Permissions::ALL,
            Self { is_auditor: true, .. } => &Permissions::AUDITOR,
            _ => granted,
        };
        held.intersect(&self.scopes.ceiling())
    }

    /// Whether the caller may manage the platform itself: organizations, users, grants, `GLOBAL` values.
    /// A token issued for less than everything cannot.
    pub fn is_administrator(&self) -> bool {
        self.is_platform_admin && self.scopes == TokenScopes::ALL
    }

    /// Whether its rights reach every organization without a grant.
    pub fn reaches_everything(&self) -> bool {
        self.is_platform_admin || self.is_auditor
    }

    /// Whether the caller may read who may do what, and who did what. A token issued for less than everything cannot.
    pub fn may_review(&self) -> bool {
        self.reaches_everything() && self.scopes == TokenScopes::ALL
    }

    /// Whether the caller reads everything and does nothing with it.
    pub fn audits(&self) -> bool {
        self.is_auditor && self.may_review()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(is_platform_admin: bool, scp: &str) -> Caller {
        Caller {
            tid: Uuid::nil(),
            user: UserId::random(),
            email: "a@example.com".into(),
            display_name: "A".into(),
            is_platform_admin,
            is_auditor: false,
            records_executions: false,
            scopes: TokenScopes::parse(scp),
            kind: CallerKind::Token,
        }
    }

    #[test]
    fn a_token_acts_with_the_intersection_of_its_scopes_and_the_grants_of_its_user() {
        let granted = Permissions { execute_workflows: true, manage_config: true, ..Permissions::NONE };
        let rights = caller(false, "Workflows.Execute Forms.Manage").effective(&granted);
        assert_eq!(rights, Permissions { execute_workflows: true, ..Permissions::NONE });
    }

    #[test]
    fn an_administrators_narrow_token_does_not_administer() {
        let admin = caller(true, "Workflows.Execute");
        assert!(!admin.is_administrator());
        assert!(admin.effective(&Permissions::NONE).execute_workflows);
        assert!(!admin.effective(&Permissions::NONE).manage_config);
    }

    #[test]
    fn an_auditor_reads_everywhere_and_grants_give_it_nothing() {
        let auditor = Caller { is_auditor: true, ..caller(false, &TokenScopes::ALL.to_claim()) };
        assert_eq!(auditor.effective(&Permissions::ALL), Permissions::AUDITOR);
        assert!(auditor.may_review() && auditor.reaches_everything() && !auditor.is_administrator());
        let narrow = Caller { is_auditor: true, ..caller(false, "Workflows.Execute") };
        assert!(narrow.effective(&Permissions::ALL).is_empty() && !narrow.may_review());
    }
}
