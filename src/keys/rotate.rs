//! From one master key to the next.
//!
//! The next master key is written beside the current one before the keys are rewrapped, and takes its place after. The
//! database says which of the two files is current, so that a crash at any point leaves a pair that works: before the
//! commit it is the old file, from the commit on it is the one beside, which the next start puts in its place.

use std::{fs, io, path::Path};

use doorbook_projections::fault::Fault;

use super::{
    database::Database,
    error::KeysError,
    master::{self, MasterKey},
};

/// Extension of the file beside.
pub(super) const NEXT: &str = "next";

/// The master key whose proof the database keeps: the one that was read from the file, or the one beside it.
pub(super) fn current(read: &MasterKey, proof: &str) -> Result<MasterKey, KeysError> {
    if read.proves(proof) {
        return Ok(read.clone());
    }
    let file = read.file();
    match MasterKey::read(&master::beside(file, NEXT)) {
        Ok(Some(next)) if next.proves(proof) => promote(file)?,
        // Another process may have put it in its place since the file was read.
        _ => {}
    }
    match MasterKey::read(file)? {
        Some(master) if master.proves(proof) => Ok(master),
        _ => Err(KeysError::MasterWrong { file: file.into() }),
    }
}

/// Rewraps all keys under a new master key and puts it in the place of the old one, which is destroyed.
pub(super) async fn rotate(database: &Database, old: &MasterKey) -> Result<MasterKey, KeysError> {
    let new = MasterKey::random(old.file());
    rewrap(database, old, &new).await?;
    promote(old.file())?;
    database.scrub().await?;
    Ok(new)
}

/// Up to the commit. The file is written inside the transaction: of two rotations at once, the second is refused
/// before it touches the first one's file.
pub(super) async fn rewrap(database: &Database, old: &MasterKey, new: &MasterKey) -> Result<(), KeysError> {
    let next = master::beside(old.file(), NEXT);
    let write = || {
        new.write(&next)
            .map_err(Fault::because("keys.file: the next master key cannot be written"))
    };
    Ok(database.rewrap(old, new, write).await?)
}

/// Puts the next master key in its place. It may already be there: another process that starts now does the same.
fn promote(file: &Path) -> Result<(), KeysError> {
    let next = master::beside(file, NEXT);
    match master::rename(&next, file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && fs::exists(file).unwrap_or(false) => Ok(()),
        Err(source) => Err(KeysError::MasterUnwritable {
            file: file.into(),
            source,
        }),
        Ok(()) => Ok(()),
    }
}
