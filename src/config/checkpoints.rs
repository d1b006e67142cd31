//! `audit.checkpoint_*`: when the log is signed, and where that is kept besides.

use std::{path::PathBuf, time::Duration};

use url::Url;

use super::{get, layers::Layers, raw::Raw, setting::Setting};

/// `audit.checkpoint_*`.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    /// A checkpoint is signed at least so often.
    pub every: Duration,
    /// And after so many events at the latest.
    pub events: u32,
    /// Where copies go.
    pub elsewhere: Option<Elsewhere>,
}

/// A place that whoever may change the databases should not be able to change.
#[derive(Clone, PartialEq, Eq)]
pub enum Elsewhere {
    /// A directory, of another machine if possible.
    Directory(PathBuf),
    /// Takes each checkpoint by POST.
    Http(Url),
}

/// Shows no password.
impl std::fmt::Debug for Elsewhere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory(path) => write!(f, "Directory({})", path.display()),
            Self::Http(_) => f.write_str("Http(…)"),
        }
    }
}

impl Setting for Option<Elsewhere> {
    fn read(raw: &Raw) -> Result<Self, String> {
        let remedy = || "write `https://` or `http://` and an address, or `file:` and a directory".to_owned();
        let text = raw.text().ok_or_else(remedy)?;
        if text.is_empty() {
            return Ok(None);
        }
        if let Some(path) = text.strip_prefix("file:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            let directory = (!path.is_empty()).then(|| Some(Elsewhere::Directory(path.into())));
            return directory.ok_or_else(remedy);
        }
        let url = Url::parse(text).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        url.map(|url| Some(Elsewhere::Http(url))).ok_or_else(remedy)
    }
}

pub(super) fn read(layers: &mut Layers) -> Option<Checkpoints> {
    let (every, events) = (
        get(layers, "audit.checkpoint_every"),
        get(layers, "audit.checkpoint_events"),
    );
    let elsewhere = get(layers, "audit.checkpoint_url");
    Some(Checkpoints {
        every: every?,
        events: events?,
        elsewhere: elsewhere?,
    })
}

/// Limits.
pub(super) fn check(checkpoints: &Checkpoints, layers: &mut Layers) {
    if !(Duration::from_secs(1)..=Duration::from_hours(24)).contains(&checkpoints.every) {
        layers.complain("audit.checkpoint_every", "write a span from `1s` to `24h`");
    }
    if checkpoints.events == 0 {
        layers.complain("audit.checkpoint_events", "write at least 1");
    }
}

#[cfg(test)]
mod tests {
    use super::{Elsewhere, Raw, Setting};

    fn read(text: &str) -> Result<Option<Elsewhere>, String> {
        Option::<Elsewhere>::read(&Raw::Text(text.to_owned()))
    }

    #[test]
    fn directories_and_addresses_are_places_and_nothing_is_none() {
        assert_eq!(read(""), Ok(None));
        let directory = Some(Elsewhere::Directory("/mnt/worm".into()));
        assert_eq!(read("file:/mnt/worm"), Ok(directory.clone()));
        assert_eq!(read("file:///mnt/worm"), Ok(directory));
        assert!(matches!(
            read("https://witness.example.org/add"),
            Ok(Some(Elsewhere::Http(_)))
        ));
        for text in ["file:", "ftp://x", "https://", "/mnt/worm"] {
            assert!(read(text).unwrap_err().contains("file:"), "{text}");
        }
    }

    #[test]
    fn password_of_a_place_is_not_shown() {
        let place = read("https://ada:secret@witness.example.org/").unwrap();
        assert!(!format!("{place:?}").contains("secret"));
    }
}
