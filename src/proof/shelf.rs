//! Files of checkpoints: one note each, never changed, easily copied elsewhere.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use doorbook_domain::time::Timestamp;
use doorbook_projections::fault::Fault;
use tokio::task::spawn_blocking;

use super::{checkpoint::Checkpoint, note::NOTE_MAX};

/// What names of checkpoints end with.
const EXTENSION: &str = "checkpoint";

/// A directory of checkpoints.
#[derive(Debug, Clone)]
pub struct Shelf(PathBuf);

/// A note that was found somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundNote {
    /// Where, for people.
    pub place: String,
    /// The note as it is there; not checked.
    pub note: String,
}

impl Shelf {
    /// Names the directory; it is made for the first checkpoint.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.0
    }

    /// Writes a checkpoint into a file of its own, readable for its owner only. When this returns it is on the disk. Again is
    /// harmless, and changes nothing.
    ///
    /// # Errors
    ///
    /// [`Fault`] when it cannot be written.
    pub async fn put(&self, checkpoint: &Checkpoint, note: &str) -> Result<(), Fault> {
        let at = checkpoint.at.to_utc().format("%Y%m%dT%H%M%S%6fZ");
        let name = format!("{:020}-{at}.{EXTENSION}", checkpoint.size);
        let (directory, note) = (self.0.clone(), note.to_owned());
        blocking(move || write(&directory, &name, &note)).await
    }

    /// Every note of the directory, by name, and so by size. One that does not exist is empty.
    ///
    /// # Errors
    ///
    /// [`Fault`] when it cannot be read.
    pub async fn all(&self) -> Result<Vec<FoundNote>, Fault> {
        let directory = self.0.clone();
        blocking(move || read_all(&directory)).await
    }

    /// Puts every checkpoint aside, into a directory below: they are of a log that a restore has taken back.
    ///
    /// # Errors
    ///
    /// [`Fault`] when they cannot be moved.
    pub async fn set_aside(&self, at: Timestamp) -> Result<(), Fault> {
        let below = self.0.join(at.to_utc().format("before-%Y%m%dT%H%M%SZ").to_string());
        let directory = self.0.clone();
        blocking(move || {
            for file in files(&directory)? {
                make(&below)?;
                if let Some(name) = file.file_name() {
                    fs::rename(&file, below.join(name))?;
                }
            }
            Ok(())
        })
        .await
    }
}

/// The notes at `path`: a file, or a directory of files.
///
/// # Errors
///
/// [`Fault`] when it cannot be read.
pub async fn notes_at(path: &Path) -> Result<Vec<FoundNote>, Fault> {
    let path = path.to_owned();
    blocking(move || {
        if path.is_dir() {
            read_all(&path)
        } else {
            Ok(vec![read(&path)?])
        }
    })
    .await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Fault> {
    spawn_blocking(work)
        .await
        .map_err(Fault::because("the work on the checkpoints crashed"))?
        .map_err(Fault::because("the files of checkpoints cannot be read or written"))
}

fn make(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

fn write(directory: &Path, name: &str, note: &str) -> io::Result<()> {
    make(directory)?;
    let (file, part) = (directory.join(name), directory.join(format!(".{name}.part")));
    if file.exists() {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    let mut opened = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)?;
    opened.write_all(note.as_bytes())?;
    opened.sync_all()?;
    fs::rename(&part, &file)?;
    File::open(directory)?.sync_all()
}

fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let hidden = path
            .file_name()
            .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.is_file() && !hidden {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn read_all(directory: &Path) -> io::Result<Vec<FoundNote>> {
    files(directory)?.iter().map(|file| read(file)).collect()
}

/// No more than a note can have: whatever else lies there is no checkpoint, and is said to be none.
fn read(file: &Path) -> io::Result<FoundNote> {
    let (mut bytes, most) = (Vec::new(), u64::try_from(NOTE_MAX).unwrap_or(u64::MAX));
    File::open(file)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(FoundNote {
        place: file.display().to_string(),
        note: String::from_utf8_lossy(&bytes).into_owned(),
    })
}
