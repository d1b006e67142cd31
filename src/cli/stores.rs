//! Opens what a command works on.

use std::sync::Arc;

use doorbook_projections::{
    engine::{Engine, ReadTarget},
    fault::Fault,
    login_history::LoginHistory,
    sessions::Sessions,
    users::Users,
};

use super::{exit::Failure, output::Output};
use crate::{
    config::{Config, Database},
    store::{OpenError, Store, StoreOptions, StoreUrl},
};

/// Where the log is.
///
/// # Errors
///
/// The address is none that the driver takes.
pub fn store_url(database: &Database) -> Result<StoreUrl, Failure> {
    database
        .url()
        .parse()
        .map_err(|error| Failure::Fault(Fault::new("the address of the log cannot be used", error)))
}

/// Where the read models are.
///
/// # Errors
///
/// The address is none that the driver takes.
pub fn read_target(database: &Database) -> Result<ReadTarget, Failure> {
    match database {
        Database::Sqlite(dir) => Ok(ReadTarget::Sqlite(dir.clone())),
        Database::Postgres(url) => url
            .parse()
            .map(|options| ReadTarget::Postgres(Box::new(options)))
            .map_err(|error: sqlx::Error| Fault::new("the address of the read models cannot be used", error).into()),
    }
}

/// Opens the log.
///
/// # Errors
///
/// It cannot be reached, could lose what it acknowledged, or is older or newer than this program.
pub async fn store(config: &Config) -> Result<Store, Failure> {
    Ok(Store::open(&store_url(&config.store)?, StoreOptions::default()).await?)
}

/// Opens the read models of a log.
///
/// # Errors
///
/// They or the log cannot be reached.
pub async fn engine(config: &Config, store: &Store) -> Result<Engine, Failure> {
    let clock = config.service_clock();
    let engine = Engine::open(
        read_target(&config.read)?,
        store.log(),
        vec![Arc::new(Sessions), Arc::new(Users), Arc::new(LoginHistory)],
        Arc::new(move || clock.now()),
    );
    Ok(engine.await?)
}

/// `doorbook migrate`
pub(crate) async fn migrate(config: &Config, output: &Output) -> Result<(), Failure> {
    if let Database::Sqlite(path) = &config.store
        && let Some(dir) = path.parent()
    {
        std::fs::create_dir_all(dir).map_err(Fault::because("the directory of the log cannot be made"))?;
    }
    let migrated = Store::migrate(&store_url(&config.store)?).await?;
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

/// The code that the program ends with when a store does not open.
pub(crate) const fn code(error: &OpenError) -> u8 {
    match error {
        OpenError::Unreachable { .. } => 4,
        OpenError::NotDurable { .. } | OpenError::NewerSchema { .. } | OpenError::NotMigrated { .. } => 78,
        OpenError::Migration(_) | OpenError::Failed(_) => 1,
    }
}
