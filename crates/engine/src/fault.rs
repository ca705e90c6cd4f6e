//! The places between two durable steps where a crash must be survivable, each with a name.
//!
//! A debug build started with `MSP_FAULT_POINT=<name>` kills itself (SIGKILL, no clean-up) when it gets there; the
//! tests in `crates/server/tests` walk [`FaultPoint::ALL`]. In a release build [`reach`] does nothing.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// The environment variable that arms a fault point.
pub const FAULT_POINT_VARIABLE: &str = "MSP_FAULT_POINT";

/// A place where a crash must be survivable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultPoint {
    /// A synchronous run is about to be put on record: nothing of it is durable.
    BeforeRecord,
    /// It is on record as `Running`; no worker has it.
    AfterRecord,
    /// An asynchronous run is on record as `Pending`; its caller has no answer yet.
    AfterEnqueue,
    /// A batch is on record with all its rows; none of them is an execution yet.
    AfterBatch,
    /// A row of a batch is on record as an execution; it is in no line.
    AfterRow,
    /// Its queue message was received; it is still `Pending`.
    AfterReceive,
    /// Its turn has come; it is still `Pending`.
    BeforeClaim,
    /// It was claimed (`Running`); its queue message still exists.
    AfterClaim,
    /// A worker was chosen; the `start` frame is not sent.
    BeforeStart,
    /// The `start` frame is sent: user code may be running.
    AfterStart,
    /// The worker has answered; logs may not be durable yet.
    AfterOutcome,
    /// Every log line is durable; the record still says `Running`.
    BeforeResult,
    /// The final record is durable; nobody was told.
    AfterResult,
    /// Lines of its long log are in a blob that nothing names yet.
    AfterLogBlob,
    /// The index names the blob; the rows of the same lines are still there.
    AfterLogIndex,
    /// An expired execution is in no list any more; its log, steps and blobs are still there.
    AfterRemovalBegun,
    /// Everything of one expired execution is gone; others are left.
    AfterRemoval,
    /// A file of an export is on record; not one of its bytes is there.
    AfterExportBegun,
    /// Its bytes are there; the record does not say so.
    AfterExportWritten,
    /// The restarted engine has ended one lost execution and not looked at the others.
    DuringRecovery,
    /// An organization is being deleted; nobody holds a right in it any more, and its secrets are still there.
    AfterGrantsGone,
    /// Its secrets are gone, its settings are still there.
    AfterSecretsGone,
    /// Its settings are gone, its executions are still there.
    AfterSettingsGone,
    /// Nothing is left of it but its own row.
    AfterExecutionsGone,
}

impl FaultPoint {
    /// Every fault point.
    pub const ALL: [Self; 24] = [
        Self::BeforeRecord,
        Self::AfterRecord,
        Self::AfterEnqueue,
        Self::AfterBatch,
        Self::AfterRow,
        Self::AfterReceive,
        Self::BeforeClaim,
        Self::AfterClaim,
        Self::BeforeStart,
        Self::AfterStart,
        Self::AfterOutcome,
        Self::BeforeResult,
        Self::AfterResult,
        Self::AfterLogBlob,
        Self::AfterLogIndex,
        Self::AfterRemovalBegun,
        Self::AfterRemoval,
        Self::AfterExportBegun,
        Self::AfterExportWritten,
        Self::DuringRecovery,
        Self::AfterGrantsGone,
        Self::AfterSecretsGone,
        Self::AfterSettingsGone,
        Self::AfterExecutionsGone,
    ];

    /// The name that arms it.
    pub fn name(self) -> &'static str {
        match self {
            Self::BeforeRecord => "before_record",
            Self::AfterRecord => "after_record",
            Self::AfterEnqueue => "after_enqueue",
            Self::AfterBatch => "after_batch",
            Self::AfterRow => "after_row",
            Self::AfterReceive => "after_receive",
            Self::BeforeClaim => "before_claim",
            Self::AfterClaim => "after_claim",
            Self::BeforeStart => "before_start",
            Self::AfterStart => "after_start",
            Self::AfterOutcome => "after_outcome",
            Self::BeforeResult => "before_result",
            Self::AfterResult => "after_result",
            Self::AfterLogBlob => "after_log_blob",
            Self::AfterLogIndex => "after_log_index",
            Self::AfterRemovalBegun => "after_removal_begun",
            Self::AfterRemoval => "after_removal",
            Self::AfterExportBegun => "after_export_begun",
            Self::AfterExportWritten => "after_export_written",
            Self::DuringRecovery => "during_recovery",
            Self::AfterGrantsGone => "after_grants_gone",
            Self::AfterSecretsGone => "after_secrets_gone",
            Self::AfterSettingsGone => "after_settings_gone",
            Self::AfterExecutionsGone => "after_executions_gone",
        }
    }
}

/// Dies here if this fault point is armed.
pub fn reach(point: FaultPoint) {
    if cfg!(debug_assertions) && std::env::var_os(FAULT_POINT_VARIABLE).is_some_and(|armed| armed == point.name()) {
        // Cannot fail: a process may always signal itself.
        let _ = kill(Pid::this(), Signal::SIGKILL);
    }
}
