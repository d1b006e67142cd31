//! Every key: the single source of names, defaults and documentation.
//!
//! The tables stand by section in the files beside this one: `service`, `accounts`, `throttle`, `audit`, `social` and
//! `webhooks`.

mod accounts;
mod audit;
mod service;
mod social;
mod throttle;
mod webhooks;

/// A key of the configuration.
#[derive(Debug)]
pub struct Key {
    /// Dotted: `http.listen`.
    pub name: &'static str,
    /// What holds where nobody says otherwise.
    pub default: Preset,
    /// Whether the value may contain a password: it is then never shown in full.
    pub secret: bool,
    /// What it means, for the template: sentences.
    pub doc: &'static str,
}

/// A default.
#[derive(Debug)]
pub enum Preset {
    /// A TOML value.
    Fixed(&'static str),
    /// Follows from other keys; the text shows what it is when those have their defaults.
    Derived(&'static str),
    /// Nothing: the key belongs to something that the operator names. The text shows what one may write.
    Example(&'static str),
}

const fn key(name: &'static str, default: &'static str, doc: &'static str) -> Key {
    Key {
        name,
        default: Preset::Fixed(default),
        secret: false,
        doc,
    }
}

const fn derived(name: &'static str, default: &'static str, doc: &'static str) -> Key {
    Key {
        name,
        default: Preset::Derived(default),
        secret: false,
        doc,
    }
}

const fn each(name: &'static str, example: &'static str, doc: &'static str) -> Key {
    Key {
        name,
        default: Preset::Example(example),
        secret: false,
        doc,
    }
}

const fn secret(key: Key) -> Key {
    Key { secret: true, ..key }
}

impl Key {
    /// Every key, in the order of the template.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        TABLES.iter().copied().flatten()
    }

    /// Finds a key by its name. Where a key has a place for a name, any name fits that is one.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        Self::all().find(|key| match key.name.split_once(NAME) {
            Some((before, after)) => name
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after))
                .is_some_and(is_name),
            None => key.name == name,
        })
    }

    /// Whether it has a place for a name: `social.<name>.kind`.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        self.name.contains(NAME)
    }

    /// The key with the name that `like` has in its place, so that both can be compared.
    pub(crate) fn beside(&self, like: &str) -> String {
        let name = self
            .name
            .split_once(NAME)
            .and_then(|(before, _)| like.strip_prefix(before)?.split('.').next());
        name.map_or_else(|| self.name.to_owned(), |name| self.name.replace(NAME, name))
    }

    /// The key that a variable sets, and its name: `DOORBOOK__SOCIAL__GITHUB__KIND` sets `social.github.kind`.
    pub(crate) fn of_variable(variable: &str) -> Option<(&'static Self, String)> {
        if let Some(key) = Self::all().find(|key| key.variable() == variable) {
            return Some((key, key.name.to_owned()));
        }
        let name = variable.strip_prefix(PREFIX)?.replace("__", ".").to_lowercase();
        let key = Self::find(&name).filter(|key| key.is_pattern())?;
        (variable == variable.to_uppercase()).then_some((key, name))
    }

    /// The section it stands in and its name there: `password.argon2`, `iterations`.
    #[must_use]
    pub fn parts(&self) -> (&'static str, &'static str) {
        self.name.rsplit_once('.').unwrap_or(("", self.name))
    }

    /// The environment variable that sets it: `DOORBOOK__HTTP__LISTEN`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.replace('.', "__").to_uppercase())
    }
}

/// The tables, in the order of the template.
static TABLES: [&[Key]; 7] = [
    service::PLACES,
    accounts::ACCOUNTS,
    throttle::THROTTLE,
    audit::AUDIT,
    service::RUNNING,
    social::SOCIAL,
    webhooks::WEBHOOKS,
];

/// What every variable begins with.
pub(crate) const PREFIX: &str = "DOORBOOK__";
/// Stands in a key for a name that the operator chooses.
const NAME: &str = "<name>";

/// Whether `text` can name something: a small letter, then up to 31 small letters, digits, `-` and `_`.
pub(crate) fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    text.len() <= 32 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(fits)
}
