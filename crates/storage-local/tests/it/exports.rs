//! Files of exports: one at a time, and none that stays behind.

use crate::support::TestHome;
use futures::future::join_all;
use msp_domain::export::time_of_day;
use msp_domain::{Clock, Every, ExecutionId, ExportFormat, ExportSubject, Recurrence, Scope};
use msp_storage::repositories::exports::{Carry, Counted, ExportFile, ExportSchedule, FileState, ScheduleTerms};
use msp_storage::repositories::{Actor, files::FileWriter, repair::Finding};
use msp_storage::{Entity, Query, StoreError, Table, Write};
use uuid::Uuid;

impl TestHome {
    async fn export(&self, scope: Scope) -> Result<ExportSchedule, StoreError> {
        let recurrence = Recurrence { every: Every::Day, at: time_of_day("00:00").expect("a time") };
        let terms = ScheduleTerms { format: ExportFormat::Csv, recurrence, is_enabled: true, keep_days: None };
        let (what, carry) = ((scope, ExportSubject::Executions), Carry::default());
        self.repositories.exports.create(what, terms, (self.clock.now(), &carry), &Actor::PLATFORM).await
    }

    async fn begun(&self, of: &ExportSchedule) -> ExportFile {
        self.repositories.exports.begin((of.scope, of.id), self.clock.now(), None).await.expect("begun")
    }

    /// A file with a byte in it.
    async fn half(&self, file: &ExportFile) -> FileWriter {
        let mut writer = self.repositories.exports.writer(file).await.expect("begun");
        writer.write(&vec![7; 1024 * 1024 + 1]).await.expect("written");
        writer
    }

    async fn completed(&self, of: &ExportSchedule, file: &ExportFile, writer: FileWriter) -> Result<(), StoreError> {
        let exports = &self.repositories.exports;
        exports.complete(of, file, writer, (Counted::default(), &Carry::default())).await
    }

    async fn schedule_now(&self, of: &ExportSchedule) -> ExportSchedule {
        self.repositories.exports.get(of.scope, of.id).await.expect("read").expect("there")
    }

    async fn all_rows(&self, table: Table) -> Vec<Entity> {
        self.home.stores.tables.query_all(table, Query::default()).await.expect("read")
    }

    /// Rows and blobs of files of exports.
    async fn left_of_exports(&self) -> (usize, Vec<String>) {
        let mut blobs = self.home.stores.blobs.list("files/").await.expect("listed");
        blobs.extend(self.home.stores.blobs.list("exports/").await.expect("listed"));
        (self.all_rows(Table::ExportFiles).await.len() + self.all_rows(Table::ExportSchedules).await.len(), blobs)
    }
}

#[tokio::test]
async fn of_many_who_begin_a_file_one_does_and_the_others_get_the_same() {
    let home = TestHome::new().await;
    let schedule = home.export(Scope::Org(home.org().await)).await.expect("created");
    let mut earlier: Vec<Uuid> = Vec::new();
    // The clock stands still: each file is the latest all the same.
    for _ in 0..5 {
        let begun = join_all((0..8).map(|_| home.begun(&schedule))).await;
        assert!(begun.iter().all(|file| file.id == begun[0].id), "{begun:?}");
        let listed = home.repositories.exports.files(schedule.id, None, 100).await.expect("listed").items;
        let ids: Vec<Uuid> = listed.iter().map(|file| file.id).collect();
        earlier.insert(0, begun[0].id);
        assert_eq!(ids, earlier);
        let writer = home.half(&begun[0]).await;
        home.completed(&home.schedule_now(&schedule).await, &begun[0], writer).await.expect("whole");
    }
}

