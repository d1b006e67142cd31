//! Directories and files that only their owner can read.

use std::{fs, path::Path};

use super::StartError;
use crate::{
    config::{Config, Database},
    sql,
};

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

/// Makes the file of an embedded database, that only its owner can read, unless it is there.
pub(crate) fn make_private(database: &Database) -> Result<(), StartError> {
    let Database::Sqlite(path) = database else {
        return Ok(());
    };
    sql::make_private(path).map_err(|source| StartError::File {
        path: path.display().to_string(),
        source,
    })
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
