//! Opens the durable parts, for `serve` and for every command that works on them: the log, the keys, the read models.

mod error;
mod place;

use std::{path::Path, sync::Arc, time::Duration};

use doorbook_openapi::app::Settings;
use doorbook_projections::{
    engine::{Engine, ReadTarget},
    fault::Fault,
    keyring::Keyring as SealedReader,
};
use sqlx::postgres::PgConnectOptions;

pub use self::error::StartError;
pub(crate) use self::place::{directories, make_private};
use crate::{
    atlas::Atlas,
    clock::Clock,
    config::{Config, Database},
    directory::Directory,
    hashing::{PasswordHasher, rules::MAX_LENGTH},
    keys::{Keyring, MasterKey},
    mail::Post,
    proof::notary::Notary,
    service::{Lifetimes, Parts, Rules, erasures::Erasures, strength::Strength},
    social::Desk,
    store::{OpenError, Store, StoreOptions, StoreUrl},
    throttle::Throttle,
};

/// How long a whole body may take: many times what a slow line needs for the largest one, and so short that trickling
/// bodies do not pile up.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The durable parts.
pub struct Durable {
    /// The log.
    pub store: Store,
    /// The keys.
    pub keyring: Arc<Keyring>,
}

impl Durable {
    /// Brings the schemas up to date and opens log and keys. The master key is made only while no log exists.
    ///
    /// # Errors
    ///
    /// [`StartError`], with the key of the configuration and the remedy.
    pub async fn open(config: &Config) -> Result<Self, StartError> {
        let durable = Self::open_as_they_are(config).await?;
        durable.keyring.belongs_to(durable.store.log().as_ref()).await?;
        Ok(durable)
    }

    /// As [`Self::open`], whether or not log and keys belong together.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub async fn open_as_they_are(config: &Config) -> Result<Self, StartError> {
        directories(config)?;
        make_private(&config.store)?;
        Store::migrate(&store_url(&config.store)?).await?;
        let store = store(config).await?;
        let fresh = store.is_empty().await?;
        let master = MasterKey::load_or_make(&config.keys.file, fresh)?;
        if fresh {
            make_private(&config.keys.url)?;
        }
        let keyring = Keyring::open(&config.keys.url, &master, fresh, config.service_clock()).await?;
        Ok(Self {
            store,
            keyring: Arc::new(keyring),
        })
    }
}

