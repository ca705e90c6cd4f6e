//! Files that are being saved. Most programs save in place: they empty the file, and then write it. On a busy machine a
//! file can be seen empty for longer than any pause between two looks, and an empty file is no mistake in Python: its
//! workflows would be gone until the next look.

use super::copies::Bundle;
use std::{
    io,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// A file that has nothing in it for this long was emptied, and is not being saved.
pub(super) const WRITTEN_WITHIN: Duration = Duration::from_secs(1);
/// How soon an emptied file is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(40);

/// A copy of the workspace in which no file is empty that holds something in the copy that serves; after `within`, the
/// workspace as it is. Files that were removed are not waited for.
///
/// # Errors
/// Those of `take`, which makes a copy.
pub(super) async fn written<Copy: Future<Output = io::Result<Bundle>>>(
    serving: &Bundle,
    within: Duration,
    mut take: impl FnMut() -> Copy,
) -> io::Result<Bundle> {
    let began = Instant::now();
    loop {
        let bundle = take().await?;
        if bundle.emptied(serving).is_empty() || began.elapsed() >= within {
            return Ok(bundle);
        }
        sleep(LOOK_AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{bundle::Workspace, copies::Copies},
        *,
    };
    use std::{fs, future::ready, path::PathBuf, sync::Arc};

    /// Longer than any test takes: the wait ends because the file was written.
    const PATIENT: Duration = Duration::from_secs(600);
    const FILE: &str = "workflows/a.py";

    struct Place {
        folder: tempfile::TempDir,
        copies: Arc<Copies>,
    }

    impl Place {
        fn holding(text: &str) -> (Self, Bundle) {
            let folder = tempfile::tempdir().expect("a folder");
            for name in ["workspace/workflows", "data/engine"] {
                fs::create_dir_all(folder.path().join(name)).expect("made");
            }
            let copies = Copies::open(&folder.path().join("data/engine")).expect("opened");
            let place = Self { folder, copies };
            fs::write(place.file(), text).expect("written");
            let serving = place.take().expect("copied");
            (place, serving)
        }

        fn file(&self) -> PathBuf {
            self.folder.path().join("workspace").join(FILE)
        }

        fn take(&self) -> io::Result<Bundle> {
            let root = self.folder.path();
            self.copies.take(&Workspace::open(&root.join("workspace"), &root.join("data"))?)
        }

        /// What is served in the end, when the file holds one of these texts after the other: `None` removes it. Says
        /// how many of them were looked at as well.
        async fn see(&self, serving: &Bundle, within: Duration, texts: &[Option<&str>]) -> (Option<String>, usize) {
            let mut looks = 0;
            let bundle = written(serving, within, || {
                match texts[looks] {
                    Some(text) => fs::write(self.file(), text).expect("written"),
                    None => fs::remove_file(self.file()).expect("removed"),
                }
                looks += 1;
                ready(self.take())
            });
            let bundle = bundle.await.expect("copied");
            (fs::read_to_string(bundle.folder.join(FILE)).ok(), looks)
        }
    }

    #[tokio::test]
    async fn a_file_that_is_being_saved_in_place_is_waited_for() {
        let (place, serving) = Place::holding("one");
        let seen = place.see(&serving, PATIENT, &[Some(""), Some("\n"), Some("two"), Some("three")]).await;
        assert_eq!(seen, (Some("two".to_owned()), 3));
    }

    #[tokio::test]
    async fn a_file_that_stays_empty_is_served_as_it_is_when_the_time_is_over() {
        let (place, serving) = Place::holding("one");
        assert_eq!(place.see(&serving, Duration::ZERO, &[Some(""), Some("two")]).await, (Some(String::new()), 1));
    }

    #[tokio::test]
    async fn neither_a_removed_file_nor_one_that_was_empty_before_is_waited_for() {
        let (place, serving) = Place::holding("one");
        assert_eq!(place.see(&serving, PATIENT, &[None]).await, (None, 1));
        // While it is waited for, as well.
        assert_eq!(place.see(&serving, PATIENT, &[Some(""), None]).await, (None, 2));
        let (place, serving) = Place::holding("");
        assert_eq!(place.see(&serving, PATIENT, &[Some("\n")]).await, (Some("\n".to_owned()), 1));
    }
}
