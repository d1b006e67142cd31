//! Mail that the service wrote into its data directory.

use std::{
    fs,
    time::{Duration, Instant},
};

use super::Service;

/// Longest time from an answer to its letter.
const PATIENCE: Duration = Duration::from_secs(30);

/// A message.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    /// The whole of it, with its lines joined that were only folded.
    text: String,
}

impl Mail {
    pub(super) fn read(raw: &str) -> Self {
        let text = if raw.contains("quoted-printable") {
            raw.replace("=\r\n", "").replace("=3D", "=")
        } else {
            raw.to_owned()
        };
        Self { text }
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> &str {
        let start = format!("{name}: ");
        let line = self.text.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.text))
    }

    /// Whether it has a link to this page.
    pub(crate) fn leads_to(&self, page: &str) -> bool {
        self.text.contains(&format!("/auth/{page}#token="))
    }

    /// Whether it says this.
    pub(crate) fn says(&self, words: &str) -> bool {
        self.text.contains(words)
    }

    /// The token of its link.
    pub(crate) fn token(&self) -> String {
        let (_, rest) = self.text.split_once("#token=").expect("a mail with a link");
        let end = rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '-' || letter == '_'));
        rest[..end.unwrap_or(rest.len())].to_owned()
    }
}

impl Service {
    /// Every mail that was written, oldest first.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        let files = fs::read_dir(self.data().join("mail"));
        let paths = files.into_iter().flatten().map(|file| file.unwrap().path());
        let mut paths: Vec<_> = paths
            .filter(|path| path.extension().is_some_and(|end| end == "eml"))
            .collect();
        paths.sort();
        paths
            .iter()
            .map(|path| Mail::read(&fs::read_to_string(path).unwrap()))
            .collect()
    }

    /// Waits until so many mails were written, and returns them: oldest first.
    pub(crate) async fn mails_until(&self, count: usize) -> Vec<Mail> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mails = self.mails();
            if mails.len() >= count {
                return mails;
            }
            assert!(Instant::now() < deadline, "{} of {count} mails: {mails:?}", mails.len());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits for the mail of this number, from 1 on.
    pub(crate) async fn mail(&self, number: usize) -> Mail {
        self.mails_until(number).await.swap_remove(number - 1)
    }
}
