//! The list of erased users, and of months that were forgotten: a file outside of the databases, which a restore of older
//! databases applies again.
//!
//! A line says who was erased and which claims and keys went with it: ids and HMACs, nothing that names a person; or which
//! month is no longer known. It is on the disk before an erasure is answered, and is only ever appended to.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use doorbook_domain::{id::UserId, seal::ClaimId};
use doorbook_projections::fault::Fault;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

/// Who was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// The user.
    pub user: UserId,
    /// The claims that it held.
    pub claims: Vec<ClaimId>,
    /// Names of the keys that were destroyed.
    pub keys: Vec<String>,
}

/// A month of which IP addresses and user agents are no longer known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// The name of its key: `month-2026-11`.
    pub month: String,
}

/// A line.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Erased(Erased),
    Forgotten(Forgotten),
}

/// What a list says.
#[derive(Debug, Default)]
pub struct Listed {
    /// In the order in which they were erased.
    pub erased: Vec<Erased>,
    /// In the order in which they were forgotten.
    pub forgotten: Vec<Forgotten>,
    /// Lines that say nothing: a crash cut them off, and their erasure was not answered.
    pub torn: usize,
}

/// The file `data.erasures`.
#[derive(Debug, Clone)]
pub struct Erasures {
    file: PathBuf,
}

impl Erasures {
    /// Names the file; it is made when somebody is erased.
    #[must_use]
    pub fn new(file: &Path) -> Self {
        Self { file: file.to_owned() }
    }

    /// Appends a line, unless it stands there already. When this returns it is on the disk.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the file cannot be written.
    pub async fn note(&self, erased: &Erased) -> Result<(), Fault> {
        self.append(erased).await
    }

    /// As [`Self::note`], of a month.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the file cannot be written.
    pub async fn note_month(&self, forgotten: &Forgotten) -> Result<(), Fault> {
        self.append(forgotten).await
    }

    async fn append(&self, line: &impl Serialize) -> Result<(), Fault> {
        let line = serde_json::to_string(line).map_err(Fault::because("an erasure has no JSON"))?;
        let file = self.file.clone();
        spawn_blocking(move || append(&file, &line))
            .await
            .map_err(Fault::because("the work on the list of erasures crashed"))?
            .map_err(Fault::because("data.erasures: the list of erasures cannot be written"))
    }

    /// Reads the list; one that does not exist is empty.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the file cannot be read.
    pub async fn read(&self) -> Result<Listed, Fault> {
        let file = self.file.clone();
        spawn_blocking(move || read(&file))
            .await
            .map_err(Fault::because("the work on the list of erasures crashed"))?
            .map_err(Fault::because("data.erasures: the list of erasures cannot be read"))
    }
}

/// The command line may append at the same time as the service: the file is locked meanwhile.
fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.create(true).read(true).append(true).mode(0o600).open(path)?;
    file.lock()?;
    if !BufReader::new(&file)
        .lines()
        .map_while(Result::ok)
        .any(|known| known == line)
    {
        let mut text = String::new();
        if !ends_a_line(&mut file)? {
            text.push('\n');
        }
        text.push_str(line);
        text.push('\n');
        file.write_all(text.as_bytes())?;
    }
    file.sync_all()?;
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => File::open(directory)?.sync_all(),
        _ => Ok(()),
    }
}

/// Whether the file is empty or its last byte ends a line.
fn ends_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn read(path: &Path) -> io::Result<Listed> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let mut listed = Listed::default();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match serde_json::from_str(line) {
            Ok(Line::Erased(erased)) => listed.erased.push(erased),
            Ok(Line::Forgotten(forgotten)) => listed.forgotten.push(forgotten),
            Err(_) => listed.torn += 1,
        }
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn erased(user: u128) -> Erased {
        Erased {
            user: UserId(Uuid::from_u128(user)),
            claims: vec![ClaimId("email-00ff".into())],
            keys: vec![format!("user-{}", Uuid::from_u128(user))],
        }
    }

    #[tokio::test]
    async fn erasure_that_is_noted_twice_stands_there_once() {
        let directory = tempfile::tempdir().unwrap();
        let list = Erasures::new(&directory.path().join("erasures"));
        assert!(list.read().await.unwrap().erased.is_empty());
        for user in [1, 2, 1] {
            list.note(&erased(user)).await.unwrap();
        }
        assert_eq!(list.read().await.unwrap().erased, [erased(1), erased(2)]);
    }

    #[tokio::test]
    async fn months_stand_in_the_list_beside_users() {
        let directory = tempfile::tempdir().unwrap();
        let list = Erasures::new(&directory.path().join("erasures"));
        let month = Forgotten {
            month: "month-2026-11".to_owned(),
        };
        list.note_month(&month).await.unwrap();
        list.note(&erased(1)).await.unwrap();
        list.note_month(&month).await.unwrap();
        let listed = list.read().await.unwrap();
        assert_eq!(
            (listed.erased, listed.forgotten, listed.torn),
            (vec![erased(1)], vec![month], 0)
        );
    }

    #[tokio::test]
    async fn line_that_a_crash_cut_off_spoils_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("erasures");
        let list = Erasures::new(&file);
        list.note(&erased(1)).await.unwrap();
        let mut text = fs::read_to_string(&file).unwrap();
        text.push_str("{\"user\":\"00");
        fs::write(&file, text).unwrap();
        list.note(&erased(2)).await.unwrap();
        let listed = list.read().await.unwrap();
        assert_eq!(listed.erased, [erased(1), erased(2)]);
        assert_eq!(listed.torn, 1);
    }

    #[tokio::test]
    async fn list_that_cannot_be_written_is_a_fault() {
        let directory = tempfile::tempdir().unwrap();
        let list = Erasures::new(&directory.path().join("nowhere").join("erasures"));
        assert!(list.note(&erased(1)).await.is_err());
    }
}
