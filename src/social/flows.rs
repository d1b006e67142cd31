//! Flows that are under way, in the database that all nodes share; not in the log, since nothing has happened yet.
//!
//! What is kept of a state and of a browser is their SHA-256, and everything else is sealed: whoever reads the table can
//! neither finish a flow nor learn whose it was. A flow is taken by deleting it, so only one can have it.

mod table;

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use doorbook_projections::fault::Fault;
use serde::{Serialize, de::DeserializeOwned};

use self::table::{Row, Table};
use super::{
    browser::{Browser, digest},
    flow::{Flow, Pending},
};
use crate::{clock::Clock, config::Database, keys::Secret};

/// How long an answer of a provider is waited for.
pub(super) const FLOW: Duration = Duration::from_mins(10);
/// How long a proven identity waits for its account: long enough to follow the link of a letter.
pub(super) const PENDING: Duration = Duration::from_mins(30);

/// The flows. One instance serves a process; several processes share the table.
#[derive(Debug)]
pub struct Flows {
    table: Table,
    key: Secret,
    clock: Clock,
}

impl Flows {
    /// Opens the table, and makes it where there is none. `key` seals what stands in it.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database cannot be reached.
    pub async fn open(database: &Database, key: [u8; 32], clock: Clock) -> Result<Self, Fault> {
        Ok(Self {
            table: Table::open(database).await?,
            key: Secret::new(key),
            clock,
        })
    }

    /// Remembers a flow that `browser` began.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn begin(&self, browser: &Browser, state: &str, flow: &Flow) -> Result<(), Fault> {
        self.put(digest("state", state), browser, flow, FLOW).await
    }

    /// Takes the flow of `state`, if `browser` began it and it is not too old. It is gone then.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn take(&self, browser: &Browser, state: &str) -> Result<Option<Flow>, Fault> {
        self.remove(&digest("state", state), browser).await
    }

    /// Remembers the identity that was proven to `browser`, instead of an earlier one.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn hold(&self, browser: &Browser, pending: &Pending) -> Result<(), Fault> {
        self.put(digest("pending", &browser.cookie()), browser, pending, PENDING)
            .await
    }

    /// The identity that waits for an account in `browser`. It stays.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn held(&self, browser: &Browser) -> Result<Option<Pending>, Fault> {
        let id = digest("pending", &browser.cookie());
        let body = self.table.find(&id, &browser.hash(), self.clock.now().micros()).await?;
        body.map(|body| self.open_body(&id, &body)).transpose()
    }

    /// Takes the identity that waits for an account in `browser`. It is gone then.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn take_held(&self, browser: &Browser) -> Result<Option<Pending>, Fault> {
        self.remove(&digest("pending", &browser.cookie()), browser).await
    }

    /// Ends the connections.
    pub async fn close(&self) {
        self.table.close().await;
    }

    async fn put(&self, id: String, browser: &Browser, body: &impl Serialize, life: Duration) -> Result<(), Fault> {
        let now = self.clock.now();
        let body = serde_json::to_vec(body).map_err(Fault::because("a flow cannot be written"))?;
        let sealed = self.key.seal(&body, id.as_bytes())?;
        let row = Row {
            browser: browser.hash(),
            body: BASE64_STANDARD_NO_PAD.encode(sealed),
            until: now.plus(life).micros(),
            id,
        };
        self.table.put(&row, now.micros()).await
    }

    async fn remove<T: DeserializeOwned>(&self, id: &str, browser: &Browser) -> Result<Option<T>, Fault> {
        let body = self.table.take(id, &browser.hash(), self.clock.now().micros()).await?;
        body.map(|body| self.open_body(id, &body)).transpose()
    }

    fn open_body<T: DeserializeOwned>(&self, id: &str, body: &str) -> Result<T, Fault> {
        let sealed = BASE64_STANDARD_NO_PAD
            .decode(body)
            .map_err(Fault::because("a flow is not base64"))?;
        let body = self
            .key
            .open(&sealed, id.as_bytes())
            .ok_or(Fault::plain("a flow was altered, or sealed by other keys"))?;
        serde_json::from_slice(&body).map_err(Fault::because("a flow cannot be read"))
    }
}

#[cfg(test)]
mod tests;
