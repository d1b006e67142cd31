//! What an operator decides: typed, complete and checked before anything starts.
//!
//! Defaults are weaker than `doorbook.toml`, that is weaker than the environment, and that is weaker than flags. Every key
//! stands in a table of `key`, from which names, defaults, documentation and the template come. Anything wrong stops the
//! start with sentences that name the key, where its value comes from, and the remedy.

mod audit;
mod checkpoints;
mod database;
mod error;
mod key;
mod layers;
mod mail;
mod nearest;
mod net;
mod password;
mod raw;
mod rules;
mod setting;
pub mod social;
mod span;
mod template;
mod throttle;
mod webhooks;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use url::Url;

pub use self::{
    audit::Audit,
    checkpoints::{Checkpoints, Elsewhere},
    database::Database,
    error::ConfigError,
    key::{Key, Preset},
    layers::Sources,
    mail::{Carrier, Encryption, Mail, SmtpServer},
    net::{Network, Origin},
    password::{Argon2, Hibp, Password},
    raw::Source,
    setting::LogFormat,
    social::Social,
    template::{Effective, template},
    throttle::{Rate, Throttle},
    webhooks::{EventTypes, Webhook, WebhookSecret},
};
use self::{
    layers::{Found, Layers},
    setting::{Level, Setting, Token},
};
use crate::clock::Clock;

/// Everything that an operator decides.
#[derive(Debug)]
pub struct Config {
    /// `http.*`.
    pub http: Http,
    /// `data.*`.
    pub data: Data,
    /// `store.url`: the log.
    pub store: Database,
    /// `read.url`: the read models; for `SQLite` a directory.
    pub read: Database,
    /// `keys.*`.
    pub keys: Keys,
    /// `session.*`.
    pub session: Sessions,
    /// `signup.*`.
    pub signup: SignUp,
    /// `password.*`.
    pub password: Password,
    /// `mail.*`.
    pub mail: Mail,
    /// `csrf.*`.
    pub csrf: Csrf,
    /// `throttle.*`.
    pub throttle: Throttle,
    /// `social.*`: identity providers.
    pub social: Social,
    /// `audit.*`, less what is about checkpoints.
    pub audit: Audit,
    /// `webhooks.*`: who is told of events.
    pub webhooks: Vec<Webhook>,
    /// `audit.checkpoint_*`.
    pub checkpoints: Checkpoints,
    /// `log.*`.
    pub log: Log,
    /// `clock.*`.
    pub clock: ClockSettings,
    /// `shutdown.*`.
    pub shutdown: Shutdown,
    found: Vec<(String, &'static Key, Found)>,
}

/// `http.*`.
#[derive(Debug)]
pub struct Http {
    /// Address of the API and the pages.
    pub listen: SocketAddr,
    /// Address of health and metrics.
    pub admin_listen: SocketAddr,
    /// The own origin, as people see it.
    pub public_url: Origin,
    /// Other origins of the same site that may call.
    pub allowed_origins: Vec<Origin>,
    /// Where a proxy sends a browser that is not signed in.
    pub login_page: Option<Url>,
    /// Networks whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<Network>,
    /// Largest accepted body, in bytes.
    pub body_limit: usize,
}

/// `data.*`.
#[derive(Debug)]
pub struct Data {
    /// Directory of what is embedded.
    pub dir: PathBuf,
    /// The list of erased users.
    pub erasures: PathBuf,
}

/// `keys.*`.
#[derive(Debug)]
pub struct Keys {
    /// The key table.
    pub url: Database,
    /// The file of the master key.
    pub file: PathBuf,
}

/// `session.*`.
#[derive(Debug)]
pub struct Sessions {
    /// Longest life.
    pub absolute: Duration,
    /// Longest life unused.
    pub idle: Duration,
    /// Longest life for users with a role.
    pub staff_absolute: Duration,
    /// Longest life unused for users with a role.
    pub staff_idle: Duration,
    /// Most live sessions of one user.
    pub max_per_user: u32,
    /// Most sessions in memory.
    pub directory_capacity: usize,
}

/// `signup.*`.
#[derive(Debug)]
pub struct SignUp {
    /// Whether people may sign up by themselves.
    pub enabled: bool,
    /// Whether an address must be proven first.
    pub verify_email: bool,
}

/// `csrf.*`.
#[derive(Debug)]
pub struct Csrf {
    /// Name of the readable cookie.
    pub cookie: String,
    /// Name of the header.
    pub header: String,
}

/// `log.*`.
#[derive(Debug)]
pub struct Log {
    /// Form of a line.
    pub format: LogFormat,
    /// Directives of what is logged.
    pub level: String,
}

/// `clock.*`.
#[derive(Debug)]
pub struct ClockSettings {
    /// How far the clock is moved, in microseconds. Zero without the feature `test-clock`.
    pub offset_micros: i64,
}

/// `shutdown.*`.
#[derive(Debug)]
pub struct Shutdown {
    /// How long requests in flight may take to finish.
    pub grace: Duration,
}

impl Config {
    /// Reads, completes and checks the configuration.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, a sentence each.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut layers = Layers::gather(sources)?;
        let config = Self::read(&mut layers);
        if let Some(config) = &config {
            rules::check(config, &mut layers);
        }
        ConfigError::unless_empty(layers.take_wrong())?;
        let config = config.ok_or_else(|| ConfigError::one("the configuration is incomplete".to_owned()))?;
        Ok(Self {
            found: layers.into_found(),
            ..config
        })
    }

