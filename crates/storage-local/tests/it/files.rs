//! Uploads and the files of executions.

use crate::support::{TestHome, actor, execute_audit};
use chrono::{Duration, Utc};
use msp_domain::{Clock as _, ExecutionStatus, OrgId, Scope, UserId};
use msp_storage::StoreError;
use msp_storage::repositories::executions::{Ending, Entry, NewExecution};
use msp_storage::repositories::files::{
    ExecutionFile, FileSource, MAX_FILES, MAX_TOTAL_BYTES, MAX_WAITING, MAX_WAITING_BYTES, NewOutput, NewUpload,
    OutputError, PART_BYTES, TakenUpload, Upload, UploadError, WriteError,
};
use msp_storage::repositories::repair::Finding;

impl TestHome {
    fn new_upload(user: UserId, scope: Scope, size_bytes: u64) -> NewUpload {
        let (name, content_type) = ("users.csv".to_owned(), "text/csv".to_owned());
        NewUpload { user, scope, name, content_type, size_bytes }
    }

    pub async fn upload(&self, user: UserId, scope: Scope, content: &[u8]) -> Upload {
        let files = &self.repositories.files;
        let mut writer = files.begin_upload(&Self::new_upload(user, scope, content.len() as u64)).await.expect("begun");
        for chunk in content.chunks(700_000) {
            writer.write(chunk).await.expect("written");
        }
        files.complete_upload(user, writer, &actor(user)).await.expect("completed")
    }

    async fn output(&self, new: &NewExecution, content: &[u8]) -> ExecutionFile {
        let mut writer = self.repositories.files.begin_output(&output(new, content.len() as u64)).await.expect("begun");
        writer.write(content).await.expect("written");
        self.repositories.files.complete_output(new.id, writer).await.expect("completed")
    }

    async fn blobs(&self) -> Vec<String> {
        self.home.stores.blobs.list("files/").await.expect("listed")
    }
}

fn output(new: &NewExecution, size_bytes: u64) -> NewOutput {
    let (name, content_type) = ("report.pdf".to_owned(), "application/pdf".to_owned());
    NewOutput { execution: new.id, scope: new.scope, name, content_type, size_bytes }
}

fn ended(home: &TestHome) -> Ending {
    Ending {
        status: ExecutionStatus::Success,
        result_json: None,
        error_type: None,
        error_message: None,
        completed_at: home.clock.now(),
        logs_through: 0,
    }
}

fn taking(new: NewExecution, upload: &Upload) -> NewExecution {
    NewExecution { files: vec![TakenUpload { upload: upload.clone(), field: "roster".to_owned() }], ..new }
}

fn org() -> Scope {
    Scope::Org(OrgId::random())
}

#[tokio::test]
async fn an_upload_in_parts_reads_back_and_is_its_callers_alone_for_one_organization_and_a_day() {
    let home = TestHome::new().await;
    let files = &home.repositories.files;
    let (user, scope) = (UserId::random(), org());
    let content: Vec<u8> = (0..PART_BYTES * 2 + 5).map(|n| u8::try_from(n % 251).expect("small")).collect();

    let upload = home.upload(user, scope, &content).await;

    let mut read = Vec::new();
    for part in 0..upload.file.parts.len() {
        read.extend(files.part(&upload.file, part).await.expect("there"));
    }
    assert!(read == content && upload.file.parts.len() == 3, "the bytes come back in order");
    assert!(matches!(files.part(&upload.file, 3).await, Err(StoreError::NotFound)));
    assert_eq!(files.uploads(user, scope).await.expect("listed"), std::slice::from_ref(&upload));
    let empty = home.upload(user, scope, b"").await;
    assert_eq!((empty.file.size_bytes, empty.file.parts.len()), (0, 0));
    for (user, scope) in [(UserId::random(), scope), (user, org()), (user, Scope::Global)] {
        assert_eq!(files.upload(user, scope, upload.file.id).await.expect("read"), None);
        assert_eq!(files.uploads(user, scope).await.expect("listed"), []);
    }
    assert_eq!(home.audited(scope).await, ["Upload.Create", "Upload.Create"]);

    home.clock.turn(Duration::hours(24));
    assert_eq!(files.upload(user, scope, upload.file.id).await.expect("read"), None, "a day has passed");
    files.sweep_uploads().await.expect("swept");
    assert_eq!(home.blobs().await, Vec::<String>::new());
    assert_eq!(home.audited(scope).await[..2], ["Upload.Expire", "Upload.Expire"]);
}

