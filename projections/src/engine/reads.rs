use std::sync::Arc;

use super::{Core, generation::Generation};
use crate::{
    db::{Row, Value},
    fault::Fault,
};

/// Where queries read. A clone reads the same.
#[derive(Clone)]
pub struct Reads {
    pub(super) core: Arc<Core>,
}

/// The generation of a read model that queries see now.
#[derive(Debug, Clone)]
pub struct View {
    generation: Arc<Generation>,
}

impl Reads {
    /// What queries of the read model `name` see now. Take it anew for every query: it changes when a rebuild ends.
    ///
    /// # Errors
    ///
    /// [`Fault`] when there is no such read model, or it is not built yet.
    pub fn view(&self, name: &str) -> Result<View, Fault> {
        let served = self.core.slot(name)?.served();
        let generation = served.ok_or_else(|| Fault::new("the read model is not built yet", name))?;
        Ok(View { generation })
    }
}

impl View {
    /// A table, as SQL names it.
    #[must_use]
    pub fn table(&self, name: &str) -> String {
        self.generation.table(name)
    }

    /// Runs a query and returns all its rows.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn fetch(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, Fault> {
        self.generation.db.fetch(sql, values).await
    }

    /// Runs a query and returns its first row, if there is one.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn find(&self, sql: &str, values: Vec<Value>) -> Result<Option<Row>, Fault> {
        self.generation.db.find(sql, values).await
    }
}
