//! Keys of calendar months: each opens what was recorded in it of IP addresses and user agents, and dies at once for all.

use doorbook_domain::time::Timestamp;
use doorbook_projections::fault::Fault;

use super::{
    cache::Held,
    database::Stored,
    keyring::Keyring,
    name::{KeyName, MONTHS},
};
use crate::sql::on_pool;

/// A month that has, or had, a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Month {
    /// The name of its key.
    pub key: KeyName,
    /// When it begins, in UTC.
    pub begins: Timestamp,
    /// Whether its key was destroyed.
    pub forgotten: bool,
}

impl Keyring {
    /// Every month that has, or had, a key; oldest first.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn months(&self) -> Result<Vec<Month>, Fault> {
        // No order of a language puts a month elsewhere: these are letters, digits and hyphens.
        let query = "select name, case when wrapped is null then 1 else 0 end as forgotten from keys \
            where name >= $1 and name <= $2";
        let (first, last) = (format!("{MONTHS}0000-01"), format!("{MONTHS}9999-12"));
        let rows: Vec<(String, i32)> = on_pool!(self.database().pool(), db => {
            sqlx::query_as(query).bind(&first).bind(&last).fetch_all(db).await
        })?;
        let mut months: Vec<Month> = rows
            .into_iter()
            .filter_map(|(name, forgotten)| {
                let key = KeyName::parse(&name).ok()?;
                let begins = key.month_begins()?;
                Some(Month {
                    key,
                    begins,
                    forgotten: forgotten == 1,
                })
            })
            .collect();
        months.sort_by_key(|month| month.begins);
        Ok(months)
    }

    /// Whether the month that the key needs was destroyed: nothing can be sealed under it any more.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn is_forgotten(&self, name: &KeyName) -> Result<bool, Fault> {
        let Some(month) = name.month_key() else {
            return Ok(false);
        };
        match self.cached(month.as_str()) {
            Some(held) => Ok(matches!(held, Held::Destroyed)),
            None => Ok(matches!(
                self.database().find(month.as_str()).await?,
                Some(Stored::Destroyed)
            )),
        }
    }
}
