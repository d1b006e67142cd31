//! Values that get a type. A value that does not fit says what to write instead.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use tracing_subscriber::EnvFilter;

use super::{raw::Raw, span};

/// A type that a value of the configuration can have.
pub(crate) trait Setting: Sized {
    /// Reads it, or says what to write: an imperative without a full stop.
    fn read(raw: &Raw) -> Result<Self, String>;
}

fn wanted(what: &str) -> String {
    format!("write {what}")
}

impl Setting for SocketAddr {
    fn read(raw: &Raw) -> Result<Self, String> {
        raw.text()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| wanted("an address and a port, such as `127.0.0.1:8080`"))
    }
}

impl Setting for bool {
    fn read(raw: &Raw) -> Result<Self, String> {
        raw.switch().ok_or_else(|| wanted("`true` or `false`"))
    }
}

impl Setting for u32 {
    fn read(raw: &Raw) -> Result<Self, String> {
        raw.integer()
            .and_then(|number| number.try_into().ok())
            .ok_or_else(|| wanted("a whole number such as `2`"))
    }
}

impl Setting for usize {
    fn read(raw: &Raw) -> Result<Self, String> {
        raw.integer()
            .and_then(|number| number.try_into().ok())
            .ok_or_else(|| wanted("a whole number such as `65536`"))
    }
}

impl Setting for Duration {
    fn read(raw: &Raw) -> Result<Self, String> {
        raw.text()
            .and_then(span::parse)
            .ok_or_else(|| wanted("a span such as `14d`, `24h`, `30m` or `10s`"))
    }
}

/// A span with a sign, in microseconds.
impl Setting for i64 {
    fn read(raw: &Raw) -> Result<Self, String> {
        raw.text()
            .and_then(span::parse_signed)
            .ok_or_else(|| wanted("a span with a sign, such as `+15d` or `-2h`"))
    }
}

impl Setting for PathBuf {
    fn read(raw: &Raw) -> Result<Self, String> {
        raw.text()
            .filter(|text| !text.is_empty())
            .map(Self::from)
            .ok_or_else(|| wanted("a path such as `./data`"))
    }
}

/// A name of a cookie or a header: a token of RFC 9110.
#[derive(Debug)]
pub(crate) struct Token(pub(crate) String);

impl Setting for Token {
    fn read(raw: &Raw) -> Result<Self, String> {
        let fits = |text: &&str| {
            !text.is_empty()
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
        };
        raw.text()
            .filter(fits)
            .map(|text| Self(text.to_owned()))
            .ok_or_else(|| wanted("a name of letters, digits, `-` and `_`"))
    }
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// JSON where a service does not log to a terminal, text elsewhere.
    Auto,
    /// For people.
    Text,
    /// One object a line.
    Json,
}

impl Setting for LogFormat {
    fn read(raw: &Raw) -> Result<Self, String> {
        match raw.text() {
            Some("auto") => Ok(Self::Auto),
            Some("text") => Ok(Self::Text),
            Some("json") => Ok(Self::Json),
            _ => Err(wanted("`auto`, `text` or `json`")),
        }
    }
}

/// What is logged: directives of `tracing-subscriber`.
#[derive(Debug)]
pub(crate) struct Level(pub(crate) String);

impl Setting for Level {
    fn read(raw: &Raw) -> Result<Self, String> {
        raw.text()
            .filter(|text| !text.is_empty() && EnvFilter::try_new(text).is_ok())
            .map(|text| Self(text.to_owned()))
            .ok_or_else(|| wanted("`error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,sqlx=warn`"))
    }
}
