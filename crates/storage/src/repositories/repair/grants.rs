//! Grants: `UserPermissions` decides, `OrgPermissions` lists.

use super::{Finding, Pass, Walk, as_found};
use crate::repositories::grants::read_terms;
use crate::{Commit, Entity, StoreError, Table};

impl Pass<'_> {
    pub(super) async fn grants(&mut self) -> Result<(), StoreError> {
        if self.mend {
            // A revocation may have been interrupted right before it, which no row shows.
            self.tables().commit(Commit::of(vec![self.repositories.generation.bump()])).await?;
        }
        let mut walk = Walk::over(Table::UserPermissions);
        while let Some(rows) = self.next_page(&mut walk).await? {
            for row in rows {
                self.grant(&row).await?;
            }
        }
        let mut walk = Walk::over(Table::OrgPermissions);
        while let Some(rows) = self.next_page(&mut walk).await? {
            for row in rows {
                self.listed_grant(&row).await?;
            }
        }
        Ok(())
    }

    async fn grant(&mut self, row: &Entity) -> Result<(), StoreError> {
        if let Err(error) = read_terms(row) {
            self.unreadable(Table::UserPermissions, row, error);
            return Ok(());
        }
        let (user, org) = (row.partition_key.clone(), row.row_key.clone());
        let mirror = Entity { properties: row.properties.clone(), ..Entity::new(org.as_str(), user.as_str()) };
        let finding = Finding::GrantNotListed { user, org };
        self.mirrored((Table::UserPermissions, row), (Table::OrgPermissions, mirror), finding).await
    }

    async fn listed_grant(&mut self, row: &Entity) -> Result<(), StoreError> {
        let (org, user) = (row.partition_key.clone(), row.row_key.clone());
        if self.found(Table::UserPermissions, &(user.clone(), org.clone())).await?.is_some() {
            return Ok(());
        }
        let guard = as_found(Table::UserPermissions, (user.clone(), org.clone()), None)?;
        self.superfluous(Table::OrgPermissions, row, guard, &Finding::GrantOnlyListed { user, org })
    }
}
