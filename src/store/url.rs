//! `store.url`, read.

use std::{fmt, path::PathBuf, str::FromStr};

use sqlx::postgres::PgConnectOptions;

/// Where the log is. Shown without user and password.
#[derive(Clone)]
pub enum StoreUrl {
    /// `sqlite:<path>`: a file of this machine, relative to the working directory unless it begins with `/`.
    Sqlite(PathBuf),
    /// `postgres://…` or `postgresql://…`, with the parameters of libpq.
    Postgres(Box<PgConnectOptions>),
}

/// The text is no address of a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStoreUrl {
    /// KurrentDB and EventStoreDB are planned.
    #[error("`store.url`: the store for `esdb://` is not built yet; use `sqlite:<path>` or `postgres://…`")]
    NotBuilt,
    /// Nothing that Doorbook can store events in.
    #[error("`store.url` must be `sqlite:<path>` or `postgres://…`")]
    Scheme,
    /// A log must outlive the process, and has one file.
    #[error("`store.url`: write `sqlite:<path>` with the path of a file, without parameters")]
    Path,
    /// Not as libpq has it. The text may hold a password and is not repeated.
    #[error("`store.url` must have the form `postgres://user:password@host:port/database`")]
    Postgres,
}

impl FromStr for StoreUrl {
    type Err = InvalidStoreUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.split_once(':').ok_or(InvalidStoreUrl::Scheme)?;
        match scheme {
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                if path.is_empty() || path.contains('?') || path.contains(":memory:") {
                    return Err(InvalidStoreUrl::Path);
                }
                Ok(Self::Sqlite(path.into()))
            }
            "postgres" | "postgresql" => match text.parse() {
                Ok(options) => Ok(Self::Postgres(Box::new(options))),
                Err(_) => Err(InvalidStoreUrl::Postgres),
            },
            "esdb" | "esdb+discover" | "kurrentdb" | "kurrentdb+discover" => Err(InvalidStoreUrl::NotBuilt),
            _ => Err(InvalidStoreUrl::Scheme),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(options) => {
                let (host, port) = (options.get_host(), options.get_port());
                write!(f, "postgres://{host}:{port}/{}", options.get_database().unwrap_or(""))
            }
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}
