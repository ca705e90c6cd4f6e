//! Where things are in a folder of an import or export, and how its files are read.
//!
//! `organizations.csv`; for each organization `organizations/NAME/variables.csv` and `organizations/NAME/forms/*.json`; for
//! what everybody shares `global/variables.csv` and `global/forms/*.json`.

use anyhow::{Context, Result, bail};
use msp_domain::workflow::nearest;
use sha2::{Digest, Sha256};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The list of organizations.
pub const ORGANIZATIONS_CSV: &str = "organizations.csv";
/// Folders of organizations.
pub const ORGANIZATIONS: &str = "organizations";
/// What everybody shares.
pub const GLOBAL: &str = "global";
/// Config values and secrets.
pub const VARIABLES_CSV: &str = "variables.csv";
/// Folder of forms.
pub const FORMS: &str = "forms";
/// How the file of a form ends.
pub const FORM: &str = ".json";
/// How the file of a form ends that cannot be submitted.
pub const INACTIVE_FORM: &str = ".inactive.json";

/// Largest CSV file: ten thousand rows of a thousand characters are far below.
pub const MAX_CSV_BYTES: u64 = 16 << 20;
/// Largest file of a form: the document ends at 32 KiB, indented it may take some more.
pub const MAX_FORM_BYTES: u64 = 128 << 10;
/// Longest readable part of a file's name: with its ending far from the 255 bytes of common file systems.
const MAX_READABLE_BYTES: usize = 120;

/// The name of the file or folder of something called `name`. What a file system may not take is written as `_`, and then,
/// as for names that were cut, a part of the hash keeps two names apart.
pub fn file_name(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.');
    let mut readable: String = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    while readable.len() > MAX_READABLE_BYTES {
        readable.pop();
    }
    let unsafe_edge = readable.starts_with('.') || readable.ends_with(['.', ' ']);
    let looks_inactive = readable.to_lowercase().ends_with(".inactive");
    if readable == name && !unsafe_edge && !looks_inactive {
        return readable;
    }
    let hash = Sha256::digest(name.as_bytes());
    format!("{}~{:02x}{:02x}{:02x}{:02x}", readable.trim_start_matches('.'), hash[0], hash[1], hash[2], hash[3])
}

/// The entries of a folder by name, without hidden ones; none where there is no folder. Links are refused: what they lead
/// to is not part of the folder.
pub fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(cause).with_context(|| format!("{} cannot be read", folder.display())),
    };
    let mut entries = Vec::new();
    for entry in listed {
        let entry = entry.with_context(|| format!("{} cannot be read", folder.display()))?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            bail!("{} has a name that is not UTF-8", path.display())
        };
        if name.starts_with('.') {
            continue;
        }
        refuse_link(&path)?;
        entries.push((name, path));
    }
    entries.sort();
    Ok(entries)
}

/// Refuses what the layout does not know.
pub fn only(entries: &[(String, PathBuf)], known: &[&str]) -> Result<()> {
    let Some((name, path)) = entries.iter().find(|(name, _)| !known.contains(&name.as_str())) else { return Ok(()) };
    match nearest(name, known.iter().copied()) {
        Some(meant) => bail!("{} is not part of an import; did you mean `{meant}`?", path.display()),
        None => bail!("{} is not part of an import; here belong: {}", path.display(), known.join(", ")),
    }
}

/// The text of a file, without a byte order mark; `None` where there is no file.
pub fn read(path: &Path, most_bytes: u64) -> Result<Option<String>> {
    let size = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(cause).with_context(|| format!("{} cannot be read", path.display())),
    };
    refuse_link(path)?;
    if size > most_bytes {
        bail!("{} has {size} bytes, and at most {most_bytes} are read", path.display());
    }
    let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        bail!("{} is UTF-16; save it as UTF-8", path.display());
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        anyhow::anyhow!("{}:{} is not UTF-8; save it as UTF-8", path.display(), line + 1)
    })?;
    Ok(Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)))
}

fn refuse_link(path: &Path) -> Result<()> {
    let metadata = fs::symlink_metadata(path).with_context(|| format!("{} cannot be read", path.display()))?;
    if metadata.is_symlink() {
        bail!("{} is a link, and links are not followed; put the file itself there", path.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_is_its_own_file_name_and_every_other_leads_nowhere_else() {
        for name in ["Contoso", "Contoso Ltd", "Søren & Søn".replace('&', "og").as_str(), "a.b-c_d"] {
            assert_eq!(file_name(name), name);
        }
        for name in ["../up", "/etc/passwd", "..", ".hidden", "a/b", "a\\b", "Tee.", "x.inactive", &"é".repeat(200)] {
            let file = file_name(name);
            assert!(!file.contains(['/', '\\']) && !file.starts_with('.') && file.len() < 200, "{name}: {file}");
            assert!(file.contains('~'), "{name}: {file}");
        }
        assert_ne!(file_name("a/b"), file_name("a\\b"));
    }
}
