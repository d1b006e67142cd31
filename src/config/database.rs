//! Where data lives.

use std::{fmt, path::PathBuf};

use url::Url;

use super::{raw::Raw, setting::Setting};

/// A database.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// A file; for the read models a directory.
    Sqlite(PathBuf),
    /// A URL with everything that is needed to connect, a password perhaps included.
    Postgres(String),
}

/// Shows no password.
impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "Sqlite({})", path.display()),
            Self::Postgres(_) => f.write_str("Postgres(…)"),
        }
    }
}

impl Database {
    /// `sqlite:<path>` or `postgres://…`, with its password.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(url) => url.clone(),
        }
    }

    /// Whether it is embedded.
    #[must_use]
    pub const fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }
}

impl Setting for Database {
    fn read(raw: &Raw) -> Result<Self, String> {
        let text = raw.text().unwrap_or_default();
        match text.split_once(':') {
            Some(("sqlite", path)) => sqlite(path),
            Some(("postgres" | "postgresql", _)) => postgres(text),
            Some(("esdb" | "esdb+discover" | "kurrentdb" | "kurrentdb+discover", _)) => {
                Err("EventStoreDB is not built yet: use `sqlite:` or `postgres://`".to_owned())
            }
            _ => Err("write `sqlite:` and a path, or `postgres://user@host/database`".to_owned()),
        }
    }
}

fn sqlite(path: &str) -> Result<Database, String> {
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.contains([':', '?', '\0']) {
        return Err("write `sqlite:` and a path, without parameters and not `:memory:`".to_owned());
    }
    Ok(Database::Sqlite(path.into()))
}

fn postgres(text: &str) -> Result<Database, String> {
    let reachable = Url::parse(text).is_ok_and(|url| {
        let named = url.host_str().is_some_and(|host| !host.is_empty());
        named || url.query_pairs().any(|(name, _)| name == "host")
    });
    if !reachable {
        return Err("write `postgres://user@host/database`".to_owned());
    }
    Ok(Database::Postgres(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{super::setting::Setting, Database, Raw};

    fn read(text: &str) -> Result<Database, String> {
        Database::read(&Raw::Text(text.to_owned()))
    }

    #[test]
    fn both_databases_are_read() {
        assert_eq!(
            read("sqlite:./data/log.db"),
            Ok(Database::Sqlite(PathBuf::from("./data/log.db")))
        );
        assert_eq!(
            read("sqlite:///var/log.db"),
            Ok(Database::Sqlite(PathBuf::from("/var/log.db")))
        );
        let url = "postgres://ada:secret@db/doorbook";
        assert_eq!(read(url), Ok(Database::Postgres(url.to_owned())));
        assert!(read("postgres:///doorbook?host=/run/postgresql").is_ok());
    }

    #[test]
    fn others_are_refused_with_what_to_write() {
        assert!(read("mysql://db").unwrap_err().contains("postgres://"));
        assert!(read("esdb://db").unwrap_err().contains("not built yet"));
        for text in [
            "",
            "log.db",
            "sqlite:",
            "sqlite::memory:",
            "sqlite:a?mode=ro",
            "postgres:///x",
            "postgres:x",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn password_is_not_shown() {
        let shown = format!("{:?}", read("postgres://ada:secret@db/doorbook"));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
