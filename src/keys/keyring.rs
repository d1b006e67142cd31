//! Seals and opens under named keys.

mod system;

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use doorbook_domain::seal::Sealed;
use doorbook_projections::{
    fault::Fault,
    keyring::{self, Place, Unsealed},
    log::Position,
};
use parking_lot::RwLock;

use self::system::{INDEX, PURPOSES, found, system_key};
use super::{
    cache::{Cache, Held},
    database::{self, Database, Stored, Wrapped},
    error::KeysError,
    master::MasterKey,
    name::KeyName,
    queue::Queue,
    rotate,
    secret::Secret,
};
use crate::{clock::Clock, config};

/// Unwrapped keys kept in memory: about 200 bytes each.
const CACHED: usize = 50_000;

/// The keys. Made once, shared by all.
pub struct Keyring {
    database: Arc<Database>,
    cache: Cache,
    clock: Clock,
    master: RwLock<MasterKey>,
    index: Secret,
    cookies: Secret,
    purposes: Secret,
}

impl Keyring {
    /// Opens the key database. The keys of the system are made while `fresh`: no log exists that they would have to fit.
    ///
    /// # Errors
    ///
    /// [`KeysError`]: a sentence that names the setting and the remedy.
    pub async fn open(
        database: &config::Database,
        master: &MasterKey,
        fresh: bool,
        clock: Clock,
    ) -> Result<Self, KeysError> {
        let database = Database::open(database, fresh).await?;
        if fresh && database.proof().await?.is_none() {
            found(&database, master, clock.now()).await?;
        }
        let proof = database.proof().await?.ok_or(KeysError::KeysMissing)?;
        let master = rotate::current(master, &proof)?;
        let index = system_key(&database, &master, INDEX).await?;
        let purposes = system_key(&database, &master, PURPOSES).await?;
        Ok(Self {
            database: Arc::new(database),
            cache: Cache::new(CACHED),
            clock,
            master: RwLock::new(master),
            index,
            cookies: purposes.derive("cookie tag"),
            purposes,
        })
    }

    /// Makes the key `name`, unless it is there. When this returns it is on disk.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the key was destroyed, or the database fails.
    pub async fn create(&self, name: &KeyName) -> Result<(), Fault> {
        self.create_all(std::slice::from_ref(name)).await
    }

    /// Makes the keys that are not there, all in one transaction.
    ///
    /// # Errors
    ///
    /// [`Fault`] when one was destroyed (the others are made then), or the database fails (none is made then).
    pub async fn create_all(&self, names: &[KeyName]) -> Result<(), Fault> {
        let began = self.cache.begin();
        let new: Vec<&str> = names
            .iter()
            .map(KeyName::owner)
            .filter(|name| !matches!(self.cache.find(name), Ok(Held::Key(_))))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let master = self.master.read().clone();
        let keys = new.iter().map(|name| (*name, Secret::random())).collect::<Vec<_>>();
        let wrapped = keys
            .iter()
            .map(|(name, key)| Ok(((*name).into(), database::wrap(&master, name, key)?)))
            .collect::<Result<Vec<Wrapped>, Fault>>()?;
        let created = self.database.create(&master, &wrapped, self.clock.now()).await?;
        for (name, key) in keys {
            if created.contains(name) {
                self.cache.keep(began, name, Held::Key(key));
            } else if self.find(name).await?.is_none() {
                return Err(Fault::plain(DESTROYED));
            }
        }
        Ok(())
    }

    /// Destroys the keys, physically, and leaves tombstones: what they sealed is erased. Again is harmless.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails. The keys may be destroyed then; repeat it.
    pub async fn destroy_all(&self, names: &[KeyName]) -> Result<(), Fault> {
        if names.iter().any(|name| name.month_key().is_some()) {
            return Err(Fault::plain(
                "a key that needs a month's is destroyed with its owner's or the month's",
            ));
        }
        let destroyed = self.database.destroy(names, self.clock.now()).await;
        for name in names {
            self.forget(name);
        }
        destroyed
    }

    /// Destroys one key, as [`Self::destroy_all`].
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails. The key may be destroyed then; repeat it.
    pub async fn destroy(&self, name: &KeyName) -> Result<(), Fault> {
        self.destroy_all(std::slice::from_ref(name)).await
    }

    /// Drops a key from memory: another node destroyed it.
    pub fn forget(&self, name: &KeyName) {
        self.cache.forget(name.owner());
    }

    /// Seals `plaintext` under the key `name`, for `place` only. A month's key is made when it is first needed; an owner's
    /// has been made before.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the key is missing or destroyed, or the database fails.
    pub async fn seal(&self, name: &KeyName, place: &Place<'_>, plaintext: &[u8]) -> Result<Sealed, Fault> {
        if let Some(month) = name.month_key() {
            self.create(&month).await?;
        }
        let key = self.key(name).await?.ok_or(Fault::plain(DESTROYED))?;
        let sealed = key.seal(plaintext, &associated(place))?;
        Ok(Sealed::new(format!("{name}:{}", BASE64_URL_SAFE_NO_PAD.encode(sealed))))
    }

