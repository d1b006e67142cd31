//! Values before they have a type, and where they come from.

use std::{fmt, path::PathBuf};

use url::Url;

/// A value as it was found.
#[derive(Clone, PartialEq)]
pub(crate) enum Raw {
    /// From TOML: typed.
    Toml(toml::Value),
    /// From a variable, a file of its own or a flag: text.
    Text(String),
}

/// Shows nothing: it may be a secret.
impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Raw(…)")
    }
}

impl Raw {
    /// The value as text.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Toml(value) => value.as_str(),
            Self::Text(text) => Some(text),
        }
    }

    /// The value as a whole number.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Self::Toml(value) => value.as_integer(),
            Self::Text(text) => text.parse().ok(),
        }
    }

    /// The value as a switch.
    pub(crate) fn switch(&self) -> Option<bool> {
        match self {
            Self::Toml(value) => value.as_bool(),
            Self::Text(text) => text.parse().ok(),
        }
    }

    /// The value as a list of texts. In a variable they are separated by commas.
    pub(crate) fn list(&self) -> Option<Vec<&str>> {
        match self {
            Self::Toml(value) => value.as_array()?.iter().map(toml::Value::as_str).collect(),
            Self::Text(text) => Some(text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()),
        }
    }

    /// For people. Of what may be secret, a database and a mail server are shown without their password, a URL of the web by its
    /// host, and anything else not at all.
    pub(crate) fn shown(&self, secret: bool) -> toml::Value {
        match self {
            _ if secret => toml::Value::String(self.text().map_or_else(hidden, hide_password)),
            Self::Toml(value) => value.clone(),
            Self::Text(text) => toml::Value::String(text.clone()),
        }
    }

    /// The value as TOML has it where the default is `like` this: a variable says `3000` for the number.
    pub(crate) fn typed(&self, like: &toml::Value) -> toml::Value {
        let Self::Text(text) = self else {
            return self.shown(false);
        };
        let typed = if like.is_bool() {
            self.switch().map(toml::Value::Boolean)
        } else if like.is_integer() {
            self.integer().map(toml::Value::Integer)
        } else if like.is_array() {
            self.list()
                .map(|list| list.into_iter().map(toml::Value::from).collect::<Vec<_>>().into())
        } else {
            None
        };
        typed.unwrap_or_else(|| toml::Value::String(text.clone()))
    }
}

fn hidden() -> String {
    "[hidden]".to_owned()
}

/// A URL of the web as people may see it: what stands behind the host is often the secret itself.
pub(crate) fn host_only(url: &Url) -> String {
    let rest = if (url.path(), url.query()) == ("/", None) {
        ""
    } else {
        "[hidden]"
    };
    format!("{}/{rest}", url.origin().ascii_serialization())
}

/// A URL without its password. Any other text is hidden as a whole, since nobody knows what it is.
fn hide_password(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else {
        return hidden();
    };
    match url.scheme() {
        "sqlite" | "file" => return text.to_owned(),
        "http" | "https" => return host_only(&url),
        "postgres" | "postgresql" | "smtp" | "smtps" => {}
        _ => return hidden(),
    }
    let named = url.query_pairs().any(|(name, _)| name.eq_ignore_ascii_case("password"));
    if url.cannot_be_a_base() || (url.password().is_some() && url.set_password(Some("hidden")).is_err()) {
        return hidden();
    }
    if named {
        url.set_query(Some("hidden"));
    }
    url.into()
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nobody said anything.
    Default,
    /// Nobody said anything; it follows from another key.
    Derived(&'static str),
    /// A configuration file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A file that an environment variable names.
    VariableFile(String, PathBuf),
    /// An option of the command line.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("by default"),
            Self::Derived(key) => write!(f, "derived from {key}"),
            Self::File(path) => write!(f, "in {}", path.display()),
            Self::Variable(name) => write!(f, "in the variable {name}"),
            Self::VariableFile(name, path) => write!(f, "in the file {} named by {name}", path.display()),
            Self::Flag(flag) => write!(f, "given by {flag}"),
        }
    }
}
