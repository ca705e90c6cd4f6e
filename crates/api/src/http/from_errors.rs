//! Each crate's error as a problem, in one `match` each.

use super::{Problem, ProblemKind as Kind};
use crate::management::{batches::submit::invalid_rows, pauses::paused};
use msp_auth::{AuthError, Denied};
use msp_domain::{FieldFault, Permission};
use msp_engine::{OptionsError, RunError};
use msp_storage::{
    StoreError,
    repositories::{organizations::OrganizationError, users::UserError},
};

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound => Kind::NotFound.into(),
            StoreError::AlreadyExists => Kind::Conflict.into(),
            StoreError::PreconditionFailed => Self::new(Kind::StaleVersion)
                .detail("Read it again, apply your change to what is there now, and send that."),
            StoreError::Limit(limit) => Self::new(Kind::LimitExceeded).detail(limit.clone()),
            StoreError::Corrupt(_) => Self::new(Kind::Internal)
                .detail(
                    "Something that is on record and needed for this cannot be read. The server's log names it, and so does \
                     `msp repair`.",
                )
                .caused_by(&error),
            StoreError::Full(_) => Self::new(Kind::StoreFull).caused_by(&error),
            StoreError::Unavailable(_) => Self::new(Kind::StoreUnavailable).caused_by(&error),
        }
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Refused => Self::new(Kind::Unauthenticated)
                .detail("The credential is invalid, has expired or was revoked. Sign in again."),
            error @ AuthError::EntraUnavailable(_) => Self::new(Kind::EntraUnavailable)
                .detail(
                    "The keys that tokens are checked with cannot be read, so nobody can be let in. It is tried again.",
                )
                .caused_by(&error),
            AuthError::Store(error) => error.into(),
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Permission { permission } => Self::new(Kind::PermissionDenied)
                .detail(format!("The permission `{permission}` is missing. An administrator can grant it."))
                .with("permission", permission.name()),
            Denied::NoSuchOrganization => Self::new(Kind::NotFound).detail("There is no such organization."),
            Denied::Inactive => Self::new(Kind::OrganizationInactive)
                .detail("Nothing runs for an inactive organization. An administrator can activate it."),
            Denied::BeingDeleted => Kind::OrganizationBeingDeleted.into(),
            Denied::Store(error) => error.into(),
        }
    }
}

impl From<OrganizationError> for Problem {
    fn from(error: OrganizationError) -> Self {
        match error {
            // Only administrators create and change organizations, and they see all of them.
            OrganizationError::NameTaken { by } => Self::new(Kind::OrganizationNameTaken).with("org_id", by.key()),
            OrganizationError::TenantTaken { by, name } => Self::new(Kind::TenantTaken)
                .detail(format!("`{name}` is linked to this tenant. Unlink it there first."))
                .with("org_id", by.key()),
            OrganizationError::BeingDeleted => Kind::OrganizationBeingDeleted.into(),
            OrganizationError::Active => Self::new(Kind::OrganizationActive)
                .detail("Deactivate it first (`PATCH` with `\"is_active\": false`), and see who misses it."),
            OrganizationError::Busy { unended } => Self::new(Kind::OrganizationBusy)
                .detail(format!("{unended} executions of it have not ended. Cancel them or let them end."))
                .with("unended_executions", unended),
            OrganizationError::NotFound => Kind::NotFound.into(),
            OrganizationError::Store(error) => error.into(),
        }
    }
}

impl From<UserError> for Problem {
    fn from(error: UserError) -> Self {
        match error {
            UserError::EmailTaken => Kind::EmailTaken.into(),
            UserError::NameTaken => Kind::NameTaken.into(),
            UserError::OtherKind => {
                let detail = "people have flags and service accounts have app roles: change a service account at \
                              `/api/service-accounts`";
                Self::new(Kind::BodyInvalid)
                    .errors(vec![FieldFault { pointer: "#".to_owned(), detail: detail.to_owned() }])
            }
            UserError::OwnAccount => {
                Self::new(Kind::OwnAccount).detail("Another administrator can deactivate your account.")
            }
            UserError::NotFound => Kind::NotFound.into(),
            UserError::OfEntra => Self::new(Kind::ManagedByEntra).detail(
                "Names of people, who is administrator or auditor, and the roles of programs are what Entra ID says of them. \
                 Change them there; it holds from the next token on.",
            ),
            UserError::LastAdministrator => {
                Self::new(Kind::LastAdministrator).detail("Make another active user an administrator first.")
            }
            UserError::TwoRoles => {
                let detail = "nobody is administrator and auditor at once: take the other role away in the same change";
                Self::new(Kind::BodyInvalid).errors(vec![FieldFault::at("is_auditor", detail)])
            }
            UserError::Store(error) => error.into(),
        }
    }
}

