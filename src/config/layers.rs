//! Finds every value, the strongest source last: defaults, file, environment, flags.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use super::{
    error::ConfigError,
    key::{KEYS, Key, Preset},
    mail,
    nearest::nearest,
    raw::{Raw, Source},
};

/// The file that is read from the working directory when none is named.
const USUAL_FILE: &str = "doorbook.toml";
const PREFIX: &str = "DOORBOOK__";

/// Where to look for values.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file that was asked for. Without it, `doorbook.toml` of the working directory, if there is one.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Options of the command line: flag, key, value.
    pub flags: Vec<(&'static str, String, String)>,
}

impl Sources {
    /// What this process was given.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>, flags: Vec<(&'static str, String, String)>) -> Self {
        Self {
            file,
            environment: std::env::vars_os().collect(),
            flags,
        }
    }
}

/// A value and where it was found.
pub(crate) type Found = (Raw, Source);

/// Every value that was found.
#[derive(Debug)]
pub(crate) struct Layers {
    values: BTreeMap<&'static str, Found>,
    wrong: Vec<String>,
}

impl Layers {
    /// Reads all sources. What is wrong with them is kept, to be reported with everything else.
    pub(crate) fn gather(sources: &Sources) -> Result<Self, ConfigError> {
        let mut layers = Self {
            values: BTreeMap::new(),
            wrong: Vec::new(),
        };
        layers.defaults()?;
        match &sources.file {
            Some(path) => layers.file(path)?,
            None if Path::new(USUAL_FILE).exists() => layers.file(Path::new(USUAL_FILE))?,
            None => {}
        }
        layers.environment(&sources.environment);
        for (flag, key, value) in &sources.flags {
            layers.set(key, Raw::Text(value.clone()), Source::Flag(flag));
        }
        layers.derive();
        Ok(layers)
    }

