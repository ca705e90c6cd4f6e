//! What a service account may be used for at all (design section 4): the grants of the account decide the rest.

use crate::TokenScopes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A role of a service account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub enum AppRole {
    /// Run workflows and follow its own runs.
    #[serde(rename = "Workflows.Execute")]
    WorkflowsExecute,
    /// Manage forms.
    #[serde(rename = "Forms.Manage")]
    FormsManage,
    /// Manage config, secrets and integrations, and read history.
    #[serde(rename = "Organizations.Manage")]
    OrganizationsManage,
    /// Put runs on record that took place elsewhere.
    #[serde(rename = "Executions.Record")]
    ExecutionsRecord,
    /// Read everything everywhere but secrets, without a grant. It stands alone.
    #[serde(rename = "Platform.Auditor")]
    PlatformAuditor,
}

/// The roles of one service account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AppRoles(BTreeSet<AppRole>);

impl AppRoles {
    /// These roles.
    ///
    /// # Errors
    /// A phrase that says what was expected: at least one, and an auditor is nothing else.
    pub fn new(roles: impl IntoIterator<Item = AppRole>) -> Result<Self, &'static str> {
        let roles: BTreeSet<AppRole> = roles.into_iter().collect();
        match roles.len() {
            0 => Err("expected at least one role"),
            2.. if roles.contains(&AppRole::PlatformAuditor) => {
                Err("`Platform.Auditor` only reads: it stands without other roles")
            }
            _ => Ok(Self(roles)),
        }
    }

    /// Whether this role is among them.
    pub fn has(&self, role: AppRole) -> bool {
        self.0.contains(&role)
    }

    /// In their order.
    pub fn iter(&self) -> impl Iterator<Item = AppRole> + '_ {
        self.0.iter().copied()
    }

    /// The most the account can ever do, as scopes. An auditor's rights are narrow by themselves.
    pub fn scopes(&self) -> TokenScopes {
        if self.has(AppRole::PlatformAuditor) {
            return TokenScopes::ALL;
        }
        TokenScopes {
            workflows_execute: self.has(AppRole::WorkflowsExecute),
            forms_manage: self.has(AppRole::FormsManage),
            organizations_manage: self.has(AppRole::OrganizationsManage),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_travel_under_their_names_and_an_auditor_stands_alone() {
        let roles = AppRoles::new([AppRole::ExecutionsRecord, AppRole::WorkflowsExecute]).expect("roles");
        let text = serde_json::to_string(&roles).expect("JSON");
        assert_eq!(text, r#"["Workflows.Execute","Executions.Record"]"#);
        assert_eq!(serde_json::from_str::<AppRoles>(&text).expect("roles"), roles);
        assert!(roles.scopes().workflows_execute && !roles.scopes().organizations_manage);
        assert!(AppRoles::new([]).is_err());
        assert!(AppRoles::new([AppRole::PlatformAuditor, AppRole::FormsManage]).is_err());
        assert_eq!(AppRoles::new([AppRole::PlatformAuditor]).expect("a role").scopes(), TokenScopes::ALL);
    }
}
