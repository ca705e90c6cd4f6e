//! The executions this engine is concerned with right now: how to end one, and how to learn that its record moved on.

use msp_domain::ExecutionId;
use std::{
    collections::HashMap,
    ops::Deref,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

type Entries = Arc<Mutex<HashMap<ExecutionId, Weak<Entry>>>>;

struct Entry {
    id: ExecutionId,
    cancel: CancellationToken,
    moved: watch::Sender<()>,
    /// How many tasks of this engine are running it, or about to claim it.
    runners: AtomicUsize,
    entries: Entries,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody may have made a new entry since the last handle of this one was dropped.
        if entries.get(&self.id).is_some_and(|entry| entry.strong_count() == 0) {
            entries.remove(&self.id);
        }
    }
}

/// The registry. An entry lives as long as somebody runs or follows its execution.
#[derive(Default)]
pub(crate) struct Registry {
    entries: Entries,
}

/// One execution of the registry. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Live(Arc<Entry>);

impl Registry {
    fn entry(&self, id: ExecutionId) -> Live {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get(&id).and_then(Weak::upgrade) {
            return Live(entry);
        }
        let entry = Arc::new(Entry {
            id,
            cancel: CancellationToken::new(),
            moved: watch::Sender::new(()),
            runners: AtomicUsize::new(0),
            entries: Arc::clone(&self.entries),
        });
        entries.insert(id, Arc::downgrade(&entry));
        Live(entry)
    }

    fn known(&self, id: ExecutionId) -> Option<Live> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).get(&id).and_then(Weak::upgrade).map(Live)
    }

    /// Says that this engine is going to run it. Called before the record says `Running`: whoever reads that finds the
    /// runner here, or the execution ended.
    pub fn enter(&self, id: ExecutionId) -> Running {
        let live = self.entry(id);
        live.0.runners.fetch_add(1, Ordering::SeqCst);
        Running(live)
    }

    /// The execution, if this engine runs it.
    pub fn running(&self, id: ExecutionId) -> Option<Live> {
        self.known(id).filter(|live| live.0.runners.load(Ordering::SeqCst) > 0)
    }

    /// How many executions this engine runs, or is about to claim.
    pub fn count_running(&self) -> usize {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let runs = |entry: &Weak<Entry>| entry.upgrade();
        // Kept until the lock is free: the last handle of an entry takes the lock when it goes.
        let alive: Vec<_> = entries.values().filter_map(runs).collect();
        drop(entries);
        alive.iter().filter(|entry| entry.runners.load(Ordering::SeqCst) > 0).count()
    }

    /// Wakes whoever follows an execution that is not running.
    pub fn moved(&self, id: ExecutionId) {
        if let Some(live) = self.known(id) {
            live.moved();
        }
    }

    /// Follows an execution, whether it runs already or not.
    pub fn follow(&self, id: ExecutionId) -> Changes {
        let live = self.entry(id);
        let moved = live.0.moved.subscribe();
        Changes { _live: live, moved }
    }
}

impl Live {
    /// Ends the execution when it fires.
    pub fn cancel(&self) -> &CancellationToken {
        &self.0.cancel
    }

    /// Its record or its log has become longer.
    pub fn moved(&self) {
        self.0.moved.send_replace(());
    }
}

/// Held while this engine runs an execution.
pub(crate) struct Running(Live);

impl Deref for Running {
    type Target = Live;

    fn deref(&self) -> &Live {
        &self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.runners.fetch_sub(1, Ordering::SeqCst);
        self.0.moved();
    }
}

/// Wakes when the record or the log of an execution moved on. It carries no content: what is there is read from the
/// store, so a slow reader costs nothing, misses nothing and sees nothing twice.
pub struct Changes {
    _live: Live,
    moved: watch::Receiver<()>,
}

impl Changes {
    /// Resolves at the next change since the last call (or since following began). Dropping the future loses nothing.
    pub async fn next(&mut self) {
        // The sender lives in the entry this handle keeps.
        let _ = self.moved.changed().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_entry_lives_while_somebody_runs_or_follows_and_a_change_is_never_lost() {
        let registry = Registry::default();
        let id = ExecutionId::random();
        assert!(registry.running(id).is_none());
        let mut changes = registry.follow(id);
        assert!(registry.running(id).is_none(), "followed, not running");
        let first = registry.enter(id);
        let second = registry.enter(id);
        first.moved();
        changes.next().await;
        drop(second);
        assert!(registry.running(id).is_some(), "a second delivery does not take the first one's place");
        registry.running(id).expect("running").cancel().cancel();
        assert!(first.cancel().is_cancelled());
        changes.next().await;
        drop(first);
        changes.next().await;
        assert!(registry.running(id).is_none());
        drop(changes);
        assert!(registry.entries.lock().expect("not poisoned").is_empty());
    }
}