    /// Fetches the keys of sealed values that are about to be opened, all at once instead of one by one.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn warm(&self, sealed: &[&Sealed]) -> Result<(), Fault> {
        let mut cold = HashSet::new();
        let began = self.cache.begin();
        for name in sealed.iter().filter_map(|sealed| KeyName::parse(sealed.key()).ok()) {
            let month = name.month_key();
            for name in [Some(name.owner()), month.as_ref().map(KeyName::as_str)]
                .into_iter()
                .flatten()
            {
                if self.cache.find(name).is_err() {
                    cold.insert(name.to_owned());
                }
            }
        }
        if cold.is_empty() {
            return Ok(());
        }
        let cold: Vec<String> = cold.into_iter().collect();
        let stored = self.database.find_all(&cold).await?;
        let master = self.master.read().clone();
        for (name, stored) in stored {
            let held = match stored {
                Stored::Key(wrapped) => Held::Key(database::unwrap(&master, &name, &wrapped)?),
                Stored::Destroyed => Held::Destroyed,
            };
            self.cache.keep(began, &name, held);
        }
        Ok(())
    }

    /// How far the follower `name` of the log has come; [`Position::START`] if it has not begun.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn cursor(&self, name: &str) -> Result<Position, Fault> {
        self.database.cursor(name).await
    }

    /// Remembers, durably, how far the follower `name` of the log has come. Never moves back.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn set_cursor(&self, name: &str, position: Position) -> Result<(), Fault> {
        self.database.set_cursor(name, position).await
    }

    /// What the follower `name` is to send.
    #[must_use]
    pub fn queue(&self, name: &str) -> Queue {
        Queue::new(Arc::clone(&self.database), name.into())
    }

    /// Rewraps every key under a new master key, puts it into the file, and destroys the old one. Other processes that
    /// hold the old one must be started again.
    ///
    /// # Errors
    ///
    /// [`KeysError`] when the file or the database cannot be written. After a crash or an error at any point, the next
    /// [`Self::open`] works.
    pub async fn rotate(&self) -> Result<(), KeysError> {
        let old = self.master.read().clone();
        let new = rotate::rotate(&self.database, &old).await?;
        *self.master.write() = new;
        Ok(())
    }

    /// What memory knows of a key.
    pub(super) fn cached(&self, name: &str) -> Option<Held> {
        self.cache.find(name).ok()
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// Ends the connections to the key database.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// The key that `name` stands for; `None` when it, or one that it needs, was destroyed.
    async fn key(&self, name: &KeyName) -> Result<Option<Secret>, Fault> {
        let owner = self.find(name.owner()).await?;
        let (Some(owner), Some(month)) = (&owner, name.month_key()) else {
            return Ok(owner);
        };
        let month = self.find(month.as_str()).await?;
        Ok(month.map(|month| owner.combine(&month, "doorbook owner and month v1")))
    }

    /// A stored key; `None` for a tombstone.
    async fn find(&self, name: &str) -> Result<Option<Secret>, Fault> {
        let held = match self.cache.find(name) {
            Ok(held) => held,
            Err(began) => {
                let held = match self.database.find(name).await? {
                    Some(Stored::Key(wrapped)) => Held::Key(database::unwrap(&self.master.read(), name, &wrapped)?),
                    Some(Stored::Destroyed) => Held::Destroyed,
                    None => return Err(Fault::plain("the key is missing")),
                };
                self.cache.keep(began, name, held.clone());
                held
            }
        };
        match held {
            Held::Key(key) => Ok(Some(key)),
            Held::Destroyed => Ok(None),
        }
    }
}

#[async_trait]
impl keyring::Keyring for Keyring {
    async fn open(&self, sealed: &Sealed, place: &Place<'_>) -> Result<Unsealed, Fault> {
        let name = KeyName::parse(sealed.key())?;
        let (_, text) = sealed.as_str().split_once(':').unwrap_or_default();
        let bytes = BASE64_URL_SAFE_NO_PAD
            .decode(text)
            .map_err(Fault::because("a sealed value is not base64url"))?;
        let Some(key) = self.key(&name).await? else {
            return Ok(Unsealed::Erased);
        };
        key.open(&bytes, &associated(place))
            .map(Unsealed::Value)
            .ok_or(Fault::plain("a sealed value was altered, or moved from its place"))
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyring(…)")
    }
}

const DESTROYED: &str = "the key was destroyed";

fn associated(place: &Place<'_>) -> Vec<u8> {
    framed(&[place.stream, place.event_type, place.field])
}

/// Parts, each after its length, so that no two lists of parts look alike.
fn framed(parts: &[&str]) -> Vec<u8> {
    parts
        .iter()
        .flat_map(|part| {
            [
                &u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes(),
                part.as_bytes(),
            ]
            .concat()
        })
        .collect()
}
