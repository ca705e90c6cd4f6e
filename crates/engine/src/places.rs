//! Counted places: a bound in all, and a share of it for each organization, so that one cannot take everything.

use msp_domain::Scope;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Places of one kind. Clones are the same ones.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    most: usize,
    most_per_scope: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_scope: HashMap<Scope, usize>,
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    taken: Arc<Mutex<Taken>>,
    scope: Scope,
}

impl Places {
    pub fn new(most: usize, most_per_scope: usize) -> Self {
        Self { most, most_per_scope, taken: Arc::default() }
    }

    /// A place, if there is one.
    pub fn take(&self, scope: Scope) -> Option<Place> {
        self.take_if(scope, |all, own| all < self.most && own < self.most_per_scope)
    }

    /// A place for what cannot be refused any more. It counts like any other.
    pub fn take_regardless(&self, scope: Scope) -> Place {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).add(scope);
        Place { taken: Arc::clone(&self.taken), scope }
    }

    /// A place, as long as the organization holds fewer than are free: one alone gets half of all, each of two a third,
    /// and whoever comes next finds one.
    pub fn take_share(&self, scope: Scope) -> Option<Place> {
        self.take_if(scope, |all, own| own < self.most.saturating_sub(all))
    }

    pub fn is_full(&self, scope: Scope) -> bool {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all >= self.most || taken.of(scope) >= self.most_per_scope
    }

    fn take_if(&self, scope: Scope, allowed: impl FnOnce(usize, usize) -> bool) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if !allowed(taken.all, taken.of(scope)) {
            return None;
        }
        taken.add(scope);
        Some(Place { taken: Arc::clone(&self.taken), scope })
    }
}

impl Taken {
    fn of(&self, scope: Scope) -> usize {
        self.by_scope.get(&scope).copied().unwrap_or(0)
    }

    fn add(&mut self, scope: Scope) {
        self.all += 1;
        *self.by_scope.entry(scope).or_default() += 1;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(own) = taken.by_scope.get_mut(&self.scope) {
            *own -= 1;
            if *own == 0 {
                taken.by_scope.remove(&self.scope);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use msp_domain::OrgId;

    fn scope() -> Scope {
        Scope::Org(OrgId::random())
    }

    #[test]
    fn one_organization_cannot_take_every_place_and_what_is_dropped_is_free_again() {
        let places = Places::new(4, 3);
        let (flood, other) = (scope(), scope());
        let mut held: Vec<_> = (0..3).map(|_| places.take(flood).expect("a place")).collect();
        assert!(places.is_full(flood) && !places.is_full(other));
        assert!(places.take(flood).is_none());
        held.push(places.take(other).expect("the last place"));
        assert!(places.take(other).is_none(), "none is left in all");
        let beyond = places.take_regardless(other);
        drop(held.pop());
        assert!(places.is_full(other), "a place beyond the bound counts");
        drop(beyond);
        assert!(places.take(other).is_some());
        drop(held);
        assert_eq!(places.taken.lock().expect("not poisoned").all, 0);
        assert!(!places.is_full(flood));
    }

    #[test]
    fn shares_shrink_with_the_number_of_organizations_and_the_next_one_finds_a_place() {
        let places = Places::new(12, 12);
        let mut held = Vec::new();
        for (organizations, each) in [(1, 6), (2, 4), (3, 3)] {
            held.clear();
            let scopes: Vec<_> = (0..organizations).map(|_| scope()).collect();
            while let Some(place) = scopes.iter().find_map(|scope| {
                let fewest = scopes.iter().map(|scope| count(&held, *scope)).min()?;
                (count(&held, *scope) == fewest).then(|| places.take_share(*scope)).flatten()
            }) {
                held.push(place);
            }
            for scope in &scopes {
                assert_eq!(count(&held, *scope), each, "of {organizations}");
            }
            assert!(places.take_share(scope()).is_some());
        }
    }

    fn count(held: &[Place], scope: Scope) -> usize {
        held.iter().filter(|place| place.scope == scope).count()
    }
}
