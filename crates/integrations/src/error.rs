//! A call that did not succeed, and how to say so without giving anything away.

/// A call that did not succeed. `code` is one of `docs/worker-protocol.md`, "Calls".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct IntegrationError {
    /// A stable machine-readable reason.
    pub code: &'static str,
    /// What a person should read: the cause and the remedy. Never a credential or token.
    pub message: String,
    /// The remote service's HTTP status, when there was one.
    pub status: Option<u16>,
}

impl IntegrationError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), status: None }
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    pub(crate) fn invalid(argument: &str, fault: impl std::fmt::Display) -> Self {
        Self::new(INVALID_ARGUMENTS, format!("`{argument}` {fault}"))
    }
}

pub(crate) const NOT_CONFIGURED: &str = "not_configured";
pub(crate) const DISABLED: &str = "disabled";
pub(crate) const UNKNOWN_OPERATION: &str = "unknown_operation";
pub(crate) const INVALID_ARGUMENTS: &str = "invalid_arguments";
pub(crate) const NO_LICENSE_LEFT: &str = "no_license_left";
pub(crate) const NOT_FOUND: &str = "not_found";
pub(crate) const ALREADY_EXISTS: &str = "already_exists";
pub(crate) const PERMISSION_DENIED: &str = "permission_denied";
pub(crate) const CONSENT_REQUIRED: &str = "consent_required";
pub(crate) const CREDENTIAL_REJECTED: &str = "credential_rejected";
pub(crate) const REJECTED: &str = "rejected";
pub(crate) const THROTTLED: &str = "throttled";
pub(crate) const UNAVAILABLE: &str = "unavailable";
