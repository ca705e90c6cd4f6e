//! System calls a worker has no use for and that reach past the other walls.
//!
//! Landlock rules over files, signals and sockets, not over limits, priorities, key rings or the metadata of files. A
//! worker that keeps the host's uid could otherwise set the host's file size limit to zero, or the mode of the master
//! key: the kernel asks for no more than the same uid. What a process does to itself stays allowed.

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use std::collections::BTreeMap;

type Error = Box<dyn std::error::Error>;

/// Calls whose first argument names the process they are about; zero is the caller itself.
const ABOUT_A_PROCESS: [i64; 8] = [
    libc::SYS_prlimit64,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setattr,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setscheduler,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_kcmp,
];

/// Calls about other processes, or about things that belong to the uid rather than to the process.
const NEVER: [i64; 18] = [
    libc::SYS_setpriority,
    libc::SYS_ioprio_set,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_perf_event_open,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_shmget,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_fchownat,
    libc::SYS_fchown,
    libc::SYS_setxattr,
    libc::SYS_fsetxattr,
];

#[cfg(target_arch = "x86_64")]
const NEVER_HERE: [i64; 3] = [libc::SYS_chown, libc::SYS_lchown, libc::SYS_lsetxattr];
#[cfg(not(target_arch = "x86_64"))]
const NEVER_HERE: [i64; 1] = [libc::SYS_lsetxattr];

/// Calls that change modes and times. They seem to succeed and do nothing, because Python's own `shutil.copy` makes
/// them on every file, and failing them would break code that means no harm.
#[cfg(target_arch = "x86_64")]
const WITHOUT_EFFECT: [i64; 8] = [
    libc::SYS_fchmodat,
    libc::SYS_fchmodat2,
    libc::SYS_fchmod,
    libc::SYS_utimensat,
    libc::SYS_chmod,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
];
#[cfg(not(target_arch = "x86_64"))]
const WITHOUT_EFFECT: [i64; 4] = [libc::SYS_fchmodat, libc::SYS_fchmodat2, libc::SYS_fchmod, libc::SYS_utimensat];

/// Filters the calls of this process and of everything it starts. Needs `no_new_privs`.
///
/// `shares_uid`: the worker keeps the host's uid, so the metadata of the host's files is in its reach.
///
/// # Errors
/// When the kernel has no seccomp, or the processor is not one the filter is known for.
pub(super) fn filter(shares_uid: bool) -> Result<(), Error> {
    let other_process = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, 0)?;
    let mut refused: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for call in ABOUT_A_PROCESS {
        refused.insert(call, vec![SeccompRule::new(vec![other_process.clone()])?]);
    }
    refused.extend(NEVER.into_iter().chain(NEVER_HERE).map(|call| (call, Vec::new())));
    let eperm = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    apply(refused, eperm)?;
    if shares_uid {
        apply(WITHOUT_EFFECT.into_iter().map(|call| (call, Vec::new())).collect(), SeccompAction::Errno(0))?;
    }
    Ok(())
}

fn apply(calls: BTreeMap<i64, Vec<SeccompRule>>, answer: SeccompAction) -> Result<(), Error> {
    let filter = SeccompFilter::new(calls, SeccompAction::Allow, answer, std::env::consts::ARCH.try_into()?)?;
    let program: BpfProgram = filter.try_into()?;
    Ok(seccompiler::apply_filter(&program)?)
}
