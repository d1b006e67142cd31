//! `doorbook migrate`.

use super::{exit::Failure, output::Output};
use crate::{config::Config, open, store::Store};

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