/// Sees to it that a log is there, for commands that must not make one. Nothing is made or changed.
///
/// # Errors
///
/// [`StartError::NoLog`]; or, of a server, [`StartError::Store`] when it cannot be reached.
pub async fn log_is_there(config: &Config) -> Result<(), StartError> {
    if let Database::Sqlite(file) = &config.store {
        if file.is_file() {
            return Ok(());
        }
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        return Err(StartError::NoLog {
            place: parent.unwrap_or(Path::new(".")).display().to_string(),
        });
    }
    match store(config).await {
        Ok(store) => store.close().await,
        Err(StartError::Store(OpenError::NotMigrated { found: 0, .. })) => {
            return Err(StartError::NoLog {
                place: "the database".to_owned(),
            });
        }
        // An older log is brought up to date by those that may; the others say it themselves.
        Err(StartError::Store(OpenError::NotMigrated { .. })) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Opens the log as it is.
///
/// # Errors
///
/// [`StartError::Store`] when it cannot be reached, could lose what it acknowledged, or is older or newer than this program.
pub async fn store(config: &Config) -> Result<Store, StartError> {
    Ok(Store::open(&store_url(&config.store)?, StoreOptions::default()).await?)
}

/// The engine of all read models over the log.
///
/// # Errors
///
/// [`StartError::Read`] when their database cannot be opened.
pub async fn engine(config: &Config, store: &Store) -> Result<Engine, StartError> {
    let target = match &config.read {
        Database::Sqlite(directory) => ReadTarget::Sqlite(directory.clone()),
        Database::Postgres(url) => {
            let options = url.parse::<PgConnectOptions>();
            ReadTarget::Postgres(Box::new(options.map_err(|error| StartError::Read(error.into()))?))
        }
    };
    let clock = config.service_clock();
    let all = doorbook_projections::all();
    let engine = Engine::open(target, store.log(), all, Arc::new(move || clock.now())).await;
    engine.map_err(StartError::Read)
}

/// The counters of attempts.
///
/// # Errors
///
/// [`StartError::Throttle`] when their database cannot be opened.
pub async fn throttle(config: &Config, keyring: &Keyring, clock: Clock) -> Result<Throttle, StartError> {
    if !config.throttle.enabled {
        return Ok(Throttle::off());
    }
    let database = config.throttle_database();
    make_private(&database)?;
    let key = keyring.purpose_key("throttle");
    let opened = Throttle::open(&config.throttle, &database, &key, clock).await;
    opened.map_err(|source| StartError::Throttle {
        place: match &database {
            Database::Sqlite(file) => file.display().to_string(),
            Database::Postgres(_) => "read.url".to_owned(),
        },
        source,
    })
}

/// What keeps the tree over the log, and signs it.
///
/// # Errors
///
/// [`StartError::Proof`] when the tree, or the key that signs, cannot be opened.
pub async fn notary(config: &Config, store: &Store, keyring: &Keyring) -> Result<Arc<Notary>, StartError> {
    let database = config.proof_database();
    make_private(&database)?;
    let opened = Notary::open(config, store.log(), keyring).await;
    opened.map(Arc::new).map_err(|source| StartError::Proof {
        place: match &database {
            Database::Sqlite(file) => file.display().to_string(),
            Database::Postgres(_) => "read.url".to_owned(),
        },
        source,
    })
}

/// What knows where addresses of the network are.
///
/// # Errors
///
/// [`StartError::GeoIp`] when the operator's file is missing or no such database.
pub fn atlas(config: &Config) -> Result<Atlas, StartError> {
    let Some(file) = &config.audit.geoip_file else {
        return Ok(Atlas::empty());
    };
    Atlas::open(file).map_err(|source| StartError::GeoIp {
        path: file.display().to_string(),
        source,
    })
}

/// Everything that the operations work with, by the configuration. Nothing runs yet.
///
/// # Errors
///
/// As [`engine`], [`throttle`] and [`notary`], and when a setting leads nowhere.
pub async fn parts(config: &Config, durable: Durable, clock: Clock) -> Result<Parts, StartError> {
    let Durable { store, keyring } = durable;
    let hasher = PasswordHasher::new(config.password.argon2.into())
        .map_err(Fault::because("the pool that hashes passwords cannot start"))?;
    let sealed: Arc<dyn SealedReader> = keyring.clone();
    Ok(Parts {
        rules: rules(config, &keyring),
        hasher: Arc::new(hasher),
        strength: Strength::open(config)?,
        directory: Arc::new(Directory::new(store.log(), sealed, config.session.directory_capacity)),
        engine: engine(config, &store).await?,
        atlas: Arc::new(atlas(config)?),
        throttle: throttle(config, &keyring, clock.clone()).await?,
        social: Arc::new(Desk::open(config, &keyring).await?),
        notary: notary(config, &store, &keyring).await?,
        post: Arc::new(Post::open(config)?),
        clock,
        keyring,
        store,
    })
}

/// What the operations go by, from the configuration.
fn rules(config: &Config, keyring: &Keyring) -> Rules {
    let session = &config.session;
    Rules {
        lifetimes: Lifetimes {
            absolute: session.absolute,
            idle: session.idle,
        },
        staff_lifetimes: Lifetimes {
            absolute: session.staff_absolute,
            idle: session.staff_idle,
        },
        erasures: Erasures::new(&config.data.erasures),
        retention: config.audit.retention,
        max_sessions: session.max_per_user,
        link_base: config.mail.link_base.to_string(),
        locale: config.mail.locale,
        settings: Settings {
            public_url: config.http.public_url.to_string(),
            https: config.http.public_url.is_https(),
            allowed_origins: config.http.allowed_origins.iter().map(ToString::to_string).collect(),
            login_page: config.http.login_page.as_ref().map(ToString::to_string),
            trusted_proxies: config.http.trusted_proxies.clone(),
            csrf_cookie: config.csrf.cookie.clone(),
            csrf_header: config.csrf.header.clone(),
            csrf_key: keyring.purpose_key("csrf"),
            body_limit: config.http.body_limit,
            body_timeout: BODY_TIMEOUT,
            signup_enabled: config.signup.enabled,
            verify_email: config.signup.verify_email,
            password_min_length: config.password.min_length,
            password_max_length: MAX_LENGTH,
            session_absolute: session.absolute,
            session_idle: session.idle,
        },
    }
}

/// Where the log is.
///
/// # Errors
///
/// [`StartError::StoreUrl`] when the driver cannot take the address.
pub fn store_url(database: &Database) -> Result<StoreUrl, StartError> {
    Ok(database.url().parse::<StoreUrl>()?)
}
