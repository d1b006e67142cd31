//! Keys: who can read what is sealed in the log, and how that ends.
//!
//! * [`MasterKey`] is a file. It wraps every other key.
//! * [`Keyring`] makes, uses and destroys keys, in a durable database of their own. Destroying is physical and leaves a
//!   tombstone: what was sealed under the key reads as erased from then on, in the log and in all its backups.
//! * [`KeyName`] says whose key it is.

mod cipher;
mod database;
mod error;
mod keyring;
mod master;
mod name;

pub(crate) use self::cipher::keyed_hmac;
pub use self::{error::KeysError, keyring::Keyring, master::MasterKey, name::KeyName};

#[cfg(test)]
mod tests;
