//! Into a directory: one `.eml` for each message.

use std::{
    fs::{self, File, OpenOptions},
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

/// How the name of a message ends that is being written.
const UNFINISHED: &str = "part";
/// Who makes a message has it shared, who deletes some has it alone: in this process and in others.
const LOCK: &str = ".lock";

/// A directory of messages. Their names sort by time.
#[derive(Debug, Clone)]
pub struct Directory(PathBuf);

/// Somebody makes a message. Until this is dropped, nothing is deleted.
#[derive(Debug)]
pub struct Making(#[expect(dead_code, reason = "the open file is the lock")] File);

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

    /// Deletes what a crash left unfinished; what is still owed is written again. Waits for what is being made.
    ///
    /// # Errors
    ///
    /// When something cannot be deleted.
    pub fn tidy(&self) -> io::Result<()> {
        let lock = self.lock()?;
        lock.lock()?;
        self.delete_unfinished()
    }

    /// Waits until nothing is being deleted, and keeps it so. Taken before an address is looked up and held until its message is
    /// stored, it lets nobody be forgotten in between.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the lock cannot be had.
    pub async fn making(&self) -> Result<Making, Fault> {
        let directory = self.clone();
        blocking(move || {
            let lock = directory.lock()?;
            lock.lock_shared()?;
            Ok(Making(lock))
        })
        .await
    }

    fn lock(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        options.open(self.0.join(LOCK))
    }

    /// Stores a message, readable for its owner only. It is there as a whole or not at all; again under the same `at`, `key`
    /// and `name` it takes the place of the first.
    ///
    /// # Errors
    ///
    /// [`Fault`] when it cannot be written.
    pub async fn store(&self, at: Timestamp, key: Uuid, name: &'static str, message: Vec<u8>) -> Result<(), Fault> {
        let directory = self.clone();
        blocking(move || directory.write(at, &format!("{}-{name}", key.simple()), &message)).await
    }

    fn write(&self, at: Timestamp, name: &str, message: &[u8]) -> io::Result<()> {
        let file = format!("{}-{name}.eml", at.to_utc().format("%Y%m%dT%H%M%S%6fZ"));
        let unfinished = self.0.join(format!(".{file}.{UNFINISHED}"));
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
        File::open(&self.0)?.sync_all()
    }

    /// Deletes every message to an address, however it was spelt, and returns how many there were. Waits for those that are
    /// being made. What a crash left unfinished goes, too.
    ///
    /// # Errors
    ///
    /// [`Fault`] when one of them cannot be deleted.
    pub async fn forget(&self, address: &EmailAddress) -> Result<usize, Fault> {
        let (directory, address) = (self.clone(), address.clone());
        blocking(move || directory.delete(&address)).await
    }

    fn delete(&self, address: &EmailAddress) -> io::Result<usize> {
        let lock = self.lock()?;
        lock.lock()?;
        self.delete_unfinished()?;
        let mut deleted = 0;
        for file in self.files()? {
            let Some(message) = self.read(&file)? else { continue };
            let to = Eml::parse(&message).to().and_then(|to| EmailAddress::parse(&to).ok());
            if to.as_ref() == Some(address) {
                fs::remove_file(self.0.join(file))?;
                deleted += 1;
            }
        }
        File::open(&self.0)?.sync_all()?;
        drop(lock);
        Ok(deleted)
    }

    fn delete_unfinished(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.0)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == UNFINISHED) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
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
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let path = PathBuf::from(entry?.file_name());
            // The name of an unfinished one ends otherwise.
            if path.extension().is_some_and(|extension| extension == "eml")
                && let Some(name) = path.to_str()
            {
                files.push(name.to_owned());
            }
        }
        Ok(files)
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
