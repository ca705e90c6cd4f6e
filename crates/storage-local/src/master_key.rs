//! The key everything secret hangs on.

use crate::OpenError;
use aws_lc_rs::hkdf;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use zeroize::{Zeroize as _, Zeroizing};

const KEY_BYTES: usize = 32;
/// Anything longer is no key file; nobody should read `/dev/zero` into memory by a slip.
const MAX_FILE_BYTES: u64 = 256;

/// 32 random bytes of which every other key is derived. Wiped when dropped; shows itself to nobody.
#[derive(Clone)]
pub struct MasterKey(Arc<Zeroizing<[u8; KEY_BYTES]>>);

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// The length of a derived key, as HKDF asks for it.
struct DerivedLength;

impl hkdf::KeyType for DerivedLength {
    fn len(&self) -> usize {
        KEY_BYTES
    }
}

impl MasterKey {
    /// A key for one purpose (HKDF-SHA256, RFC 5869, with the purpose as `info`). Keys of two purposes tell nothing
    /// about each other or about this one.
    pub fn derive(&self, purpose: &str) -> [u8; KEY_BYTES] {
        let mut derived = [0; KEY_BYTES];
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"msp-automation-platform")
            .extract(self.0.as_slice())
            .expand(&[purpose.as_bytes()], DerivedLength)
            .and_then(|okm| okm.fill(&mut derived))
            .expect("HKDF-SHA256 gives up to 8160 bytes");
        derived
    }

    /// Reads a key file, `None` if there is none.
    ///
    /// # Errors
    /// [`OpenError::KeyExposed`] when others can read it, [`OpenError::KeyMalformed`] when it holds no key.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, OpenError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(OpenError::io(path)(error)),
        };
        let mode = file.metadata().map_err(OpenError::io(path))?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(OpenError::KeyExposed { path: path.to_owned(), mode });
        }
        let mut text = Zeroizing::new(String::new());
        let malformed = || OpenError::KeyMalformed { path: path.to_owned() };
        io::Read::read_to_string(&mut io::Read::take(file, MAX_FILE_BYTES), &mut text).map_err(|error| {
            if error.kind() == io::ErrorKind::InvalidData { malformed() } else { OpenError::io(path)(error) }
        })?;
        let bytes = Zeroizing::new(BASE64_STANDARD.decode(text.trim()).map_err(|_| malformed())?);
        let key: [u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| malformed())?;
        Ok(Some(Self(Arc::new(Zeroizing::new(key)))))
    }

    /// Makes a key file, durable before this returns. When another process makes one at the same moment, both end up
    /// with the same key: the file appears complete under its name or not at all, and only once.
    pub(crate) fn create(path: &Path) -> Result<Self, OpenError> {
        Self::random().map_err(OpenError::io(path))?.write(path)?;
        Self::read(path)?.ok_or_else(|| OpenError::KeyMissing { path: path.to_owned() })
    }

    /// A key nobody has had before.
    pub(crate) fn random() -> io::Result<Self> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        aws_lc_rs::rand::fill(key.as_mut_slice()).map_err(|_| io::Error::other("the system gave no random numbers"))?;
        Ok(Self(Arc::new(key)))
    }

    /// Writes the key to a file of its own, durable before this returns, unless there is one.
    pub(crate) fn write(&self, path: &Path) -> Result<(), OpenError> {
        let mut text = BASE64_STANDARD.encode(self.0.as_slice());
        text.push('\n');
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let staged = folder.join(format!(".master.key.{}", uuid::Uuid::new_v4()));
        let written = write_staged(&staged, text.as_bytes()).and_then(|()| match fs::hard_link(&staged, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            outcome => outcome,
        });
        text.zeroize();
        let _ = fs::remove_file(&staged);
        written.and_then(|()| File::open(folder)?.sync_all()).map_err(OpenError::io(path))
    }
}

fn write_staged(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_created_key_reads_back_and_each_purpose_has_its_own_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("master.key");
        let created = MasterKey::create(&path).expect("created");
        let read = MasterKey::read(&path).expect("readable").expect("there");
        assert_eq!(created.derive("a"), read.derive("a"));
        assert_ne!(read.derive("a"), read.derive("b"));
        assert_eq!(MasterKey::create(&path).expect("kept").derive("a"), read.derive("a"), "a key is never replaced");
        assert_eq!(format!("{read:?}"), "MasterKey(..)");
    }

    #[test]
    fn a_key_others_can_read_and_a_file_without_a_key_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("master.key");
        MasterKey::create(&path).expect("created");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("chmod");
        assert!(matches!(MasterKey::read(&path), Err(OpenError::KeyExposed { mode: 0o640, .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("chmod");
        for content in [&b""[..], b"c2hvcnQ=", b"not base64!", b"\xff\xfe\x00"] {
            fs::write(&path, content).expect("written");
            assert!(matches!(MasterKey::read(&path), Err(OpenError::KeyMalformed { .. })), "{content:?}");
        }
    }
}
