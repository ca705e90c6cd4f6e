//! The embedded home: conformance, the repositories over it, and what happens to its folder.

mod executions;
mod support;
