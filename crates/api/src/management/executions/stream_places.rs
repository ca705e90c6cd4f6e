//! How many event streams, downloads, exports and uploads are open: in all, and of one caller.

use crate::http::{Problem, ProblemKind as Kind};
use msp_domain::UserId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Streams at once. Half of the connections the server holds: the others answer requests meanwhile.
const MAX_STREAMS: usize = 256;
/// Streams of one caller at once: a person has a tab or two, a service a few runs it follows.
const MAX_OF_CALLER: usize = 32;

type Open = Arc<Mutex<HashMap<UserId, usize>>>;

/// The open streams by caller.
#[derive(Default)]
pub(crate) struct StreamPlaces {
    open: Open,
}

/// Held while a stream is open.
pub(crate) struct StreamPlace {
    caller: UserId,
    open: Open,
}

impl StreamPlaces {
    /// A place for one more stream of this caller.
    pub(crate) fn take(&self, caller: UserId) -> Result<StreamPlace, Problem> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let of_caller = open.get(&caller).copied().unwrap_or(0);
        if of_caller >= MAX_OF_CALLER {
            let detail = format!(
                "You have {MAX_OF_CALLER} streams, downloads and uploads open; end one of them, or read in pages."
            );
            return Err(Problem::new(Kind::StreamsSaturated).detail(detail));
        }
        if open.values().sum::<usize>() >= MAX_STREAMS {
            let detail = format!(
                "{MAX_STREAMS} streams, downloads and uploads are open; try again, or read in pages meanwhile."
            );
            return Err(Problem::new(Kind::StreamsSaturated).detail(detail));
        }
        open.insert(caller, of_caller + 1);
        Ok(StreamPlace { caller, open: Arc::clone(&self.open) })
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.caller) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.caller)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_per_caller_and_in_all_and_come_back() {
        let places = StreamPlaces::default();
        let greedy = UserId::random();
        let mut held: Vec<_> = (0..MAX_OF_CALLER).map(|_| places.take(greedy).expect("free")).collect();
        assert!(places.take(greedy).is_err(), "of one caller");
        while held.len() < MAX_STREAMS {
            held.push(places.take(UserId::random()).expect("free"));
        }
        assert!(places.take(UserId::random()).is_err(), "in all");
        held.clear();
        assert!(places.open.lock().expect("not poisoned").is_empty());
        places.take(greedy).expect("free again");
    }
}