#[tokio::test]
async fn what_waits_is_bounded_per_caller_from_the_moment_it_is_announced() {
    let home = TestHome::new().await;
    let files = &home.repositories.files;
    let (user, scope) = (UserId::random(), org());
    let begin = async |user, size| files.begin_upload(&TestHome::new_upload(user, scope, size)).await;
    let half = begin(user, MAX_WAITING_BYTES / 2).await.expect("begun");
    begin(user, MAX_WAITING_BYTES / 2).await.expect("just fits");
    assert!(matches!(begin(user, 1).await, Err(UploadError::TooMany)), "no byte more");
    begin(UserId::random(), 1).await.expect("others are not concerned");
    files.abandon_upload(user, half.id()).await.expect("abandoned");
    begin(user, 1).await.expect("there is room again");

    let many = UserId::random();
    let racing = futures::future::join_all((0..MAX_WAITING + 10).map(|_| begin(many, 1))).await;
    assert_eq!(racing.iter().filter(|outcome| outcome.is_ok()).count(), MAX_WAITING, "however many race");
}

#[tokio::test]
async fn an_upload_is_no_larger_than_it_was_announced_and_an_interrupted_one_leaves_nothing() {
    let home = TestHome::new().await;
    let files = &home.repositories.files;
    let (user, scope) = (UserId::random(), org());
    let announced = TestHome::new_upload(user, scope, PART_BYTES as u64 + 1);
    let mut writer = files.begin_upload(&announced).await.expect("begun");
    writer.write(&vec![1; PART_BYTES]).await.expect("written");
    assert!(matches!(writer.write(b"ab").await, Err(WriteError::TooLarge(_))));
    // As a killed server leaves it: nobody abandons it.
    drop(writer);
    assert_eq!(files.uploads(user, scope).await.expect("listed"), []);
    assert_eq!(home.blobs().await.len(), 1);
    files.sweep_uploads().await.expect("swept");
    assert_eq!(home.blobs().await.len(), 1, "it may still be arriving");
    assert_eq!(home.repaired().await, [], "also for a repair");

    home.clock.turn(Duration::hours(1));
    files.sweep_uploads().await.expect("swept");
    assert_eq!(home.blobs().await, Vec::<String>::new());
    assert_eq!(home.audited(scope).await, Vec::<String>::new(), "it never was there");
}

#[tokio::test]
async fn an_upload_is_taken_by_exactly_one_execution_with_its_record() {
    let home = TestHome::new().await;
    let (files, executions) = (&home.repositories.files, &home.repositories.executions);
    let (user, scope) = (UserId::random(), org());
    let upload = home.upload(user, scope, b"name\nAda\n").await;
    let first = taking(home.new_execution(scope, user), &upload);
    let second = taking(home.new_execution(scope, user), &upload);

    let recorded = home.insert(&first, &Entry::Queued).await;
    let refused = executions.insert(&second, &Entry::Queued, Vec::new(), execute_audit(&second)).await;

    assert!(matches!(refused, Err(StoreError::PreconditionFailed)), "{refused:?}");
    assert_eq!(executions.get(scope, second.id).await.expect("read"), None, "nothing of it was written");
    let repeated = executions.insert(&first, &Entry::Queued, Vec::new(), execute_audit(&first)).await;
    assert_eq!(repeated.expect("a lost answer is asked for again"), recorded);
    assert_eq!(files.uploads(user, scope).await.expect("listed"), []);
    let file = ExecutionFile { file: upload.file, source: FileSource::Input, field: Some("roster".to_owned()) };
    assert_eq!(files.of_execution(first.id, None, 10).await.expect("listed").items, std::slice::from_ref(&file));
    assert_eq!(files.execution_file(first.id, file.file.id).await.expect("read"), Some(file.clone()));
    assert_eq!(files.execution_file(second.id, file.file.id).await.expect("read"), None, "of its execution alone");
    assert_eq!(files.part(&file.file, 0).await.expect("there").as_ref(), b"name\nAda\n");
    home.clock.turn(Duration::days(30));
    files.sweep_uploads().await.expect("swept");
    assert_eq!(home.blobs().await.len(), 1, "it waits for nothing any more");
}

