//! The configuration written out: as a template, and as it is in effect.

use std::fmt::Write as _;

use super::{
    Config,
    key::{Key, Preset},
};

const OPENING: &str = "\
# Doorbook's configuration: every key with its default. `doorbook config template` printed it.
#
# Stronger than this file are environment variables (`DOORBOOK__HTTP__LISTEN` sets `http.listen`; with `_FILE` at its end
# a variable names a file that holds the value), and options of the command line are stronger still. Lists in variables are
# separated by commas. A key that stands behind `#` follows from others until it is set.
";

/// Columns of a line of the template.
const WIDTH: usize = 118;

/// All keys with their documentation and their defaults, as TOML.
#[must_use]
pub fn template() -> String {
    let mut text = OPENING.to_owned();
    let mut section = "";
    for key in Key::all() {
        let (own, name) = key.parts();
        if own != section {
            section = own;
            text.push_str(&heading(key));
        }
        text.push_str(&comment(key.doc));
        let line = match key.default {
            Preset::Fixed(default) => format!("{name} = {default}\n"),
            Preset::Derived(text) | Preset::Example(text) => format!("# {name} = {text}\n"),
        };
        text.push_str(&line);
    }
    text
}

/// The line of a section. One that the operator would name is left to them.
fn heading(key: &Key) -> String {
    let (section, _) = key.parts();
    let hidden = if key.is_pattern() { "# " } else { "" };
    format!("\n{hidden}[{section}]\n")
}

fn comment(doc: &str) -> String {
    let mut text = "#".to_owned();
    let mut column = 1;
    for word in doc.split(' ') {
        if column + word.len() >= WIDTH {
            text.push_str("\n#");
            column = 1;
        }
        text.push(' ');
        text.push_str(word);
        column += word.len() + 1;
    }
    text.push('\n');
    text
}

/// A key's value in effect, without passwords, and where it comes from.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Effective {
    /// The key.
    pub key: String,
    /// Its value.
    pub value: toml::Value,
    /// Where the value comes from.
    pub source: String,
}

impl Config {
    /// Every key in effect, in the order of the template.
    #[must_use]
    pub fn effective(&self) -> Vec<Effective> {
        let entry = |(name, key, (raw, source)): &(String, &'static Key, super::layers::Found)| {
            let (Preset::Fixed(like) | Preset::Derived(like) | Preset::Example(like)) = key.default;
            let like = like.parse().ok().filter(|_| !key.secret);
            Effective {
                key: name.clone(),
                value: like.map_or_else(|| raw.shown(key.secret), |like| raw.typed(&like)),
                source: source.to_string(),
            }
        };
        self.found.iter().map(entry).collect()
    }

    /// The same as TOML, one dotted key a line with its source behind it.
    #[must_use]
    pub fn print(&self) -> String {
        self.effective().iter().fold(String::new(), |mut text, entry| {
            let line = format!("{} = {}", entry.key, entry.value);
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{line:<60} # {}", entry.source);
            text
        })
    }
}