impl From<RunError> for Problem {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Unknown { kind, name, nearest } => unknown_name(kind, &name, nearest.as_deref()),
            RunError::OrganizationRequired => super::organization::organization_required(),
            RunError::FormRequired => Self::new(Kind::FormRequired)
                .detail("This workflow runs only when a form is submitted. Name the form in the header `X-Form-Id`."),
            RunError::OutsideCategories { workflow, category } => outside_categories(&workflow, &category),
            RunError::Invalid(faults) => Self::new(Kind::ParametersInvalid).errors(faults),
            RunError::Changed => Kind::SettingsChanging.into(),
            RunError::StartTime(fault) => Self::new(Kind::StartTimeInvalid).detail(fault),
            RunError::ScheduleFull => Self::new(Kind::ScheduleFull).detail(
                "As many runs wait for their time as may: 1,000 of one organization, 10,000 in all. Cancel some, or wait \
                 until some have started.",
            ),
            RunError::Rows(rows) => invalid_rows(&rows),
            RunError::BatchesFull => Self::new(Kind::BatchesFull).detail(
                "As many batches are under way as may: 10 of one organization, 200 in all. Nothing was recorded; send the \
                 file again when one of them has ended.",
            ),
            RunError::KeyReused => Self::new(Kind::IdempotencyKeyReused).detail(
                "This `Idempotency-Key` was sent with another body within the last 24 hours. Choose a new one.",
            ),
            RunError::Paused(pause) => paused(*pause),
            RunError::Saturated => Kind::EngineSaturated.into(),
            RunError::BacklogFull => Self::new(Kind::EngineSaturated)
                .detail("So many runs are waiting to be started that no more are accepted. Nothing was recorded."),
            RunError::Unavailable(reason) => Self::new(Kind::EngineUnavailable).detail(reason),
            RunError::Store(error) => error.into(),
        }
    }
}

impl From<OptionsError> for Problem {
    fn from(error: OptionsError) -> Self {
        match error {
            OptionsError::Refused(error) => error.into(),
            OptionsError::Failed { generator, error_type, message } => Self::new(Kind::OptionsFailed)
                .detail(format!("The option generator `{generator}` failed ({error_type}): {message}"))
                .with("generator", generator)
                .with("error_type", error_type)
                .with("error_message", message),
        }
    }
}

/// The refusal of a run of a workflow that the caller's right is not about. It names the category to ask for.
pub(crate) fn outside_categories(workflow: &str, category: &str) -> Problem {
    let belongs = match category {
        "" => "has no category".to_owned(),
        category => format!("is in the category `{category}`"),
    };
    let detail = format!(
        "The workflow `{workflow}` {belongs}, and your right to run workflows here is limited to other categories. An \
         administrator can widen it."
    );
    let category = Some(category).filter(|category| !category.is_empty());
    Problem::new(Kind::PermissionDenied)
        .detail(detail)
        .with("permission", Permission::ExecuteWorkflows.name())
        .with("category", category)
}

/// Characters of an unknown name that are repeated to whoever asked for it.
const SHOWN_OF_NAME: usize = 100;

/// 404 for a name nobody registered, naming the one that may have been meant.
pub(crate) fn unknown_name(kind: &str, name: &str, nearest: Option<&str>) -> Problem {
    let shown: String = name.chars().take(SHOWN_OF_NAME).collect();
    let problem = Problem::new(Kind::NotFound);
    match nearest {
        Some(nearest) => {
            problem.detail(format!("There is no {kind} `{shown}`. Did you mean `{nearest}`?")).with("nearest", nearest)
        }
        None => problem.detail(format!("There is no {kind} `{shown}`.")),
    }
}
