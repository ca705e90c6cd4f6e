//! The permissions a handler names in its signature.

use msp_domain::Permission;

/// A permission as a type.
pub trait Right: Send + Sync + 'static {
    /// Which.
    const PERMISSION: Permission;
}

/// Run workflows, call option generators, follow one's own runs.
pub struct ExecuteWorkflows;
/// Config, secrets and integration settings.
pub struct ManageConfig;
/// Forms; includes calling option generators.
pub struct ManageForms;
/// Other people's runs.
pub struct ViewHistory;

impl Right for ExecuteWorkflows {
    const PERMISSION: Permission = Permission::ExecuteWorkflows;
}
impl Right for ManageConfig {
    const PERMISSION: Permission = Permission::ManageConfig;
}
impl Right for ManageForms {
    const PERMISSION: Permission = Permission::ManageForms;
}
impl Right for ViewHistory {
    const PERMISSION: Permission = Permission::ViewHistory;
}

/// Any right at all: enough to see that an organization exists.
pub struct AnyRight;

/// What opens the gate: one right, or any of several.
pub trait Opens: Send + Sync + 'static {
    /// Any of these is enough; the first is the one named in a refusal.
    const ANY_OF: &'static [Permission];
}

impl<R: Right> Opens for R {
    const ANY_OF: &'static [Permission] = &[R::PERMISSION];
}
impl<A: Right, B: Right> Opens for (A, B) {
    const ANY_OF: &'static [Permission] = &[A::PERMISSION, B::PERMISSION];
}
impl Opens for AnyRight {
    const ANY_OF: &'static [Permission] = &Permission::ALL;
}
