//! Finds every value, the strongest source last: defaults, file, environment, flags.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use super::{
    error::ConfigError,
    key::{Key, PREFIX, Preset},
    mail,
    nearest::nearest,
    raw::{Raw, Source},
};

/// The file that is read from the working directory when none is named.
const USUAL_FILE: &str = "doorbook.toml";

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
    values: BTreeMap<String, Found>,
    wrong: Vec<String>,
    /// Keys whose value stands in a file that cannot be read: that was complained about.
    unreadable: BTreeSet<String>,
}

impl Layers {
    /// Reads all sources. What is wrong with them is kept, to be reported with everything else.
    pub(crate) fn gather(sources: &Sources) -> Result<Self, ConfigError> {
        let mut layers = Self {
            values: BTreeMap::new(),
            wrong: Vec::new(),
            unreadable: BTreeSet::new(),
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
        for key in Key::all() {
            if let Preset::Fixed(literal) = key.default {
                let value = literal
                    .parse()
                    .map_err(|error| ConfigError::one(format!("the default of `{}` is broken: {error}", key.name)))?;
                self.put(key.name, Raw::Toml(value), Source::Default);
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
        if let Some((_, key)) = Key::of_variable(name) {
            let source = Source::Variable(name.to_owned());
            return self.put(&key, Raw::Text(value.to_owned()), source);
        }
        let Some((_, key)) = name.strip_suffix("_FILE").and_then(Key::of_variable) else {
            let known: Vec<String> = Key::all().map(Key::variable).collect();
            let hint = nearest(name, known.iter().map(String::as_str));
            return self.wrong.push(unknown(&format!("the variable {name}"), hint));
        };
        if let Some((_, Source::Variable(other))) = self.values.get(&key) {
            let sentence = format!("`{key}` is set twice, by {other} and by {name}: remove one of the two");
            return self.wrong.push(sentence);
        }
        let path = PathBuf::from(value);
        match fs::read_to_string(&path) {
            Ok(text) => self.put(
                &key,
                Raw::Text(text.trim_end_matches(['\r', '\n']).to_owned()),
                Source::VariableFile(name.to_owned(), path),
            ),
            Err(error) => {
                self.wrong.push(format!(
                    "`{key}` stands in the file {value} according to {name}, which cannot be read ({error}): name a readable file"
                ));
                self.unreadable.insert(key);
            }
        }
    }

    fn set(&mut self, name: &str, raw: Raw, source: Source) {
        if Key::find(name).is_some() {
            return self.put(name, raw, source);
        }
        let known: Vec<String> = Key::all().map(|key| key.beside(name)).collect();
        let hint = nearest(name, known.iter().map(String::as_str));
        self.wrong.push(unknown(&format!("the key `{name}` {source}"), hint));
    }

    fn put(&mut self, key: &str, raw: Raw, source: Source) {
        self.values.insert(key.to_owned(), (raw, source));
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
        let page = Raw::Text(own.to_owned());
        let (sender, base) = (Raw::Text(mail::usual_sender(own)), Raw::Text(own.to_owned()));
        self.fall_back("mail.from", "http.public_url", sender);
        self.fall_back("mail.link_base", "http.public_url", base);
        self.fall_back("social.page_url", "http.public_url", page);
        self.fall_back("clock.offset", "the system", Raw::Text("0s".to_owned()));
    }

    fn fall_back(&mut self, key: &'static str, from: &'static str, raw: Raw) {
        self.values
            .entry(key.to_owned())
            .or_insert((raw, Source::Derived(from)));
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Found> {
        self.values.get(key)
    }

    /// The names that stand in keys between `section` and another part, each once: `github` of `social.github.kind`.
    pub(crate) fn names(&self, section: &str) -> Vec<String> {
        let found = self.values.keys().filter_map(|key| {
            let (name, _) = key.strip_prefix(section)?.strip_prefix('.')?.split_once('.')?;
            Some(name.to_owned())
        });
        let mut names: Vec<String> = found.collect();
        names.dedup();
        names
    }

    /// Notes what is wrong with a key's value, and what to do about it, unless nobody could read what was written.
    pub(crate) fn complain(&mut self, key: &str, remedy: &str) {
        if self.unreadable.contains(key) {
            return;
        }
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

    /// Every value, in the order of the template; what the operator named comes by its name.
    pub(crate) fn into_found(self) -> Vec<(String, &'static Key, Found)> {
        let place = |key: &'static Key| Key::all().position(|other| std::ptr::eq(key, other));
        let mut found: Vec<(String, &'static Key, Found)> = self
            .values
            .into_iter()
            .filter_map(|(name, value)| Some((Key::find(&name)?, name, value)))
            .map(|(key, name, value)| (name, key, value))
            .collect();
        found.sort_by_key(|(name, key, _)| {
            let own = key
                .is_pattern()
                .then(|| name.rsplit_once('.').map(|(section, _)| section.to_owned()));
            (own, place(key))
        });
        found
    }
}

fn unknown(what: &str, hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("{what} is unknown: did you mean `{hint}`? `doorbook config template` lists all keys"),
        None => format!("{what} is unknown: remove it, or see `doorbook config template` for all keys"),
    }
}
