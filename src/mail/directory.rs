//! Into a directory: one `.eml` for each message.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use doorbook_domain::{email::EmailAddress, time::Timestamp};
use doorbook_openapi::app::{Mail, MailEntry};
use doorbook_projections::fault::Fault;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::eml::Eml;

/// Longest message that is read back, in bytes. Those of the program have a few thousand.
const LONGEST: u64 = 1024 * 1024;

/// A directory of messages. Their names sort by time.
#[derive(Debug, Clone)]
pub struct Directory(PathBuf);

impl Directory {
    /// Makes the directory, which only its owner can enter, unless it is there.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn open(path: &Path) -> io::Result<Self> {
        if !path.is_dir() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        }
        Ok(Self(path.to_owned()))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Deletes what a crash left unfinished; it is written again under another name. Nobody may be storing meanwhile.
    ///
    /// # Errors
    ///
    /// When something cannot be deleted.
    pub fn tidy(&self) -> io::Result<()> {
        self.unfinished()?
            .into_iter()
            .try_for_each(|file| remove(&self.0.join(file)))
    }

    /// Stores a message, readable for its owner only. It is there as a whole or not at all; again under the same `key` and
    /// `name` it takes the place of the first.
    ///
    /// # Errors
    ///
    /// [`Fault`] when it cannot be written.
    pub async fn store(&self, at: Timestamp, key: Uuid, name: &'static str, message: Vec<u8>) -> Result<(), Fault> {
        let directory = self.clone();
        blocking(move || directory.write(at, &format!("{}-{name}", key.simple()), &message)).await
    }

    fn write(&self, at: Timestamp, name: &str, message: &[u8]) -> io::Result<()> {
        let earlier = self.files()?.into_iter().find(|file| file.contains(name));
        let file = earlier.unwrap_or_else(|| format!("{}-{name}.eml", at.to_utc().format("%Y%m%dT%H%M%S%6fZ")));
        let unfinished = self.0.join(format!(".{file}.part"));
        let mut options = OpenOptions::new();
        let mut written = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)?;
        written.write_all(message)?;
        written.sync_all()?;
        fs::rename(&unfinished, self.0.join(file))?;
        fs::File::open(&self.0)?.sync_all()
    }

    /// Deletes every message to an address, however it was spelt, and returns how many there were. What is unfinished goes
    /// too, unless it is seen to be to somebody else.
    ///
    /// # Errors
    ///
    /// [`Fault`] when one of them cannot be deleted.
    pub async fn forget(&self, address: &EmailAddress) -> Result<usize, Fault> {
        let (directory, address) = (self.clone(), address.clone());
        blocking(move || directory.delete(&address)).await
    }

    fn delete(&self, address: &EmailAddress) -> io::Result<usize> {
        let mut deleted = 0;
        for file in self.files()? {
            let Some(message) = self.read(&file)? else { continue };
            let to = Eml::parse(&message).to().and_then(|to| EmailAddress::parse(&to).ok());
            if to.as_ref() == Some(address) {
                fs::remove_file(self.0.join(file))?;
                deleted += 1;
            }
        }
        for file in self.unfinished()? {
            let Some(message) = self.read(&file)? else { continue };
            let whole = message.windows(4).any(|four| four == b"\r\n\r\n");
            let to = Eml::parse(&message).to().and_then(|to| EmailAddress::parse(&to).ok());
            if !whole || to.as_ref() == Some(address) {
                remove(&self.0.join(file))?;
            }
        }
        fs::File::open(&self.0)?.sync_all()?;
        Ok(deleted)
    }

    /// The latest messages, at most `limit`, newest first.
    ///
    /// # Errors
    ///
    /// [`Fault`] when they cannot be read.
    pub async fn list(&self, limit: usize) -> Result<Vec<MailEntry>, Fault> {
        let directory = self.clone();
        blocking(move || {
            let mut files = directory.files()?;
            files.sort_unstable_by(|one, other| other.cmp(one));
            let mut entries = Vec::new();
            for file in files.into_iter().take(limit) {
                let Some(message) = directory.read(&file)? else {
                    continue;
                };
                entries.push(entry(&file, &Eml::parse(&message)));
            }
            Ok(entries)
        })
        .await
    }

    /// One message; `None` when there is none of that name.
    ///
    /// # Errors
    ///
    /// [`Fault`] when it cannot be read.
    pub async fn find(&self, id: &str) -> Result<Option<Mail>, Fault> {
        let (directory, wanted) = (self.clone(), format!("{id}.eml"));
        blocking(move || {
            // Only what was listed is opened: an id is no path.
            let Some(file) = directory.files()?.into_iter().find(|file| *file == wanted) else {
                return Ok(None);
            };
            let Some(message) = directory.read(&file)? else {
                return Ok(None);
            };
            let eml = Eml::parse(&message);
            Ok(Some(Mail {
                entry: entry(&file, &eml),
                text: eml.part("text/plain"),
                html: eml.part("text/html"),
            }))
        })
        .await
    }

    fn files(&self) -> io::Result<Vec<String>> {
        self.names(|name| !name.starts_with('.') && name.ends_with(".eml"))
    }

    /// What is being written, or was when the service crashed.
    fn unfinished(&self) -> io::Result<Vec<String>> {
        self.names(|name| name.starts_with('.') && name.ends_with(".eml.part"))
    }

    fn names(&self, fits: impl Fn(&str) -> bool) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            names.extend(entry?.file_name().to_str().filter(|name| fits(name)).map(str::to_owned));
        }
        Ok(names)
    }

    /// A message; `None` when somebody deleted it meanwhile, or when it is none of ours.
    fn read(&self, file: &str) -> io::Result<Option<Vec<u8>>> {
        let path = self.0.join(file);
        match fs::metadata(&path) {
            Ok(metadata) if metadata.len() > LONGEST => Ok(None),
            Ok(_) => fs::read(path).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        // Somebody was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

fn entry(file: &str, eml: &Eml<'_>) -> MailEntry {
    MailEntry {
        id: file.trim_end_matches(".eml").to_owned(),
        to: eml.to().unwrap_or_default(),
        subject: eml.header("subject").unwrap_or_default(),
        date: eml.header("date").unwrap_or_default(),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Fault> {
    spawn_blocking(work)
        .await
        .map_err(Fault::because("the work on the mail directory crashed"))?
        .map_err(Fault::because("the mail directory cannot be used"))
}

#[cfg(test)]
mod tests;
