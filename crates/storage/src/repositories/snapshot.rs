//! What is read for every request, kept in memory: users, organizations, grants and config, as they are at one version of
//! the `Generation` row. Every change of them moves that row, so a look at it tells whether what is kept still holds, also
//! after a change another process made.

use super::config::Config;
use super::generation::Generation;
use super::grants::{Grant, Grants};
use super::organizations::{Organization, Organizations};
use super::users::{User, Users};
use crate::{Etag, StoreError};
use msp_domain::{EffectiveConfig, OrgId, UserId};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// Most entries of one kind: a few hundred bytes each, and more people and organizations than one installation has. A
/// kind that grows beyond it is forgotten and read anew.
const MOST_KEPT: usize = 10_000;
/// Most lists of members: each may hold everybody, and people page through one at a time.
const MOST_LISTS_KEPT: usize = 16;

/// Somebody who can reach an organization, or could once.
pub struct Member {
    /// Who.
    pub user: Arc<User>,
    /// What was granted; `None` for administrators and auditors, whose grants give them nothing more.
    pub grant: Option<Grant>,
}

impl Member {
    /// What members are sorted by: the name, letter case ignored.
    pub fn place_in_lists(&self) -> (String, UserId) {
        (self.user.display_name.to_lowercase(), self.user.id)
    }
}

/// Gives snapshots out. Clones share what is kept.
#[derive(Clone)]
pub struct Snapshots {
    sources: Sources,
    kept: Arc<Mutex<Option<Arc<Snapshot>>>>,
}

/// Where a snapshot reads what it does not hold yet.
#[derive(Clone)]
pub(super) struct Sources {
    pub generation: Generation,
    pub users: Users,
    pub organizations: Organizations,
    pub grants: Grants,
    pub config: Config,
}

/// One version of everything. A value that is not held yet is read from the store, so it may be newer than the version
/// says: a commit guarded by [`Snapshot::generation`] then fails, and the next snapshot is another one.
pub struct Snapshot {
    generation: Option<Etag>,
    sources: Sources,
    users: Kept<UserId, User>,
    organizations: Kept<OrgId, Organization>,
    grants: Kept<(UserId, OrgId), Option<Grant>>,
    config: Kept<Option<OrgId>, EffectiveConfig>,
    grants_of: Kept<UserId, Vec<Grant>>,
    members: Kept<OrgId, Vec<Member>>,
    all_users: OnceCell<Arc<[Arc<User>]>>,
    all_organizations: OnceCell<Arc<[Arc<Organization>]>>,
}

impl Snapshots {
    pub(super) fn new(sources: Sources) -> Self {
        Self { sources, kept: Arc::default() }
    }

    /// The version of this moment: one read of one row.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn current(&self) -> Result<Arc<Snapshot>, StoreError> {
        let generation = self.sources.generation.current().await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(snapshot) = kept.as_ref().filter(|snapshot| snapshot.generation == generation) {
            return Ok(Arc::clone(snapshot));
        }
        let fresh = Arc::new(Snapshot::new(generation, self.sources.clone()));
        *kept = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// The version that was seen before. When it is not the one that is kept any more, its values are read anew.
    pub fn at(&self, generation: Option<&Etag>) -> Arc<Snapshot> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.as_ref().filter(|snapshot| snapshot.generation.as_ref() == generation) {
            Some(snapshot) => Arc::clone(snapshot),
            None => Arc::new(Snapshot::new(generation.cloned(), self.sources.clone())),
        }
    }
}

impl Snapshot {
    fn new(generation: Option<Etag>, sources: Sources) -> Self {
        let (users, organizations, grants, config) =
            (Kept::default(), Kept::default(), Kept::default(), Kept::default());
        Self {
            generation,
            sources,
            users,
            organizations,
            grants,
            config,
            grants_of: Kept::default(),
            members: Kept::at_most(MOST_LISTS_KEPT),
            all_users: OnceCell::new(),
            all_organizations: OnceCell::new(),
        }
    }

    /// The version.
    pub fn generation(&self) -> Option<&Etag> {
        self.generation.as_ref()
    }

    /// The user with this id. Signing in moves no version: `last_login_at` and the ETag may be older ones.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row is not readable.
    pub async fn user(&self, id: UserId) -> Result<Option<Arc<User>>, StoreError> {
        self.users.get_or_read(id, self.sources.users.get(id)).await
    }

