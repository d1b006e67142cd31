//! Something broke.

use std::error::Error;

/// Something broke: a database, a disk, a key. What it was is for the operator's log, not for the caller.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Fault {
    what: &'static str,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    /// What failed (lower case, no full stop), and why.
    pub fn new(what: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            what,
            source: Some(source.into()),
        }
    }

    /// What failed, where there is no deeper cause.
    #[must_use]
    pub const fn plain(what: &'static str) -> Self {
        Self { what, source: None }
    }

    /// For log lines: `error = fault.cause()` shows the whole chain.
    #[must_use]
    pub fn cause(&self) -> &(dyn Error + 'static) {
        self
    }

    /// Whether a database found two rows where its table has room for one.
    pub(crate) fn is_duplicate(&self) -> bool {
        let source = self.source.as_deref().and_then(|source| source.downcast_ref());
        matches!(source, Some(sqlx::Error::Database(error)) if error.is_unique_violation())
    }

    /// For `map_err`: `.map_err(Fault::because("cannot read the log"))`.
    pub fn because<E: Into<Box<dyn Error + Send + Sync>>>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::new(what, source)
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::new("the database failed", error)
    }
}
