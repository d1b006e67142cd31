//! `doorbook migrate`, and how the program ends when something does not open.

use super::{exit::Failure, output::Output};
use crate::{
    config::Config,
    keys::KeysError,
    lock::LockError,
    open::{self, StartError},
    store::{OpenError, Store},
};

/// `doorbook migrate`
pub(crate) async fn migrate(config: &Config, output: &Output) -> Result<(), Failure> {
    open::directories(config)?;
    let migrated = Store::migrate(&open::store_url(&config.store)?).await?;
    let value = serde_json::json!({"from": migrated.from, "to": migrated.to});
    output.value(&value, || {
        if migrated.from == migrated.to {
            format!("The log has schema {} already.", migrated.to)
        } else {
            format!("The log went from schema {} to {}.", migrated.from, migrated.to)
        }
    })?;
    Ok(())
}

/// The code that the program ends with when it does not start.
pub(crate) const fn code(error: &StartError) -> u8 {
    match error {
        StartError::Store(error) => store_code(error),
        StartError::Keys(KeysError::Unreachable(_)) | StartError::Lock(LockError::Unreachable(_)) => 4,
        StartError::Lock(LockError::DirectoryInUse(_) | LockError::DatabaseInUse) | StartError::Listen { .. } => 75,
        StartError::Keys(KeysError::Failed(_)) | StartError::Read(_) | StartError::Fault(_) => 1,
        StartError::Directory { .. }
        | StartError::File { .. }
        | StartError::StoreUrl(_)
        | StartError::Lock(LockError::Unwritable { .. })
        | StartError::Keys(_) => 78,
    }
}

/// The code that the program ends with when the log does not open.
pub(crate) const fn store_code(error: &OpenError) -> u8 {
    match error {
        OpenError::Unreachable { .. } => 4,
        OpenError::NotDurable { .. } | OpenError::NewerSchema { .. } | OpenError::NotMigrated { .. } => 78,
        OpenError::Migration(_) | OpenError::Failed(_) => 1,
    }
}