#[tokio::test]
async fn a_file_that_another_took_the_place_of_is_never_whole_and_goes() {
    let home = TestHome::new().await;
    let schedule = home.export(Scope::Global).await.expect("created");
    let file = home.begun(&schedule).await;
    let stale = home.schedule_now(&schedule).await;
    // As two that were begun at once by a version that let them.
    let mut other = home.all_rows(Table::ExportFiles).await.remove(0);
    let id = ExecutionId::at(home.clock.now() - chrono::Duration::seconds(1));
    (other.row_key, other.etag) = (id.row_key().expect("a key"), None);
    let other = other.with("FileId", id.as_uuid());
    home.home.stores.tables.write(Table::ExportFiles, Write::Insert(other)).await.expect("written");
    let exports = &home.repositories.exports;
    let older = exports.file(schedule.id, id.as_uuid()).await.expect("read").expect("there");
    home.completed(&stale, &file, home.half(&file).await).await.expect("whole");
    let late = home.completed(&stale, &older, home.half(&older).await).await;
    assert!(matches!(late, Err(StoreError::PreconditionFailed)), "its rows are in the other one: {late:?}");
    assert!(!exports.abandon(&older).await.expect("tidied"), "it is there");
    exports.sweep(&home.schedule_now(&schedule).await, None).await.expect("swept");
    let left = exports.files(schedule.id, None, 10).await.expect("listed").items;
    assert_eq!(left.iter().map(|file| (file.id, file.state)).collect::<Vec<_>>(), [(file.id, FileState::Whole)]);
    assert_eq!(home.left_of_exports().await.1.len(), 3, "two parts, and what it left for the next one");
}

#[tokio::test]
async fn there_are_never_more_schedules_than_there_may_be() {
    let home = TestHome::new().await;
    let scope = Scope::Org(home.org().await);
    let made = join_all((0..30).map(|_| home.export(scope))).await;
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 20);
    assert!(made.iter().all(|made| matches!(made, Ok(_) | Err(StoreError::Limit(_)))), "{made:?}");
    assert_eq!(home.repositories.exports.of(scope).await.expect("read").len(), 20);
    assert_eq!(home.home.stores.blobs.list("exports/").await.expect("listed").len(), 20);
    home.repositories.exports.clear_deleted(None).await.expect("nothing to do");
    assert!(home.export(scope).await.is_err(), "still full");
    assert_eq!(home.repaired().await, []);
}

#[tokio::test]
async fn a_file_whose_organization_goes_while_it_is_written_leaves_nothing() {
    for is_seen in [true, false] {
        let home = TestHome::new().await;
        let scope = Scope::Org(home.org().await);
        let schedule = home.export(scope).await.expect("created");
        let file = home.begun(&schedule).await;
        let (schedule, writer) = (home.schedule_now(&schedule).await, home.half(&file).await);
        home.repositories.exports.remove_all(scope, &Actor::PLATFORM).await.expect("removed");
        let late = home.completed(&schedule, &file, writer).await;
        assert!(matches!(late, Err(StoreError::NotFound | StoreError::PreconditionFailed)), "{late:?}");
        assert_eq!(home.left_of_exports().await.0, 0, "no row comes in behind the removal");
        if is_seen {
            assert!(home.repositories.exports.abandon(&file).await.expect("removed"));
        } else {
            // It died just then; and an earlier version left rows and more as well.
            let part = Entity::new(file.id.to_string(), "000000").with("PartBlob", format!("files/{}/0000", file.id));
            let tables = &home.home.stores.tables;
            tables.write(Table::ExportFiles, Write::Insert(part)).await.expect("written");
            let carry = format!("exports/{}/{}.json", schedule.id, file.id);
            home.home.stores.blobs.put(&carry, "{}".into()).await.expect("written");
            let found = home.repaired().await;
            assert!(found.contains(&Finding::PartOfNoExport { file: file.id.to_string() }), "{found:?}");
            assert!(found.contains(&Finding::BlobNobodyNames { path: carry }), "{found:?}");
        }
        assert_eq!(home.left_of_exports().await, (0, Vec::new()));
        assert_eq!(home.repaired().await, []);
    }
}

#[tokio::test]
async fn what_a_file_left_for_the_next_one_is_kept_while_it_is_needed_and_no_damage_when_it_is_gone() {
    let home = TestHome::new().await;
    let schedule = home.export(Scope::Global).await.expect("created");
    let file = home.begun(&schedule).await;
    let now = home.schedule_now(&schedule).await;
    home.completed(&now, &file, home.half(&file).await).await.expect("whole");
    home.begun(&schedule).await;
    assert_eq!(home.repaired().await, []);
    let carry = home.home.stores.blobs.list("exports/").await.expect("listed").remove(0);
    home.home.stores.blobs.delete(&carry).await.expect("deleted");
    assert_eq!(home.repaired().await, [], "the next file finds it anew");
}
