//! The files a worker can see: Landlock rules of design section 6. Everything not named here is refused.

use super::launcher::{Launch, Walls};
use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use std::path::{Path, PathBuf};

/// The newest interface whose rules are written for; older kernels enforce what they know.
const NEWEST: ABI = ABI::V6;

const PROGRAMS: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// Certificates, name resolution, time zone, and the linker's cache.
const SETTINGS: [&str; 15] = [
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/ld.so.cache",
    "/etc/crypto-policies",
];

const DEVICES: [&str; 3] = ["/dev/null", "/dev/zero", "/dev/urandom"];

/// Confines this process, and all it starts, for good.
///
/// # Errors
/// When the kernel has Landlock but refuses a rule.
pub(super) fn enforce(launch: &Launch) -> Result<Walls, RulesetError> {
    let look = AccessFs::ReadFile | AccessFs::ReadDir;
    let run = look | AccessFs::Execute;
    let device = AccessFs::ReadFile | AccessFs::WriteFile;
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?;
    for path in PROGRAMS {
        rules = allow(rules, Path::new(path), run)?;
    }
    for path in launch.prefixes.iter().chain([&launch.python, &launch.sdk]).chain(&launch.site_packages) {
        rules = allow(rules, path, run)?;
    }
    for path in SETTINGS {
        rules = allow(rules, Path::new(path), look)?;
    }
    // Its own entry only: the number is fixed before the program starts and survives it.
    rules = allow(rules, &PathBuf::from(format!("/proc/{}", std::process::id())), look)?;
    for path in DEVICES {
        rules = allow(rules, Path::new(path), device)?;
    }
    // A copy that holds nothing but the bundle; the author's folder itself stays out of sight.
    rules = allow(rules, &launch.workspace, run)?;
    rules = allow(rules, &launch.temp, AccessFs::from_all(NEWEST))?;
    Ok(match rules.restrict_self()?.ruleset {
        RulesetStatus::FullyEnforced => Walls::Full,
        RulesetStatus::PartiallyEnforced => Walls::Partial,
        RulesetStatus::NotEnforced => Walls::None,
    })
}

/// What does not exist on this machine needs no rule.
fn allow(rules: RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> Result<RulesetCreated, RulesetError> {
    let Ok(opened) = PathFd::new(path) else { return Ok(rules) };
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(NEWEST) };
    rules.add_rule(PathBeneath::new(opened, access))
}