    fn defaults(&mut self) -> Result<(), ConfigError> {
        for key in KEYS {
            if let Preset::Fixed(literal) = key.default {
                let value = literal
                    .parse()
                    .map_err(|error| ConfigError::one(format!("the default of `{}` is broken: {error}", key.name)))?;
                self.values.insert(key.name, (Raw::Toml(value), Source::Default));
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = fs::read_to_string(path).map_err(|error| {
            ConfigError::one(format!(
                "the configuration file {} cannot be read: {error}",
                path.display()
            ))
        })?;
        let table: toml::Table = toml::from_str(&text).map_err(|error| {
            let line = error
                .span()
                .and_then(|span| text.get(..span.start))
                .map_or(1, |before| before.matches('\n').count() + 1);
            let what = error.message().replace('\n', ", ");
            ConfigError::one(format!("{} is not TOML, see line {line}: {what}", path.display()))
        })?;
        self.table("", table, path);
        Ok(())
    }

    fn table(&mut self, prefix: &str, table: toml::Table, path: &Path) {
        for (name, value) in table {
            let name = if prefix.is_empty() {
                name
            } else {
                format!("{prefix}.{name}")
            };
            if let toml::Value::Table(inner) = value {
                self.table(&name, inner, path);
            } else {
                self.set(&name, Raw::Toml(value), Source::File(path.to_owned()));
            }
        }
    }

    fn environment(&mut self, variables: &[(OsString, OsString)]) {
        let mut ours: Vec<(&str, &OsString)> = variables
            .iter()
            .filter_map(|(name, value)| Some((name.to_str()?, value)))
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        ours.sort_unstable();
        for (name, value) in ours {
            let Some(value) = value.to_str() else {
                self.wrong
                    .push(format!("the variable {name} is not UTF-8: write it anew"));
                continue;
            };
            self.variable(name, value);
        }
    }

    fn variable(&mut self, name: &str, value: &str) {
        let of = |name: &str| KEYS.iter().find(|key| key.variable() == name);
        if let Some(key) = of(name) {
            let source = Source::Variable(name.to_owned());
            return self.put(key.name, Raw::Text(value.to_owned()), source);
        }
        let Some(key) = name.strip_suffix("_FILE").and_then(of) else {
            let known: Vec<String> = KEYS.iter().map(Key::variable).collect();
            let hint = nearest(name, known.iter().map(String::as_str));
            return self.wrong.push(unknown(&format!("the variable {name}"), hint));
        };
        if matches!(self.values.get(key.name), Some((_, Source::Variable(_)))) {
            return self.wrong.push(format!(
                "`{}` is set twice, by {} and by {name}: remove one of the two",
                key.name,
                key.variable()
            ));
        }
        let path = PathBuf::from(value);
        match fs::read_to_string(&path) {
            Ok(text) => self.put(
                key.name,
                Raw::Text(text.trim_end_matches(['\r', '\n']).to_owned()),
                Source::VariableFile(name.to_owned(), path),
            ),
            Err(error) => self.wrong.push(format!(
                "`{}` stands in the file {value} according to {name}, which cannot be read ({error}): name a readable file",
                key.name
            )),
        }
    }

    fn set(&mut self, name: &str, raw: Raw, source: Source) {
        if let Some(key) = Key::find(name) {
            return self.put(key.name, raw, source);
        }
        let hint = nearest(name, KEYS.iter().map(|key| key.name));
        self.wrong.push(unknown(&format!("the key `{name}` {source}"), hint));
    }

    fn put(&mut self, key: &'static str, raw: Raw, source: Source) {
        self.values.insert(key, (raw, source));
    }

    /// Fills in what follows from other keys.
    fn derive(&mut self) {
        let under = |layers: &Self, scheme: &str, name: &str| {
            let dir = layers
                .values
                .get("data.dir")
                .and_then(|(raw, _)| raw.text())
                .unwrap_or("");
            Raw::Text(format!("{scheme}{dir}/{name}"))
        };
        let postgres = |layers: &Self, key: &str| {
            let (raw, _) = layers.values.get(key)?;
            raw.text()
                .is_some_and(|url| url.starts_with("postgres"))
                .then(|| raw.clone())
        };
        self.fall_back("store.url", "data.dir", under(self, "sqlite:", "log.db"));
        match postgres(self, "store.url") {
            Some(url) => self.fall_back("read.url", "store.url", url),
            None => self.fall_back("read.url", "data.dir", under(self, "sqlite:", "read")),
        }
        match postgres(self, "read.url") {
            Some(url) => self.fall_back("keys.url", "read.url", url),
            None => self.fall_back("keys.url", "data.dir", under(self, "sqlite:", "keys.db")),
        }
        self.fall_back("keys.file", "data.dir", under(self, "", "master.key"));
        self.fall_back("data.erasures", "data.dir", under(self, "", "erasures.ndjson"));
        self.fall_back("mail.url", "data.dir", under(self, "file:", "mail"));
        let own = self
            .values
            .get("http.public_url")
            .and_then(|(raw, _)| raw.text())
            .unwrap_or_default();
        let (sender, base) = (Raw::Text(mail::usual_sender(own)), Raw::Text(own.to_owned()));
        self.fall_back("mail.from", "http.public_url", sender);
        self.fall_back("mail.link_base", "http.public_url", base);
        self.fall_back("clock.offset", "the system", Raw::Text("0s".to_owned()));
    }

    fn fall_back(&mut self, key: &'static str, from: &'static str, raw: Raw) {
        self.values.entry(key).or_insert((raw, Source::Derived(from)));
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Found> {
        self.values.get(key)
    }

    /// Notes what is wrong with a key's value, and what to do about it.
    pub(crate) fn complain(&mut self, key: &str, remedy: &str) {
        let secret = Key::find(key).is_some_and(|key| key.secret);
        let sentence = match self.values.get(key) {
            Some((raw, source)) => format!("`{key}` {source} is {}: {remedy}", raw.shown(secret)),
            None => format!("`{key}` is missing: {remedy}"),
        };
        self.wrong.push(sentence);
    }

    /// Takes everything that was found wrong so far.
    pub(crate) fn take_wrong(&mut self) -> Vec<String> {
        std::mem::take(&mut self.wrong)
    }

    /// Every value, in the order of the template.
    pub(crate) fn into_found(mut self) -> Vec<(&'static Key, Found)> {
        KEYS.iter()
            .filter_map(|key| Some((key, self.values.remove(key.name)?)))
            .collect()
    }
}

fn unknown(what: &str, hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("{what} is unknown: did you mean `{hint}`? `doorbook config template` lists all keys"),
        None => format!("{what} is unknown: remove it, or see `doorbook config template` for all keys"),
    }
}