    /// Where attempts are counted: with the read models where those are on PostgreSQL, else a file under `data.dir`.
    #[must_use]
    pub fn throttle_database(&self) -> Database {
        match &self.read {
            Database::Postgres(url) => Database::Postgres(url.clone()),
            Database::Sqlite(_) => Database::Sqlite(self.data.dir.join("throttle.db")),
        }
    }

    /// Where the tree over the log is: with the read models where those are on PostgreSQL, else a file under `data.dir`.
    #[must_use]
    pub fn proof_database(&self) -> Database {
        match &self.read {
            Database::Postgres(url) => Database::Postgres(url.clone()),
            Database::Sqlite(_) => Database::Sqlite(self.data.dir.join("proof.db")),
        }
    }

    /// The clock that the service runs by.
    #[must_use]
    pub const fn service_clock(&self) -> Clock {
        if cfg!(feature = "test-clock") {
            Clock::moved(self.clock.offset_micros)
        } else {
            Clock::system()
        }
    }

    fn read(layers: &mut Layers) -> Option<Self> {
        // Everything is read before anything is given up, so that all complaints come at once.
        let (http, session, password) = (http(layers), sessions(layers), password::read(layers));
        let (dir, erasures) = (get(layers, "data.dir"), get(layers, "data.erasures"));
        let mail = mail::read(layers, http.as_ref().map(|http| &http.public_url));
        let (store, read) = (get(layers, "store.url"), get(layers, "read.url"));
        let (keys_url, keys_file) = (get(layers, "keys.url"), get(layers, "keys.file"));
        let (enabled, verify_email) = (get(layers, "signup.enabled"), get(layers, "signup.verify_email"));
        let (cookie, header) = (get::<Token>(layers, "csrf.cookie"), get::<Token>(layers, "csrf.header"));
        let throttle = throttle::read(layers);
        let (social, webhooks) = (social::read(layers), webhooks::read(layers));
        let (audit, checkpoints) = (audit::read(layers), checkpoints::read(layers));
        let (format, level) = (get(layers, "log.format"), get::<Level>(layers, "log.level"));
        let offset_micros = get(layers, "clock.offset");
        let grace = get(layers, "shutdown.grace");
        Some(Self {
            http: http?,
            data: Data {
                dir: dir?,
                erasures: erasures?,
            },
            store: store?,
            read: read?,
            keys: Keys {
                url: keys_url?,
                file: keys_file?,
            },
            session: session?,
            signup: SignUp {
                enabled: enabled?,
                verify_email: verify_email?,
            },
            password: password?,
            mail: mail?,
            csrf: Csrf {
                cookie: cookie?.0,
                header: header?.0,
            },
            throttle: throttle?,
            social: social?,
            audit: audit?,
            webhooks: webhooks?,
            checkpoints: checkpoints?,
            log: Log {
                format: format?,
                level: level?.0,
            },
            clock: ClockSettings {
                offset_micros: offset_micros?,
            },
            shutdown: Shutdown { grace: grace? },
            found: Vec::new(),
        })
    }
}

/// Reads a key's value, or complains.
fn get<T: Setting>(layers: &mut Layers, key: &str) -> Option<T> {
    let read = layers.get(key).map(|(raw, _)| T::read(raw));
    match read {
        Some(Ok(value)) => Some(value),
        Some(Err(remedy)) => {
            layers.complain(key, &remedy);
            None
        }
        None => {
            layers.complain(key, "write it");
            None
        }
    }
}

fn http(layers: &mut Layers) -> Option<Http> {
    let (listen, admin_listen) = (get(layers, "http.listen"), get(layers, "http.admin_listen"));
    let (public_url, allowed_origins) = (get(layers, "http.public_url"), get(layers, "http.allowed_origins"));
    let (trusted_proxies, body_limit) = (get(layers, "http.trusted_proxies"), get(layers, "http.body_limit"));
    let login_page = get(layers, "http.login_page");
    Some(Http {
        listen: listen?,
        admin_listen: admin_listen?,
        public_url: public_url?,
        allowed_origins: allowed_origins?,
        login_page: login_page?,
        trusted_proxies: trusted_proxies?,
        body_limit: body_limit?,
    })
}

fn sessions(layers: &mut Layers) -> Option<Sessions> {
    let (absolute, idle) = (get(layers, "session.absolute"), get(layers, "session.idle"));
    let (staff_absolute, staff_idle) = (get(layers, "session.staff_absolute"), get(layers, "session.staff_idle"));
    let (max_per_user, directory_capacity) = (
        get(layers, "session.max_per_user"),
        get(layers, "session.directory_capacity"),
    );
    Some(Sessions {
        absolute: absolute?,
        idle: idle?,
        staff_absolute: staff_absolute?,
        staff_idle: staff_idle?,
        max_per_user: max_per_user?,
        directory_capacity: directory_capacity?,
    })
}

#[cfg(test)]
mod tests;
