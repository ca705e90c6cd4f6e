//! What may be done in an organization (design section 4).

use serde::{Deserialize, Serialize};
use std::fmt;

/// One right in one organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Run workflows, call option generators, follow and cancel one's own runs.
    ExecuteWorkflows,
    /// Read and write config, secrets and integration settings.
    ManageConfig,
    /// Create and change forms; call option generators.
    ManageForms,
    /// Read the runs of other people.
    ViewHistory,
}

impl Permission {
    /// Every permission, in the order people see them.
    pub const ALL: [Self; 4] = [Self::ExecuteWorkflows, Self::ManageConfig, Self::ManageForms, Self::ViewHistory];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::ExecuteWorkflows => "execute_workflows",
            Self::ManageConfig => "manage_config",
            Self::ManageForms => "manage_forms",
            Self::ViewHistory => "view_history",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The set of rights a user holds in one organization.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Permissions {
    /// May run workflows.
    #[serde(default)]
    pub execute_workflows: bool,
    /// May manage config, secrets and integrations.
    #[serde(default)]
    pub manage_config: bool,
    /// May manage forms.
    #[serde(default)]
    pub manage_forms: bool,
    /// May read everybody's runs.
    #[serde(default)]
    pub view_history: bool,
}

impl Permissions {
    /// No right at all.
    pub const NONE: Self =
        Self { execute_workflows: false, manage_config: false, manage_forms: false, view_history: false };
    /// Every right, as platform administrators hold it everywhere.
    pub const ALL: Self = Self { execute_workflows: true, manage_config: true, manage_forms: true, view_history: true };

    /// What auditors hold everywhere: reading.
    pub const AUDITOR: Self =
        Self { execute_workflows: false, manage_config: false, manage_forms: false, view_history: true };

    /// Whether this set contains the permission.
    pub fn allows(&self, permission: Permission) -> bool {
        match permission {
            Permission::ExecuteWorkflows => self.execute_workflows,
            Permission::ManageConfig => self.manage_config,
            Permission::ManageForms => self.manage_forms,
            Permission::ViewHistory => self.view_history,
        }
    }

    /// Whether this set contains everything the other does.
    pub fn cover(&self, other: &Self) -> bool {
        self.intersect(other) == *other
    }

    /// The rights either set contains.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Permission::ALL.into_iter().filter(|one| self.allows(*one) || other.allows(*one)).collect()
    }

    /// The rights both sets contain.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        Self {
            execute_workflows: self.execute_workflows && other.execute_workflows,
            manage_config: self.manage_config && other.manage_config,
            manage_forms: self.manage_forms && other.manage_forms,
            view_history: self.view_history && other.view_history,
        }
    }

    /// Whether no right is left.
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        let mut set = Self::NONE;
        for permission in permissions {
            match permission {
                Permission::ExecuteWorkflows => set.execute_workflows = true,
                Permission::ManageConfig => set.manage_config = true,
                Permission::ManageForms => set.manage_forms = true,
                Permission::ViewHistory => set.view_history = true,
            }
        }
        set
    }
}
