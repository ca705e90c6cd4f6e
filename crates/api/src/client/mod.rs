//! The browser client: files that were built before the server was, and how they are served.
//!
//! This crate knows no built client; the program hands one in. Without one, a page says how to build it.

mod negotiate;
mod serve;

pub(crate) use serve::file_or_page;

use sha2::{Digest, Sha256};
use std::{collections::HashMap, fmt::Write as _};

/// The page of every address a person may open.
const INDEX: &str = "/index.html";

/// A file of the client, as it was built.
#[derive(Debug, Clone, Copy)]
pub struct ClientFile {
    /// Where it is served, such as `/assets/index-3f9a.js`. Under `/assets/` a name stands for one content, for good.
    pub path: &'static str,
    /// What it holds.
    pub plain: &'static [u8],
    /// The same, compressed with Brotli, where that makes it smaller.
    pub brotli: Option<&'static [u8]>,
    /// The same, compressed with gzip, where that makes it smaller.
    pub gzip: Option<&'static [u8]>,
}

impl ClientFile {
    const fn uncompressed(path: &'static str, plain: &'static [u8]) -> Self {
        Self { path, plain, brotli: None, gzip: None }
    }
}

/// What is served where no client was built: it says so, and signs in and out.
const PLACEHOLDER: &[ClientFile] = &[
    ClientFile::uncompressed(INDEX, include_bytes!("placeholder/index.html")),
    ClientFile::uncompressed("/placeholder.css", include_bytes!("placeholder/placeholder.css")),
    ClientFile::uncompressed("/placeholder.js", include_bytes!("placeholder/placeholder.js")),
    ClientFile::uncompressed("/icon.svg", include_bytes!("placeholder/icon.svg")),
];

/// A file, and the tag of its content.
#[derive(Debug)]
struct Served {
    file: ClientFile,
    etag: String,
}

/// The files of one client.
#[derive(Debug)]
pub struct Client {
    files: HashMap<&'static str, Served>,
    index: Served,
}

impl Client {
    /// A client of these files; of the placeholder's when there is no `/index.html` among them.
    pub fn new(files: &[ClientFile]) -> Self {
        let is_index = |file: &&ClientFile| file.path == INDEX;
        let (files, index) = match files.iter().find(is_index) {
            Some(index) => (files, index),
            None => (PLACEHOLDER, &PLACEHOLDER[0]),
        };
        Self { files: files.iter().map(|file| (file.path, Served::of(*file))).collect(), index: Served::of(*index) }
    }

    /// Names this build: another one has another page, because the page names its scripts by their content.
    pub(crate) fn build(&self) -> &str {
        &self.index.etag
    }

    fn file(&self, path: &str) -> Option<&Served> {
        if path == "/" { Some(&self.index) } else { self.files.get(path) }
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl Served {
    fn of(file: ClientFile) -> Self {
        // What never changes needs no tag, and hashing it would only make the start slower.
        let etag = if file.path.starts_with(serve::ASSETS) { String::new() } else { tag(file.plain) };
        Self { file, etag }
    }
}

/// 64 bits tell builds apart.
fn tag(content: &[u8]) -> String {
    Sha256::digest(content).iter().take(8).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}
