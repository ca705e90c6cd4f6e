//! Organizations, users and what is set up by people: nothing mirrors them, so a row that is not readable is for a person to
//! put right.

use super::{Pass, Walk};
use crate::repositories::{config, forms, integrations, notifications, organizations, users};
use crate::{Entity, StoreError, Table};

impl Pass<'_> {
    pub(super) async fn directory(&mut self) -> Result<(), StoreError> {
        self.read_all(Table::Organizations, |row| organizations::read(row).map(drop)).await?;
        self.read_all(Table::Users, |row| users::read(row).map(drop)).await?;
        self.read_all(Table::OrgConfig, |row| config::read(row).map(drop)).await?;
        self.read_all(Table::IntegrationConfig, integrations::check).await?;
        self.read_all(Table::Forms, forms::check).await?;
        self.read_all(Table::NotificationRules, notifications::check_rule).await
    }

    async fn read_all(
        &mut self,
        table: Table,
        read: impl Fn(&Entity) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut walk = Walk::over(table);
        while let Some(rows) = self.next_page(&mut walk).await? {
            for row in rows {
                if let Err(error) = read(&row) {
                    self.unreadable(table, &row, error);
                }
            }
        }
        Ok(())
    }
}
