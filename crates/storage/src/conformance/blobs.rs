//! Every rule of a blob store.

use super::assert_limit;
use crate::BlobStore;
use bytes::Bytes;
use std::sync::Arc;
use uuid::Uuid;

/// Every rule of a blob store.
///
/// # Panics
/// When a rule is broken.
pub async fn blobs(store: Arc<dyn BlobStore>) {
    a_blob_reads_back_and_is_replaced(store.as_ref()).await;
    deleting_is_repeatable(store.as_ref()).await;
    a_folder_is_listed_alone(store.as_ref()).await;
    paths_stay_inside(store.as_ref()).await;
    racing_puts_leave_one_whole_blob(store).await;
}

fn folder() -> String {
    format!("executions/{}", Uuid::new_v4())
}

async fn a_blob_reads_back_and_is_replaced(blobs: &dyn BlobStore) {
    let path = format!("{}/result.json", folder());
    assert_eq!(blobs.get(&path).await.expect("readable"), None, "a blob that was never written is not there");
    for content in [Bytes::from_static(b"one"), Bytes::new(), Bytes::from(vec![0xff; 3_000_000])] {
        blobs.put(&path, content.clone()).await.expect("written");
        assert_eq!(blobs.get(&path).await.expect("readable"), Some(content), "a blob is what was written last");
    }
}

async fn deleting_is_repeatable(blobs: &dyn BlobStore) {
    let path = format!("{}/result.json", folder());
    blobs.put(&path, Bytes::from_static(b"x")).await.expect("written");
    blobs.delete(&path).await.expect("deleted");
    assert_eq!(blobs.get(&path).await.expect("readable"), None, "what was deleted is gone");
    blobs.delete(&path).await.expect("deleting what is not there is no error");
}

async fn a_folder_is_listed_alone(blobs: &dyn BlobStore) {
    let folder = folder();
    for path in [format!("{folder}/b"), format!("{folder}/a/deep"), format!("{folder}x/c")] {
        blobs.put(&path, Bytes::from_static(b"x")).await.expect("written");
    }
    let listed = blobs.list(&format!("{folder}/")).await.expect("listed");
    assert_eq!(listed, [format!("{folder}/a/deep"), format!("{folder}/b")], "a prefix lists its folder, sorted");
    let empty = blobs.list(&format!("executions/{}/", Uuid::new_v4())).await.expect("listed");
    assert!(empty.is_empty(), "a folder that is not there is empty");
    assert_limit(&blobs.list(&folder).await, "a prefix ends in a slash");
}

async fn paths_stay_inside(blobs: &dyn BlobStore) {
    for path in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/./b", "a/.hidden", "a b", "a\\b", "a%2fb", "a#1"] {
        assert_limit(&blobs.get(path).await, "a path is made of plain segments");
        assert_limit(&blobs.put(path, Bytes::new()).await, "a path is made of plain segments");
        assert_limit(&blobs.delete(path).await, "a path is made of plain segments");
    }
}

async fn racing_puts_leave_one_whole_blob(store: Arc<dyn BlobStore>) {
    let path = format!("{}/result.json", folder());
    let content = |n: u8| Bytes::from(vec![n; 200_000]);
    let racers: Vec<_> = (0..8)
        .map(|n| {
            let (store, path) = (store.clone(), path.clone());
            tokio::spawn(async move { store.put(&path, content(n)).await })
        })
        .collect();
    for racer in racers {
        racer.await.expect("no panic").expect("written");
    }
    let stored = store.get(&path).await.expect("readable").expect("there");
    assert!((0..8).any(|n| stored == content(n)), "racing puts leave the whole blob of one of them");
}
