//! Seals and opens under named keys.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use doorbook_domain::seal::{ClaimId, Sealed};
use doorbook_projections::{
    fault::Fault,
    keyring::{self, Place, Unsealed},
    log::Position,
};
use parking_lot::RwLock;

use super::{
    cache::{Cache, Held},
    database::{self, Database, Stored, Wrapped},
    error::OpenError,
    master::MasterKey,
    name::KeyName,
    rotate,
    secret::Secret,
};

/// Unwrapped keys kept in memory: about 200 bytes each.
const CACHED: usize = 100_000;

/// Whether the log of this service exists already. Keys are only made for a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// It has been created; its keys must be there.
    Exists,
    /// This is the first start.
    New,
}

/// The keys. Made once, shared by all.
pub struct Keyring {
    database: Database,
    cache: Cache,
    file: PathBuf,
    master: RwLock<MasterKey>,
    index: Secret,
    cookies: Secret,
    purposes: Secret,
}

impl Keyring {
    /// Opens the key database at `url` (`sqlite:<path>` or `postgres://…`) with the master key in `file`. Both are made
    /// when there is no log yet.
    ///
    /// # Errors
    ///
    /// [`OpenError`]: a sentence that names the setting and the remedy.
    pub async fn open(url: &str, file: &Path, log: Log) -> Result<Arc<Self>, OpenError> {
        let database = Database::open(url).await?;
        let missing = || OpenError::MasterMissing { file: file.into() };
        let (master, proof) = match (database.proof().await?, log) {
            (Some(proof), _) => {
                let lost = match log {
                    Log::Exists => missing(),
                    Log::New => OpenError::MasterMissingForKeys { file: file.into() },
                };
                (rotate::current(file, &proof)?.ok_or(lost)?, proof)
            }
            (None, Log::Exists) => {
                return Err(MasterKey::read(file)?.map_or_else(missing, |_| OpenError::KeysMissing));
            }
            (None, Log::New) => found(&database, file).await?,
        };
        if !master.proves(&proof) {
            return Err(OpenError::MasterWrong { file: file.into() });
        }
        let index = system_key(&database, &master, INDEX).await?;
        let purposes = system_key(&database, &master, PURPOSES).await?;
        Ok(Arc::new(Self {
            database,
            cache: Cache::new(CACHED),
            file: file.into(),
            master: RwLock::new(master),
            index,
            cookies: purposes.derive("cookie tag"),
            purposes,
        }))
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
        let keys = new
            .iter()
            .map(|name| Ok((*name, Secret::random()?)))
            .collect::<Result<Vec<_>, Fault>>()?;
        let wrapped = keys
            .iter()
            .map(|(name, key)| Ok(((*name).into(), database::wrap(&master, name, key)?)))
            .collect::<Result<Vec<Wrapped>, Fault>>()?;
        let created = self.database.create(&master, &wrapped).await?;
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
        let destroyed = self.database.destroy(names).await;
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

    /// The id of a claimed thing: HMAC-SHA256 of its canonical form under the index key. The same for ever.
    #[must_use]
    pub fn claim(&self, kind: &str, canonical: &str) -> ClaimId {
        let mac = self.index.mac(&framed(&[kind, canonical]));
        let mut claim = format!("{kind}-");
        for byte in mac {
            claim.extend([byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or_default()));
        }
        ClaimId(claim.into())
    }

    /// Tells a session cookie that this service made from a made-up one, without a look at any session.
    #[must_use]
    pub fn cookie_tag(&self, cookie: &[u8]) -> [u8; 8] {
        let mac = self.cookies.mac(cookie);
        mac.first_chunk().copied().unwrap_or_default()
    }

    /// The key of CSRF tokens.
    #[must_use]
    pub fn csrf_key(&self) -> [u8; 32] {
        self.purpose_key("csrf")
    }

    /// A key for one purpose, e.g. one kind of token. The same at each start; independent of all others.
    #[must_use]
    pub fn purpose_key(&self, label: &str) -> [u8; 32] {
        *self.purposes.derive(label).bytes()
    }

    /// How far the follower `name` of the log has come; [`Position::START`] if it has not begun.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn cursor(&self, name: &str) -> Result<Position, Fault> {
        self.database.cursor(name).await
    }

    /// Remembers, durably, how far the follower `name` of the log has come.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn set_cursor(&self, name: &str, position: Position) -> Result<(), Fault> {
        self.database.set_cursor(name, position).await
    }

    /// Rewraps every key under a new master key, puts it into the file, and destroys the old one. Other processes that
    /// hold the old one must be started again.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when the file or the database cannot be written. After a crash or an error at any point, the next
    /// [`Self::open`] works.
    pub async fn rotate(&self) -> Result<(), OpenError> {
        let old = self.master.read().clone();
        let new = rotate::rotate(&self.database, &old, &self.file).await?;
        *self.master.write() = new;
        Ok(())
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
        let name = KeyName::of(sealed).ok_or(Fault::plain("a sealed value names no key"))?;
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
/// Name of the key of claims.
const INDEX: &str = "index";
/// Name of the key that purposes are derived from.
const PURPOSES: &str = "purposes";

/// The first start: the file first, then the database that is bound to it. Returns whose proof the database then has.
async fn found(database: &Database, file: &Path) -> Result<(MasterKey, String), OpenError> {
    let master = if let Some(master) = MasterKey::read(file)? {
        master
    } else {
        let master = MasterKey::random()?;
        master.write(file).map_err(|source| OpenError::MasterUnwritable {
            file: file.into(),
            source,
        })?;
        master
    };
    let first = [INDEX, PURPOSES]
        .into_iter()
        .map(|key| {
            let name = KeyName::of_system(key);
            Ok((
                name.as_str().into(),
                database::wrap(&master, name.as_str(), &Secret::random()?)?,
            ))
        })
        .collect::<Result<Vec<Wrapped>, Fault>>()?;
    database.found(&master, &first).await?;
    let proof = database.proof().await?.ok_or(OpenError::KeysMissing)?;
    Ok((master, proof))
}

async fn system_key(database: &Database, master: &MasterKey, name: &str) -> Result<Secret, OpenError> {
    let name = KeyName::of_system(name);
    match database.find(name.as_str()).await? {
        Some(Stored::Key(wrapped)) => Ok(database::unwrap(master, name.as_str(), &wrapped)?),
        Some(Stored::Destroyed) | None => Err(OpenError::KeysMissing),
    }
}

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
