//! Lists the files of the built client, so that the program carries them. Without a built client the list is empty: the
//! program builds without Node, and serves a page that says how to build the client.

use std::{
    env,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

/// Endings of what stands beside a file as the same, compressed.
const BROTLI: &str = ".br";
const GZIP: &str = ".gz";

fn main() -> io::Result<()> {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../client/dist");
    // Cargo looks at folders that are there: without one, every build would begin with this crate. Where the sources
    // cannot be written to, that is so.
    let _ = fs::create_dir_all(&dist);
    println!("cargo::rerun-if-changed={}", dist.display());

    let mut files = Vec::new();
    if dist.is_dir() {
        collect(&dist.canonicalize()?, &mut files)?;
    }
    files.sort();
    let out = env::var_os("OUT_DIR").map(PathBuf::from).ok_or_else(|| io::Error::other("Cargo names no OUT_DIR"))?;
    fs::write(out.join("client_files.rs"), list(&files)?)
}

/// Every file below a folder: its path from there, and where it is.
fn collect(folder: &Path, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for entry in fs::read_dir(&current)? {
            let path = entry?.path();
            if is_hidden(&path) {
                // Notes of the build tool.
            } else if path.is_dir() {
                folders.push(path);
            } else if let Some(name) = path.strip_prefix(folder).ok().and_then(Path::to_str) {
                files.push((format!("/{name}"), path));
            }
        }
    }
    Ok(())
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// The list as an expression of Rust.
fn list(files: &[(String, PathBuf)]) -> io::Result<String> {
    let included = |name: &str| {
        let found = files.iter().find(|(path, _)| path == name);
        found.map_or_else(|| "None".to_owned(), |(_, path)| format!("Some(include_bytes!({path:?}))"))
    };
    let mut text = String::from("&[\n");
    for (name, path) in files.iter().filter(|(name, _)| !name.ends_with(BROTLI) && !name.ends_with(GZIP)) {
        let (brotli, gzip) = (included(&format!("{name}{BROTLI}")), included(&format!("{name}{GZIP}")));
        writeln!(
            text,
            "ClientFile {{ path: {name:?}, plain: include_bytes!({path:?}), brotli: {brotli}, gzip: {gzip} }},"
        )
        .map_err(io::Error::other)?;
    }
    text.push(']');
    Ok(text)
}
