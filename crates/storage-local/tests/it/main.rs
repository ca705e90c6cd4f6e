//! The embedded home: conformance, the repositories over it, and what happens to its folder.

mod batches;
mod changes;
mod company;
mod conformance;
mod counting;
mod deletions;
mod dying;
mod executions;
mod exports;
mod files;
mod folder;
mod grants;
mod linearizable;
mod lost_answers;
mod notices;
mod packed_logs;
mod paging;
mod pauses;
mod removals;
mod restored;
mod rotation;
mod seals;
mod sign_in;
mod support;
mod torn;
mod unreadable;
