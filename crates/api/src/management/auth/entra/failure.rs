//! Why nobody was signed in, as the sign-in page is told.

use msp_auth::{
    AuthError,
    entra::{EntraError, ExchangeError},
};
use msp_storage::StoreError;
use std::error::Error;

/// A reason that the page of the client explains, each with what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The person turned back at the issuer.
    Cancelled,
    /// The issuer lets only some people use this application.
    NotAssigned,
    /// Nobody has yet agreed that this application may know who people are.
    ConsentMissing,
    /// The issuer could not say who it is, for a reason of its own.
    IssuerRefused,
    /// The attempt is unknown, was begun in another browser, took too long, or has signed in already.
    Expired,
    /// The issuer's word does not hold.
    Unproven,
    /// The account was deactivated here.
    Inactive,
    /// Too much failed from this address.
    TooMany,
    /// The issuer does not answer.
    IssuerUnreachable,
    /// The issuer refuses this application: its secret or its redirect URI is wrong.
    Misconfigured,
    /// The store failed.
    Unavailable,
}

impl Failure {
    /// What the address of the sign-in page calls it; `client/src/features/sign-in` knows each.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::NotAssigned => "not-assigned",
            Self::ConsentMissing => "consent-missing",
            Self::IssuerRefused => "issuer-refused",
            Self::Expired => "expired",
            Self::Unproven => "unproven",
            Self::Inactive => "inactive",
            Self::TooMany => "too-many",
            Self::IssuerUnreachable => "issuer-unreachable",
            Self::Misconfigured => "misconfigured",
            Self::Unavailable => "unavailable",
        }
    }

    /// Whether somebody was refused. What failed by itself, and who turned back, is no denial.
    pub fn is_denial(self) -> bool {
        match self {
            Self::NotAssigned | Self::Expired | Self::Unproven | Self::Inactive => true,
            Self::Cancelled
            | Self::ConsentMissing
            | Self::IssuerRefused
            | Self::TooMany
            | Self::IssuerUnreachable
            | Self::Misconfigured
            | Self::Unavailable => false,
        }
    }

    /// What an answer without a code means (RFC 6749 section 4.1.2.1). Entra says more in a number within its text, see
    /// <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>; the text itself is shown to nobody.
    pub fn of_issuer(error: &str, description: &str) -> Self {
        let code: String = description
            .split_once("AADSTS")
            .map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).take(10).collect())
            .unwrap_or_default();
        match (error, code.as_str()) {
            (_, "50105") => Self::NotAssigned,
            (_, "65001" | "90094" | "90095") | ("consent_required", _) => Self::ConsentMissing,
            (_, "65004") | ("access_denied", _) => Self::Cancelled,
            ("temporarily_unavailable" | "server_error", _) => Self::IssuerUnreachable,
            ("unauthorized_client" | "invalid_request" | "invalid_scope" | "unsupported_response_type", _) => {
                Self::Misconfigured
            }
            _ => Self::IssuerRefused,
        }
    }
}

impl From<ExchangeError> for Failure {
    fn from(error: ExchangeError) -> Self {
        let failure = match &error {
            ExchangeError::Unreachable(_) => Self::IssuerUnreachable,
            ExchangeError::CodeRefused(_) => Self::Expired,
            ExchangeError::ApplicationRefused(_) => Self::Misconfigured,
            ExchangeError::Unreadable => Self::Unproven,
        };
        if failure == Self::Expired {
            // Anybody can make up a code.
            tracing::info!(error = &error as &dyn Error, "Entra ID gave no token for a sign-in");
        } else {
            tracing::error!(error = &error as &dyn Error, "Entra ID gave no token for a sign-in");
        }
        failure
    }
}

impl From<EntraError> for Failure {
    fn from(error: EntraError) -> Self {
        tracing::warn!(error = &error as &dyn Error, "A sign-in with Entra ID failed");
        match error {
            EntraError::Refused(_) => Self::Unproven,
            EntraError::Unavailable(_) => Self::IssuerUnreachable,
        }
    }
}

impl From<AuthError> for Failure {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Refused => Self::Inactive,
            AuthError::EntraUnavailable(_) => Self::IssuerUnreachable,
            AuthError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn Error, "A sign-in with Entra ID could not be recorded");
        Self::Unavailable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_in_page_explains_each() {
        let page = include_str!("../../../../../../client/src/strings/signIn.ts");
        for failure in [
            Failure::Cancelled,
            Failure::NotAssigned,
            Failure::ConsentMissing,
            Failure::IssuerRefused,
            Failure::Expired,
            Failure::Unproven,
            Failure::Inactive,
            Failure::TooMany,
            Failure::IssuerUnreachable,
            Failure::Misconfigured,
            Failure::Unavailable,
        ] {
            let name = failure.name();
            let explained = [format!("  {name}: {{"), format!("  \"{name}\": {{")];
            assert!(explained.iter().any(|key| page.contains(key)), "{name}");
        }
    }

    #[test]
    fn what_the_issuer_says_is_told_apart_where_people_can_do_something_else_about_it() {
        for (error, description, failure) in [
            ("access_denied", "AADSTS65004: User declined to consent to access the app.", Failure::Cancelled),
            ("access_denied", "", Failure::Cancelled),
            ("access_denied", "AADSTS50105: The signed in user is not assigned to a role.", Failure::NotAssigned),
            ("interaction_required", "AADSTS50105 ...", Failure::NotAssigned),
            ("consent_required", "AADSTS65001: ...", Failure::ConsentMissing),
            ("access_denied", "AADSTS90094: needs permission that only an admin can grant", Failure::ConsentMissing),
            ("server_error", "", Failure::IssuerUnreachable),
            ("unauthorized_client", "AADSTS700016: ...", Failure::Misconfigured),
            ("login_required", "", Failure::IssuerRefused),
            ("<script>", "AADSTS<script>", Failure::IssuerRefused),
        ] {
            assert_eq!(Failure::of_issuer(error, description), failure, "{error} {description}");
        }
    }
}
