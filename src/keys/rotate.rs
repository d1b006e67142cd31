//! From one master key to the next.
//!
//! The next master key is written beside the current one before the keys are rewrapped, and takes its place after. The
//! database says which of the two files is current, so that a crash at any point leaves a pair that works: before the
//! commit it is the old file, from the commit on it is the one beside, which the next start puts in its place.

use std::{fs, io, path::Path};

use doorbook_projections::fault::Fault;

use super::{
    database::Database,
    error::OpenError,
    master::{self, MasterKey},
};

/// Extension of the file beside.
pub(super) const NEXT: &str = "next";

/// The master key of the database whose proof is `proof`.
pub(super) fn current(file: &Path, proof: &str) -> Result<Option<MasterKey>, OpenError> {
    let next = master::beside(file, NEXT);
    if let Ok(Some(master)) = MasterKey::read(&next)
        && master.proves(proof)
    {
        promote(file)?;
        return Ok(Some(master));
    }
    match MasterKey::read(file)? {
        Some(master) if master.proves(proof) => Ok(Some(master)),
        Some(_) => Err(OpenError::MasterWrong { file: file.into() }),
        None => Ok(None),
    }
}

/// Rewraps all keys under a new master key and puts it in the place of the old one, which is destroyed.
pub(super) async fn rotate(database: &Database, old: &MasterKey, file: &Path) -> Result<MasterKey, OpenError> {
    let new = MasterKey::random()?;
    rewrap(database, old, &new, file).await?;
    promote(file)?;
    database.scrub().await?;
    Ok(new)
}

/// Up to the commit. The file is written inside the transaction: of two rotations at once, the second is refused
/// before it touches the first one's file.
pub(super) async fn rewrap(
    database: &Database,
    old: &MasterKey,
    new: &MasterKey,
    file: &Path,
) -> Result<(), OpenError> {
    let next = master::beside(file, NEXT);
    let write = || {
        new.write(&next)
            .map_err(Fault::because("keys.file: the next master key cannot be written"))
    };
    Ok(database.rewrap(old, new, write).await?)
}

/// Puts the next master key in its place. It may already be there: another process that starts now does the same.
fn promote(file: &Path) -> Result<(), OpenError> {
    let next = master::beside(file, NEXT);
    match master::rename(&next, file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && fs::exists(file).unwrap_or(false) => Ok(()),
        Err(source) => Err(OpenError::MasterUnwritable {
            file: file.into(),
            source,
        }),
        Ok(()) => Ok(()),
    }
}
