use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use doorbook_domain::seal::{ClaimId, Sealed, hex};
use doorbook_projections::{
    fault::Fault,
    keyring::{Keyring as Opens, Place, Unsealed},
    log::Position,
};
use parking_lot::Mutex;

use super::{
    KeyName, KeysError, MasterKey,
    cipher::{Key, bound_to},
    database::{KeyTable, Stored},
};
use crate::{clock::Clock, config::Database};

/// Unwrapped keys in memory; about 150 bytes each.
const CACHED: usize = 100_000;

/// Makes, uses and destroys keys.
pub struct Keyring {
    table: KeyTable,
    wrapping: Key,
    index: Key,
    purposes: Key,
    clock: Clock,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    keys: HashMap<KeyName, Arc<Key>>,
    /// Raised by every destruction: a key that was read before is not kept after.
    destructions: u64,
}

impl Keyring {
    /// Opens the key database. The keys of the system are made while `fresh`: no log exists that they would have to fit.
    ///
    /// # Errors
    ///
    /// [`KeysError`] when the database is unreachable or newer, belongs to another master key, or lost its keys.
    pub async fn open(database: &Database, master: &MasterKey, fresh: bool, clock: Clock) -> Result<Self, KeysError> {
        let table = KeyTable::open(database, fresh).await?;
        let wrapping = master.wrapping.clone();
        let (index, purposes) = (KeyName::system("index"), KeyName::system("purposes"));
        if table.get(&index).await?.is_none() {
            if !fresh {
                return Err(KeysError::KeysMissing);
            }
            let both = [wrapped(&wrapping, &index)?, wrapped(&wrapping, &purposes)?];
            table.insert(&both, clock.now()).await?;
        }
        let unwrap = async |name: &KeyName| match table.get(name).await? {
            Some(Stored::Wrapped(text)) => unwrapped(&wrapping, name, &text).ok_or(KeysError::MasterWrong),
            Some(Stored::Tombstone) | None => Err(KeysError::KeysMissing),
        };
        let (index, purposes) = (unwrap(&index).await?, unwrap(&purposes).await?);
        Ok(Self {
            table,
            wrapping,
            index,
            purposes,
            clock,
            cache: Mutex::default(),
        })
    }

    /// Makes a key unless it exists; durable when it returns.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database failed.
    pub async fn create(&self, name: &KeyName) -> Result<(), Fault> {
        self.create_all(std::slice::from_ref(name)).await
    }

    /// Makes those of the keys that do not exist, in one transaction; durable when it returns.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database failed. None exists then that did not before.
    pub async fn create_all(&self, names: &[KeyName]) -> Result<(), Fault> {
        let missing: Vec<&KeyName> = {
            let cache = self.cache.lock();
            names.iter().filter(|name| !cache.keys.contains_key(*name)).collect()
        };
        let keys: Vec<_> = missing
            .into_iter()
            .map(|name| wrapped(&self.wrapping, name))
            .collect::<Result<_, _>>()?;
        if keys.is_empty() {
            Ok(())
        } else {
            self.table.insert(&keys, self.clock.now()).await
        }
    }

    /// Encrypts a value for one place in the log.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the key is missing or was destroyed, or the database failed.
    pub async fn seal(&self, name: &KeyName, place: &Place<'_>, plaintext: &[u8]) -> Result<Sealed, Fault> {
        if let Some((_, month)) = name.parents() {
            self.create(&month).await?;
        }
        let key = self
            .key(name)
            .await?
            .ok_or_else(|| Fault::plain("a value cannot be sealed under a destroyed key"))?;
        let text = key.encrypt(plaintext, &bound_to(place))?;
        Ok(Sealed::new(format!("{name}:{text}")))
    }

    /// Destroys a key for good: what was sealed under it is erased. Repeating it changes nothing.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database failed; the key may then still be there.
    pub async fn destroy(&self, name: &KeyName) -> Result<(), Fault> {
        let destroyed = self.table.destroy(name, self.clock.now()).await;
        let mut cache = self.cache.lock();
        cache.destructions += 1;
        cache
            .keys
            .retain(|cached, _| cached != name && !cached.parents().is_some_and(|(a, b)| a == *name || b == *name));
        destroyed
    }

