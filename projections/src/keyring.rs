//! What opens sealed values. Read models hold values as they stand in the events; whoever shows them opens them here.

use async_trait::async_trait;
use doorbook_domain::seal::Sealed;

use crate::fault::Fault;

/// Where a sealed value stands. It is the value's associated data: a value that was moved does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place<'a> {
    /// The stream's name: `user-<id>`, `attempts-<claim>` ….
    pub stream: &'a str,
    /// The event's type: `user.registered` ….
    pub event_type: &'a str,
    /// The field of the event: `email`, `name`, `origin` ….
    pub field: &'a str,
}

/// What a sealed value turned out to be.
#[derive(Clone, PartialEq, Eq)]
pub enum Unsealed {
    /// The value.
    Value(Vec<u8>),
    /// Its key was destroyed on purpose: nobody can read it any more.
    Erased,
}

/// Shows the length only: the values are personal data.
impl std::fmt::Debug for Unsealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Value(bytes) => write!(f, "Value({} bytes)", bytes.len()),
            Self::Erased => f.write_str("Erased"),
        }
    }
}

/// The keys.
#[async_trait]
pub trait Keyring: Send + Sync {
    /// Opens `sealed`, which stands at `place`.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the key is missing without having been destroyed, when the value does not belong at `place`, or
    /// when the keys cannot be reached.
    async fn open(&self, sealed: &Sealed, place: &Place<'_>) -> Result<Unsealed, Fault>;
}