#[tokio::test]
async fn the_files_of_an_execution_are_bounded_and_go_with_it() {
    let home = TestHome::new().await;
    let files = &home.repositories.files;
    let (user, scope) = (UserId::random(), org());
    let upload = home.upload(user, scope, b"in").await;
    let new = taking(home.new_execution(scope, user), &upload);
    home.insert(&new, &Entry::Queued).await;
    let other = home.new_execution(scope, user);
    home.insert(&other, &Entry::Queued).await;
    home.output(&other, b"stays").await;
    assert!(matches!(files.begin_output(&output(&new, MAX_TOTAL_BYTES)).await, Err(OutputError::TooLarge)));
    for _ in 1..MAX_FILES {
        home.clock.turn(Duration::milliseconds(1));
        home.output(&new, b"out").await;
    }
    assert!(matches!(files.begin_output(&output(&new, 1)).await, Err(OutputError::TooMany)));
    let mut cursor = None;
    let mut seen = Vec::new();
    loop {
        let page = files.of_execution(new.id, cursor.as_deref(), 60).await.expect("listed");
        seen.extend(page.items.into_iter().map(|file| file.file.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert!(seen.len() == MAX_FILES && seen.is_sorted(), "each once, oldest first");

    let queued = home.repositories.executions.get(scope, new.id).await.expect("read").expect("there");
    let audit = execute_audit(&new);
    home.repositories.executions.cancel_pending(&queued, &ended(&home), audit).await.expect("ended");
    home.repositories.executions.remove(scope, new.id).await.expect("removed");

    assert_eq!(files.of_execution(new.id, None, 10).await.expect("listed").items, []);
    assert_eq!(home.blobs().await.len(), 1, "the other's");
}

#[tokio::test]
async fn a_repair_removes_what_a_crash_left_of_files_and_misses_what_is_gone() {
    let home = TestHome::new().await;
    let (files, blobs) = (&home.repositories.files, &home.home.stores.blobs);
    let (user, scope) = (UserId::random(), org());
    let waiting = home.upload(user, scope, b"waits").await;
    let new = home.new_execution(scope, user);
    let running = home.insert(&new, &Entry::Claimed { owner: "me".into(), deadline_at: Utc::now() }).await;
    let kept = home.output(&new, b"kept").await;
    let mut half = files.begin_output(&output(&new, PART_BYTES as u64 + 9)).await.expect("begun");
    half.write(&vec![1; PART_BYTES]).await.expect("written");
    assert_eq!(home.repaired().await, [], "it may go on");

    home.repositories.executions.finish(&running, &ended(&home)).await.expect("ended");
    let orphan = format!("files/{}/0000", uuid::Uuid::new_v4());
    blobs.put(&orphan, "of nobody".into()).await.expect("written");
    let found = home.repaired().await;
    assert!(found.contains(&Finding::FileOfNobody { id: new.id, file: half.id().to_string() }), "{found:?}");
    assert!(found.contains(&Finding::BlobNobodyNames { path: orphan }), "{found:?}");
    assert_eq!(found.len(), 3, "and the half of the file: {found:?}");
    let mut left = vec![waiting.file.parts[0].clone(), kept.file.parts[0].clone()];
    left.sort();
    assert_eq!(home.blobs().await, left);
    assert_eq!(home.repaired().await, [], "nothing is left to repair");

    blobs.delete(&kept.file.parts[0]).await.expect("deleted");
    assert_eq!(home.repaired().await, [Finding::BlobMissing { id: new.id.as_uuid() }]);
    assert!(matches!(files.part(&kept.file, 0).await, Err(StoreError::Corrupt(_))));
}