    /// The id of the claim on a thing in its canonical form: `email-<hex>`. The same for ever.
    #[must_use]
    pub fn claim(&self, kind: &str, canonical: &str) -> ClaimId {
        let digest = self.index.hmac(&[kind.as_bytes(), b"\0", canonical.as_bytes()]);
        ClaimId(format!("{kind}-{}", hex(&digest)).into())
    }

    /// The key of one purpose, e.g. `csrf`. The same at every start.
    #[must_use]
    pub fn purpose_key(&self, purpose: &str) -> [u8; 32] {
        self.purposes.hmac(&[b"purpose\0", purpose.as_bytes()])
    }

    /// How far the process `name` has followed the log.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database failed.
    pub async fn cursor(&self, name: &str) -> Result<Position, Fault> {
        self.table.cursor(name).await
    }

    /// Notes how far the process `name` has followed the log. Never moves backwards.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database failed.
    pub async fn set_cursor(&self, name: &str, position: Position) -> Result<(), Fault> {
        self.table.set_cursor(name, position).await
    }

    #[cfg(test)]
    pub(super) const fn table(&self) -> &KeyTable {
        &self.table
    }

    /// The key, derived where it is one of a month; `None` when it, or one it derives from, was destroyed.
    async fn key(&self, name: &KeyName) -> Result<Option<Arc<Key>>, Fault> {
        let destructions = {
            let cache = self.cache.lock();
            if let Some(key) = cache.keys.get(name) {
                return Ok(Some(Arc::clone(key)));
            }
            cache.destructions
        };
        let key = match name.parents() {
            None => self.stored(name).await?,
            Some((owner, month)) => match (self.stored(&owner).await?, self.stored(&month).await?) {
                (Some(owner), Some(month)) => Some(owner.derive(Some(&month), "doorbook month v1")?),
                _ => None,
            },
        };
        let Some(key) = key.map(Arc::new) else { return Ok(None) };
        let mut cache = self.cache.lock();
        if cache.destructions == destructions {
            if cache.keys.len() >= CACHED {
                cache.keys.clear();
            }
            cache.keys.insert(name.clone(), Arc::clone(&key));
        }
        Ok(Some(key))
    }

    async fn stored(&self, name: &KeyName) -> Result<Option<Key>, Fault> {
        if let Some(key) = self.cache.lock().keys.get(name) {
            return Ok(Some(Key::clone(key)));
        }
        match self.table.get(name).await? {
            Some(Stored::Wrapped(text)) => unwrapped(&self.wrapping, name, &text)
                .map(Some)
                .ok_or_else(|| Fault::plain("a stored key is damaged")),
            Some(Stored::Tombstone) => Ok(None),
            None => Err(Fault::plain(
                "a key is missing: restore the key database that belongs to the log",
            )),
        }
    }
}

#[async_trait]
impl Opens for Keyring {
    async fn open(&self, sealed: &Sealed, place: &Place<'_>) -> Result<Unsealed, Fault> {
        let name = KeyName::parse(sealed.key())?;
        let Some(key) = self.key(&name).await? else {
            return Ok(Unsealed::Erased);
        };
        let text = sealed.as_str().get(name.as_str().len() + 1..).unwrap_or_default();
        let value = key.decrypt(text, &bound_to(place));
        value
            .map(Unsealed::Value)
            .ok_or_else(|| Fault::plain("a sealed value was altered or moved"))
    }
}

fn wrapped(wrapping: &Key, name: &KeyName) -> Result<(KeyName, String), Fault> {
    let text = wrapping.encrypt(Key::random().bytes(), name.as_str().as_bytes())?;
    Ok((name.clone(), text))
}

fn unwrapped(wrapping: &Key, name: &KeyName, text: &str) -> Option<Key> {
    let bytes = zeroize::Zeroizing::new(wrapping.decrypt(text, name.as_str().as_bytes())?);
    bytes.as_slice().try_into().ok().map(Key::new)
}