    /// Every user whose row is readable. As for [`Self::user`].
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn all_users(&self) -> Result<Arc<[Arc<User>]>, StoreError> {
        let read = async || Ok::<_, StoreError>(self.sources.users.all().await?.into_iter().map(Arc::new).collect());
        self.all_users.get_or_try_init(read).await.cloned()
    }

    /// Every organization that is readable, by name.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn all_organizations(&self) -> Result<Arc<[Arc<Organization>]>, StoreError> {
        let read = async || {
            let all = self.sources.organizations.all().await?;
            Ok::<_, StoreError>(all.into_iter().map(Arc::new).collect())
        };
        self.all_organizations.get_or_try_init(read).await.cloned()
    }

    /// What a user was granted anywhere, also what has expired since. What is not readable gives nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn grants_of(&self, user: UserId) -> Result<Arc<Vec<Grant>>, StoreError> {
        let read = async { self.sources.grants.of_user(user).await.map(Some) };
        Ok(self.grants_of.get_or_read(user, read).await?.unwrap_or_default())
    }

    /// Who can reach an organization, by name: administrators, auditors, and whoever was granted something there, also what
    /// has expired since. What is not readable is left out.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn members(&self, org: OrgId) -> Result<Arc<Vec<Member>>, StoreError> {
        let read =
            async {
                let users = self.all_users().await?;
                let (flagged, others): (Vec<_>, Vec<_>) =
                    users.iter().partition(|user| user.is_platform_admin || user.is_auditor);
                let others: HashMap<UserId, &Arc<User>> = others.into_iter().map(|user| (user.id, user)).collect();
                let mut members: Vec<Member> =
                    flagged.into_iter().map(|user| Member { user: Arc::clone(user), grant: None }).collect();
                members.extend(self.sources.grants.of_org(org).await?.into_iter().filter_map(|grant| {
                    Some(Member { user: Arc::clone(others.get(&grant.user)?), grant: Some(grant) })
                }));
                members.sort_by_cached_key(Member::place_in_lists);
                Ok(Some(members))
            };
        Ok(self.members.get_or_read(org, read).await?.expect("a list is always read, if only an empty one"))
    }

    /// Whether an account may act at all now: it is active, and of the directory in force.
    pub fn may_act(&self, user: &User) -> bool {
        self.sources.users.may_act(user)
    }

    /// The organization with this id.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row is not readable.
    pub async fn organization(&self, id: OrgId) -> Result<Option<Arc<Organization>>, StoreError> {
        self.organizations.get_or_read(id, self.sources.organizations.get(id)).await
    }

    /// The grant of a user in an organization that exists, also one whose time is over: time moves no version, so whoever
    /// asks looks at the clock. One that is not readable gives nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn grant(&self, user: UserId, org: OrgId) -> Result<Arc<Option<Grant>>, StoreError> {
        let read = async {
            match self.sources.grants.get(user, org).await {
                Ok(grant) => Ok(Some(grant.map(|(grant, _)| grant))),
                Err(StoreError::Corrupt(error)) => {
                    tracing::error!(org.id = %org, error, "A grant is not readable and gives nothing; `msp repair` names it");
                    Ok(Some(None))
                }
                Err(error) => Err(error),
            }
        };
        Ok(self.grants.get_or_read((user, org), read).await?.unwrap_or_default())
    }

    /// The config that holds for an organization that exists; `None`: the global one.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row is not readable.
    pub async fn config(&self, org: Option<OrgId>) -> Result<Arc<EffectiveConfig>, StoreError> {
        let read = async { self.sources.config.effective(org).await.map(Some) };
        Ok(self.config.get_or_read(org, read).await?.unwrap_or_default())
    }
}

/// Values of one kind. What does not exist is not kept: callers may ask for any number of ids.
struct Kept<K, V> {
    most: usize,
    values: Mutex<HashMap<K, Arc<V>>>,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self::at_most(MOST_KEPT)
    }
}

impl<K, V> Kept<K, V> {
    fn at_most(most: usize) -> Self {
        Self { most, values: Mutex::default() }
    }
}

impl<K: Eq + Hash, V> Kept<K, V> {
    async fn get_or_read(
        &self,
        key: K,
        read: impl Future<Output = Result<Option<V>, StoreError>>,
    ) -> Result<Option<Arc<V>>, StoreError> {
        if let Some(value) = self.values.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Some(Arc::clone(value)));
        }
        let Some(value) = read.await?.map(Arc::new) else { return Ok(None) };
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        if values.len() >= self.most {
            values.clear();
        }
        values.insert(key, Arc::clone(&value));
        Ok(Some(value))
    }
}
