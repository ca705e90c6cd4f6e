//! What may be wrong, each as a sentence for operators.

use crate::Table;
use msp_domain::{BatchId, ExecutionId};
use std::fmt;
use uuid::Uuid;

/// Something that does not fit together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A grant that works and is listed wrongly or not at all.
    GrantNotListed {
        /// Whose.
        user: String,
        /// Where.
        org: String,
    },
    /// A grant that is listed and does not exist.
    GrantOnlyListed {
        /// Whose.
        user: String,
        /// Where.
        org: String,
    },
    /// An execution that its user's list shows wrongly or not at all.
    ExecutionNotListed {
        /// Which.
        id: ExecutionId,
    },
    /// An execution in the list of a user that is not on record.
    ExecutionOnlyListed {
        /// Whose list.
        user: String,
        /// Which row.
        row_key: String,
    },
    /// An execution that has not ended, and that a restarted engine would not find.
    PointerMissing {
        /// Which.
        id: ExecutionId,
    },
    /// A pointer to an execution that is not on record.
    PointerStale {
        /// Which row.
        row_key: String,
    },
    /// A batch that has not ended, and that a restarted engine would not find.
    BatchNotFound {
        /// Which.
        id: BatchId,
    },
    /// What says that a batch goes on which is not on record, or has ended.
    BatchMarkStale {
        /// Which row.
        row_key: String,
    },
    /// A batch that has ended and of which no execution is left.
    BatchOfNothing {
        /// Which.
        id: BatchId,
    },
    /// A batch whose rows are gone.
    BatchRowsMissing {
        /// Which.
        id: BatchId,
    },
    /// An organization that was being deleted when the platform stopped.
    DeletionUnfinished {
        /// Which.
        org: String,
    },
    /// Figures of a workflow that are not those of its executions.
    CountedWrongly {
        /// Where.
        scope: String,
        /// On which day.
        day: chrono::NaiveDate,
    },
    /// An execution of which a part is left.
    RemovalUnfinished {
        /// Which.
        id: ExecutionId,
    },
    /// An idempotency key that leads to no execution.
    MarkLeadsNowhere {
        /// Where it counts.
        scope: String,
    },
    /// What says that a run of elsewhere was put on record, which is not.
    RecordLeadsNowhere {
        /// Where.
        scope: String,
    },
    /// A file whose execution is not on record, or has ended without writing it to its end.
    FileOfNobody {
        /// Whose it was.
        id: ExecutionId,
        /// Which.
        file: String,
    },
    /// What names a part of a file of an export that is not on record.
    PartOfNoExport {
        /// Which file.
        file: String,
    },
    /// An input, a log, a result, a part of a file or what an export left for the next that nothing names.
    BlobNobodyNames {
        /// Where it is.
        path: String,
    },
    /// An input, a part of a log or of a file, or a result that is gone.
    BlobMissing {
        /// Whose.
        id: Uuid,
    },
    /// A row that decides something and is not readable.
    Unreadable {
        /// Which table.
        table: Table,
        /// Its partition.
        partition_key: String,
        /// Its row.
        row_key: String,
        /// Why.
        reason: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GrantNotListed { user, org } => {
                write!(f, "the grant of user {user} is not listed as it is in organization {org}")
            }
            Self::GrantOnlyListed { user, org } => {
                write!(f, "organization {org} lists a grant of user {user} that does not exist")
            }
            Self::ExecutionNotListed { id } => {
                write!(f, "execution {id} is not listed as it is among those of its user")
            }
            Self::ExecutionOnlyListed { user, row_key } => {
                write!(f, "user {user} is said to have run {row_key}, which is not on record")
            }
            Self::PointerMissing { id } => write!(f, "execution {id} has not ended, and a new start would not find it"),
            Self::PointerStale { row_key } => {
                write!(f, "execution {row_key} is said to go on, but is not on record")
            }
            Self::BatchNotFound { id } => write!(f, "batch {id} has not ended, and a new start would not find it"),
            Self::BatchMarkStale { row_key } => {
                write!(f, "batch {row_key} is said to go on, but has ended or is not on record")
            }
            Self::BatchOfNothing { id } => write!(f, "batch {id} has ended, and none of its executions is on record"),
            Self::BatchRowsMissing { id } => {
                write!(
                    f,
                    "the rows of batch {id} are missing; a backup may still have them. If it has not ended, it does so at the \
                     next start, and what has not begun by then never will"
                )
            }
            Self::CountedWrongly { scope, day } => {
                write!(f, "the figures of a workflow in {scope} on {day} are not those of its executions")
            }
            Self::PartOfNoExport { file } => {
                write!(f, "a part of file {file} is left, which no export has on record")
            }
            Self::DeletionUnfinished { org } => {
                write!(f, "organization {org} is being deleted, and a part of it is left")
            }
            Self::RemovalUnfinished { id } => write!(f, "execution {id} was removed, and a part of it is left"),
            Self::MarkLeadsNowhere { scope } => {
                write!(f, "an idempotency key in {scope} leads to an execution that is not on record")
            }
            Self::RecordLeadsNowhere { scope } => {
                write!(f, "a run of elsewhere is said to have been put on record in {scope}, and is not there")
            }
            Self::FileOfNobody { id, file } => {
                write!(
                    f,
                    "file {file} belongs to execution {id}, which is not on record or did not write it to its end"
                )
            }
            Self::BlobNobodyNames { path } => write!(f, "{path} belongs to nothing"),
            Self::BlobMissing { id } => {
                write!(
                    f,
                    "an export file, or an input, a part of the log or of a file, or a result of execution {id} is missing; a backup may still have it"
                )
            }
            Self::Unreadable { table, partition_key, row_key, reason } => {
                write!(f, "{} ({partition_key}, {row_key}) cannot be read: {reason}", table.name())
            }
        }
    }
}
