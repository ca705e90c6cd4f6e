//! Lists the Python SDK's files, so that the binary carries them.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

fn main() -> std::io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let root = manifest.join("../../sdk/python");
    println!("cargo::rerun-if-changed={}", root.join("msp_sdk").display());
    let mut files = Vec::new();
    collect(&root.join("msp_sdk"), &mut files)?;
    files.sort();

    let mut source = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(&root).unwrap_or(&file).to_string_lossy().into_owned();
        let path = fs::canonicalize(&file)?;
        source.push_str(&format!("    ({name:?}, include_bytes!({path:?})),\n"));
    }
    source.push_str("]\n");
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("sdk_files.rs"), source)
}

/// Sources and the marker of a typed package; no tests, no bytecode.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "__pycache__") {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "py")
            || path.file_name().is_some_and(|name| name == "py.typed")
        {
            files.push(path);
        }
    }
    Ok(())
}
