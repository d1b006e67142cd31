//! Directories and files that only their owner can read.

use std::{fs, path::Path};

use super::StartError;
use crate::config::{Config, Database};

/// Makes the directories of everything that is embedded.
pub(crate) fn directories(config: &Config) -> Result<(), StartError> {
    make(&config.data.dir)?;
    for database in [&config.store, &config.keys.url] {
        if let Database::Sqlite(file) = database
            && let Some(parent) = file.parent()
        {
            make(parent)?;
        }
    }
    if let Database::Sqlite(directory) = &config.read {
        make(directory)?;
    }
    Ok(())
}

/// Makes the file of an embedded database, that only its owner can read, unless it is there. SQLite gives the files
/// beside it the same mode. A file that is there is not opened: closing it would end this process's locks on it.
pub(crate) fn make_private(database: &Database) -> Result<(), StartError> {
    let Database::Sqlite(path) = database else {
        return Ok(());
    };
    let mut options = fs::OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(StartError::File {
            path: path.display().to_string(),
            source,
        }),
    }
}

/// Makes a directory that only its owner can enter.
fn make(path: &Path) -> Result<(), StartError> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| StartError::Directory {
        path: path.display().to_string(),
        source,
    })
}
