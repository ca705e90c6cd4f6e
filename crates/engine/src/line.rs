//! A waiting line: first come, first served within an organization, organizations in turn.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

pub(crate) struct Line<K, T> {
    queues: HashMap<K, VecDeque<T>>,
    /// Whose turn comes when; each key with a queue is in it once.
    turns: VecDeque<K>,
    length: usize,
}

impl<K: Copy + Eq + Hash, T> Line<K, T> {
    pub fn new() -> Self {
        Self { queues: HashMap::new(), turns: VecDeque::new(), length: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub fn has(&self, key: K) -> bool {
        self.queues.contains_key(&key)
    }

    pub fn push(&mut self, key: K, item: T) {
        let queue = self.queues.entry(key).or_insert_with(|| {
            self.turns.push_back(key);
            VecDeque::new()
        });
        queue.push_back(item);
        self.length += 1;
    }

    /// Offers the head of each queue in turn until nobody's head is taken. `take` gives an item back to keep it.
    pub fn serve(&mut self, mut take: impl FnMut(K, T) -> Option<T>) {
        let mut refused = 0;
        while refused < self.turns.len() {
            let Some(key) = self.turns.pop_front() else { return };
            let Some(queue) = self.queues.get_mut(&key) else { continue };
            match queue.pop_front().and_then(|item| take(key, item)) {
                Some(kept) => {
                    queue.push_front(kept);
                    refused += 1;
                }
                None => {
                    refused = 0;
                    self.length -= 1;
                }
            }
            if queue.is_empty() {
                self.queues.remove(&key);
            } else {
                self.turns.push_back(key);
            }
        }
    }

    /// Every waiting key with its items.
    pub fn waiting(&self) -> impl Iterator<Item = (K, &VecDeque<T>)> {
        self.turns.iter().filter_map(|key| self.queues.get(key).map(|queue| (*key, queue)))
    }

    /// Takes out the first item of a key that is chosen; says whether there was one.
    pub fn take_out(&mut self, key: K, chosen: impl Fn(&T) -> bool) -> bool {
        let Some(queue) = self.queues.get_mut(&key) else { return false };
        let Some(at) = queue.iter().position(chosen) else { return false };
        queue.remove(at);
        self.length -= 1;
        if queue.is_empty() {
            self.queues.remove(&key);
            self.turns.retain(|turn| *turn != key);
        }
        true
    }

    /// Removes and gives back all items that are chosen.
    pub fn remove(&mut self, mut chosen: impl FnMut(K, &T) -> bool) -> Vec<T> {
        let mut removed = Vec::new();
        self.turns.retain(|key| {
            let Some(queue) = self.queues.get_mut(key) else { return false };
            let (gone, kept) = std::mem::take(queue).into_iter().partition(|item| chosen(*key, item));
            removed.extend::<VecDeque<T>>(gone);
            *queue = kept;
            if queue.is_empty() {
                self.queues.remove(key);
                return false;
            }
            true
        });
        self.length -= removed.len();
        removed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organizations_take_turns_however_many_wait_for_one() {
        let mut line = Line::new();
        for number in 0..4 {
            line.push("flood", number);
        }
        line.push("small", 10);
        let mut served = Vec::new();
        line.serve(|_, number| {
            served.push(number);
            None
        });
        assert_eq!(served, [0, 10, 1, 2, 3]);
        assert!(line.is_empty() && !line.has("flood"));
    }

    #[test]
    fn a_head_that_cannot_go_holds_up_its_own_queue_only() {
        let mut line = Line::new();
        for (key, number) in [("stuck", 1), ("stuck", 2), ("free", 3), ("free", 4)] {
            line.push(key, number);
        }
        let mut served = Vec::new();
        line.serve(|key, number| {
            if key == "stuck" {
                return Some(number);
            }
            served.push(number);
            None
        });
        assert_eq!(served, [3, 4]);
        assert_eq!(line.remove(|key, _| key == "stuck"), [1, 2]);
        assert!(line.is_empty());
    }

    #[test]
    fn one_that_is_taken_out_leaves_the_others_in_their_order() {
        let mut line = Line::new();
        for number in 0..3 {
            line.push("one", number);
        }
        assert_eq!(
            (line.take_out("one", |number| *number == 1), line.take_out("one", |number| *number == 1)),
            (true, false)
        );
        assert!(line.take_out("one", |number| *number == 0) && line.take_out("one", |number| *number == 2));
        assert!(line.is_empty() && !line.has("one"));
        line.serve(|_, _| unreachable!("nobody waits"));
    }
}
