//! Every kind of problem: slug, status and title. Each has a page `docs/problems/<slug>.md`.

macro_rules! problem_kinds {
    ($($(#[$doc:meta])* $variant:ident => $slug:literal, $status:literal, $title:literal;)*) => {
        /// The kind of a problem. The slug is stable: clients and pages refer to it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ProblemKind {
            $($(#[$doc])* $variant,)*
        }

        impl ProblemKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The last segment of `type`.
            pub fn slug(self) -> &'static str {
                match self { $(Self::$variant => $slug,)* }
            }

            /// The HTTP status.
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// The title.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

problem_kinds! {
    /// The body is not JSON at all.
    BodyUnreadable => "body-unreadable", 400, "The body cannot be read";
    /// The body is JSON of the wrong shape or with invalid values.
    BodyInvalid => "body-invalid", 422, "The body is not valid";
    /// The body is larger than this route takes.
    BodyTooLarge => "body-too-large", 413, "The body is too large";
    /// The body is not declared as JSON.
    ContentTypeUnsupported => "content-type-unsupported", 415, "This content type is not supported";
    /// A query parameter is unknown or has an invalid value.
    QueryInvalid => "query-invalid", 400, "The query is not valid";
    /// A part of the path is no valid id or name.
    PathInvalid => "path-invalid", 400, "The path is not valid";
    /// A header has a value that cannot be read.
    HeaderInvalid => "header-invalid", 400, "A header is not valid";
    /// Path and query are longer than this server reads.
    AddressTooLong => "address-too-long", 414, "The address is too long";
    /// The headers are more, or longer, than this server reads.
    HeadersTooLarge => "headers-too-large", 431, "The headers are too large";
    /// No such thing here.
    NotFound => "not-found", 404, "There is no such thing here";
    /// The path exists, the method does not.
    MethodNotAllowed => "method-not-allowed", 405, "This method is not offered here";
    /// The request names a host this server does not answer for.
    HostNotAllowed => "host-not-allowed", 421, "This server does not answer for that host";
    /// No valid credential.
    Unauthenticated => "unauthenticated", 401, "Sign in first";
    /// A one-time link that is unknown, used or too old.
    LinkInvalid => "link-invalid", 401, "This sign-in link does not work";
    /// A way in of local accounts, where people sign in with Entra ID.
    LocalSignInOff => "local-sign-in-off", 403, "People sign in with Entra ID here";
    /// Entra ID's keys cannot be read, so no token can be checked.
    EntraUnavailable => "entra-unavailable", 503, "Entra ID cannot be reached";
    /// What is to be changed is for Entra ID to say.
    ManagedByEntra => "managed-by-entra", 409, "This comes from Entra ID";
    /// Too many failures from one address.
    TooManyAttempts => "too-many-attempts", 429, "Too many attempts";
    /// One caller asks more than this server answers to one.
    RateLimited => "rate-limited", 429, "Too many requests";
    /// A right is missing.
    PermissionDenied => "permission-denied", 403, "You may not do this";
    /// Only administrators may do this.
    AdministratorRequired => "administrator-required", 403, "Only administrators may do this";
    /// A session's change came from another site.
    OriginNotAllowed => "origin-not-allowed", 403, "The request came from another site";
    /// An organization is needed and none was named.
    OrganizationRequired => "organization-required", 400, "Name an organization";
    /// What was named as organization is no id.
    OrganizationInvalid => "organization-invalid", 400, "That is not an organization id";
    /// Header, path and query name different organizations.
    OrganizationMismatch => "organization-mismatch", 400, "The request names two organizations";
    /// The organization is switched off.
    OrganizationInactive => "organization-inactive", 409, "The organization is inactive";
    /// The organization is in use, and only what nobody uses is deleted.
    OrganizationActive => "organization-active", 409, "The organization is active";
    /// Executions of the organization have not ended.
    OrganizationBusy => "organization-busy", 409, "The organization has executions that have not ended";
    /// What was to be typed before something is deleted is something else.
    ConfirmationMismatch => "confirmation-mismatch", 422, "That is not its name";
    /// Somebody decided to delete the organization.
    OrganizationBeingDeleted => "organization-being-deleted", 409, "The organization is being deleted";
    /// The name belongs to another organization.
    OrganizationNameTaken => "organization-name-taken", 409, "Another organization has this name";
    /// The tenant belongs to another organization.
    TenantTaken => "tenant-taken", 409, "Another organization is linked to this tenant";
    /// The address belongs to another user.
    EmailTaken => "email-taken", 409, "Another user has this e-mail address";
    /// The name belongs to another service account.
    NameTaken => "name-taken", 409, "Another service account has this name";
    /// Nobody deactivates their own account.
    OwnAccount => "own-account", 409, "This is your own account";
    /// The service account has as many tokens as it may.
    TooManyTokens => "too-many-tokens", 409, "The service account has too many tokens";
    /// The change would leave nobody who administers.
    LastAdministrator => "last-administrator", 409, "This is the last administrator";
    /// The thing exists already, or changed while it was being changed.
    Conflict => "conflict", 409, "Somebody else was faster";
    /// A change that must say which version it is meant for does not.
    VersionRequired => "version-required", 428, "Say which version you mean";
    /// `If-Match` names an older version.
    StaleVersion => "stale-version", 412, "It has changed since you read it";
    /// The document is no form, or does not fit the workspace.
    FormInvalid => "form-invalid", 422, "The form is not valid";
    /// The form was switched off.
    FormInactive => "form-inactive", 409, "The form is inactive";
    /// The workflow runs only when a form is submitted.
    FormRequired => "form-required", 400, "Submit a form";
    /// The input does not fit the workflow's parameters.
    ParametersInvalid => "parameters-invalid", 422, "The parameters are not valid";
    /// The time a run shall start at cannot be read, does not exist, has passed or is too far away.
    StartTimeInvalid => "start-time-invalid", 422, "The start time is not valid";
    /// The file is not readable as rows.
    CsvUnreadable => "csv-unreadable", 400, "The rows cannot be read";
    /// Rows do not fit the form or the workflow.
    RowsInvalid => "rows-invalid", 422, "The rows are not valid";
    /// As many batches are under way as may be.
    BatchesFull => "batches-full", 409, "Too many batches are under way";
    /// Rows still wait or run.
    BatchRunning => "batch-running", 409, "The batch has not ended";
    /// There is nothing left to cancel.
    BatchEnded => "batch-ended", 409, "The batch has ended";
    /// No row failed.
    NothingFailed => "nothing-failed", 409, "No row failed";
    /// As much is scheduled as may be.
    ScheduleFull => "schedule-full", 409, "Too much is scheduled already";
    /// The idempotency key came with another body before.
    IdempotencyKeyReused => "idempotency-key-reused", 422, "The idempotency key was used for another request";
    /// The caller has as many uploads waiting as is allowed.
    UploadsFull => "uploads-full", 409, "Too many uploads wait already";
    /// No mail server is set.
    EmailNotConfigured => "email-not-configured", 409, "No mail server is set";
    /// A value breaks a limit of the store.
    LimitExceeded => "limit-exceeded", 422, "This is more than can be stored";
    /// The workflow raised.
    ExecutionFailed => "execution-failed", 424, "The workflow failed";
    /// The deadline ended the run.
    ExecutionTimedOut => "execution-timed-out", 424, "The workflow ran out of time";
    /// Somebody ended the run.
    ExecutionCancelled => "execution-cancelled", 424, "The run was cancelled";
    /// The run was lost.
    ExecutionInterrupted => "execution-interrupted", 424, "The run was interrupted";
    /// An emergency stop holds it. Not a 5xx: it lasts until somebody resumes it, and proxies would try again at once.
    Paused => "paused", 409, "This is paused";
    /// It did not run here.
    ExecutionExternal => "execution-external", 409, "This ran elsewhere";
    /// There is nothing left to cancel.
    ExecutionEnded => "execution-ended", 409, "The execution has ended";
    /// The option generator raised.
    OptionsFailed => "options-failed", 424, "The option generator failed";
    /// The engine loads its first bundle.
    EngineStarting => "engine-starting", 503, "The engine is starting";
    /// Every worker is busy.
    EngineSaturated => "engine-saturated", 503, "Every worker is busy";
    /// The caller, or everyone together, has as many streams, downloads and uploads open as is allowed.
    StreamsSaturated => "streams-saturated", 503, "Too many streams, downloads or uploads are open";
    /// The engine takes no runs.
    EngineUnavailable => "engine-unavailable", 503, "The engine takes no runs";
    /// Rights or settings kept changing.
    SettingsChanging => "settings-changing", 503, "Rights or settings are being changed";
    /// The store cannot be reached.
    StoreUnavailable => "store-unavailable", 503, "The store cannot be reached";
    /// The store takes no writes.
    StoreFull => "store-full", 507, "The store accepts no writes";
    /// A fault of the platform.
    Internal => "internal", 500, "Something went wrong here";
}

impl ProblemKind {
    /// Seconds until trying again makes sense, where it does.
    pub fn retry_after_seconds(self) -> Option<u32> {
        match self {
            Self::EngineStarting | Self::EngineSaturated | Self::StreamsSaturated | Self::EngineUnavailable => Some(5),
            Self::SettingsChanging => Some(1),
            Self::StoreUnavailable | Self::EntraUnavailable => Some(10),
            Self::TooManyAttempts | Self::RateLimited => Some(60),
            _ => None,
        }
    }

    /// The kind with this slug.
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.slug() == slug)
    }
}
