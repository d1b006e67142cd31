//! The keys: what seals personal data and password hashes, and forgets them for good.
//!
//! Keys cannot be rebuilt from the log, so they live in a database of their own, fully synchronous, wrapped by the
//! [`MasterKey`], which lives in a file. Whoever needs a key first creates it, then appends the event that uses it; what an
//! event made obsolete is destroyed afterwards. Destroying is physical and leaves a tombstone: a value under a destroyed
//! key reads as erased, a value under a key that was never there is a fault.
//!
//! * [`Keyring`] seals and opens under named keys ([`KeyName`]), and derives what must never change or never be stored.
//! * `master` is the file, `database` the tables, `rotate` the change from one master key to the next.
//! * `followers` holds what else must not be lost: what followers of the log have gone past, and which log that is.
//! * [`Queue`] is the table of letters to be sent, which moves with a cursor.
//! * `months` lists the months whose keys there are.
//! * [`Queue`] is the table of what is to be sent, letters and webhooks, which moves with the cursor of the same name.
//! * `secret` holds the primitives: AES-256-GCM, HKDF-SHA256, HMAC-SHA256, the system's randomness.

mod cache;
mod database;
mod error;
mod followers;
mod keyring;
mod master;
mod months;
mod name;
mod pool;
mod progress;
mod queue;
mod rotate;
mod secret;
#[cfg(test)]
mod tests;

pub use error::KeysError;
pub use followers::{Alone, Parked};
pub use keyring::Keyring;
pub use master::MasterKey;
pub use months::Month;
pub use name::KeyName;
pub use pool::make_empty;
pub use progress::Progress;
pub use queue::{Queue, Queued, Slot, Waiting};
pub(crate) use secret::{Secret, keyed_hmac};
