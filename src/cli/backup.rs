//! `doorbook backup`, `doorbook restore` and `doorbook keys rotate`.

use std::path::Path;

use super::{args::Restore, exit::Failure, output::Output};
use crate::{
    backup::{
        copy,
        restore::{self, RestoreError, Settled},
    },
    config::{Config, Database},
    lock::{DatabaseLock, DirectoryLock},
    open::{self, Durable, StartError},
    service::erasures::Erasures,
};

/// `doorbook backup`
pub(crate) async fn backup(dir: &Path, config: &Config, output: &Output) -> Result<(), Failure> {
    let (Database::Sqlite(log), Database::Sqlite(keys)) = (&config.store, &config.keys.url) else {
        return Err(Failure::Refused(
            "store.url: this backs up embedded databases only; docs/guides/backup.md says how to back up PostgreSQL"
                .to_owned(),
        ));
    };
    let progress = output.progress("copying", 0);
    let report = |done, total| progress.of(done, total);
    let copied = copy::copy((log, keys), dir, config.service_clock().now(), &report).await;
    progress.finish();
    let copied = copied?;
    let value = serde_json::json!({
        "log": copied.log,
        "keys": copied.keys,
        "events": copied.events,
        "key_count": copied.key_count,
    });
    output.value(&value, || {
        format!(
            "{} holds {} events, {} holds {} keys.",
            copied.log.display(),
            copied.events,
            copied.keys.display(),
            copied.key_count
        )
    })?;
    let list = config.data.erasures.display();
    let erasures = if config.data.erasures.is_file() {
        format!("the list of erasures {list}")
    } else {
        format!("the list of erasures {list}, which is made when somebody is erased first")
    };
    output.note(&format!(
        "Not copied: the master key {} and {erasures}. Keep copies of both elsewhere.",
        config.keys.file.display(),
    ));
    Ok(())
}

/// `doorbook restore`
pub(crate) async fn restore(command: &Restore, config: &Config, output: &Output) -> Result<(), Failure> {
    let _locks = Locks::take(config).await?;
    let file = command.erasures.as_ref().unwrap_or(&config.data.erasures);
    // Before anything is put in place: what is refused leaves nothing behind.
    if command.erasures.is_some() && !file.is_file() {
        return Err(Failure::Usage(format!(
            "--erasures: there is no file {}",
            file.display()
        )));
    }
    if let (Some(log), Some(keys)) = (&command.log, &command.keys) {
        restore::place(config, log, keys).await?;
    }
    if !file.is_file() {
        output.note("There is no list of erasures: if anybody was erased after the backup, they are back. Name the list by --erasures.");
    }
    let progress = output.progress("restoring", 0);
    let report = |done, total| progress.of(done, total);
    let settled = restore::settle(config, &Erasures::new(file), &report).await;
    progress.finish();
    show(&settled?, output)
}

fn show(settled: &Settled, output: &Output) -> Result<(), Failure> {
    let value = serde_json::json!({
        "head": settled.head.to_string(),
        "signed_out": settled.signed_out,
        "erasures": settled.erasures,
        "erased_again": settled.erased_again,
        "months_forgotten": settled.forgotten,
        "torn_lines": settled.torn,
        "rebuilt": settled.rebuilt,
        "differing": settled.differing,
    });
    output.value(&value, || {
        [
            format!("The log ends at {}.", settled.head),
            format!(
                "{} users were signed out; every cookie and mailed link of before is void.",
                settled.signed_out
            ),
            format!(
                "{} of {} listed erasures were done again.",
                settled.erased_again, settled.erasures
            ),
            format!(
                "IP addresses and user agents of {} listed months were forgotten again.",
                settled.forgotten
            ),
            format!("Built and verified: {}.", settled.rebuilt.join(", ")),
        ]
        .join("\n")
    })?;
    if settled.torn > 0 {
        output.note(&format!("{} lines of the list of erasures are cut off.", settled.torn));
    }
    if settled.differing > 0 {
        return Err(Failure::Difference(format!(
            "{} rows differ from the log: keep this output for the report of the error",
            settled.differing
        )));
    }
    Ok(())
}

/// `doorbook keys rotate`
pub(crate) async fn rotate(config: &Config, output: &Output) -> Result<(), Failure> {
    let _locks = Locks::take(config).await?;
    let Durable { store, keyring } = Durable::open(config).await?;
    let rotated = keyring.rotate().await.map_err(StartError::Keys);
    keyring.close().await;
    store.close().await;
    rotated?;
    let file = config.keys.file.display();
    output.value(&serde_json::json!({"rotated": file.to_string()}), || {
        format!("{file} holds another master key, and all keys are wrapped by it. Back it up now.")
    })?;
    Ok(())
}

/// Keeps services from running meanwhile.
pub(super) struct Locks {
    _directory: DirectoryLock,
    _database: Option<DatabaseLock>,
}

impl Locks {
    pub(super) async fn take(config: &Config) -> Result<Self, StartError> {
        open::directories(config)?;
        Ok(Self {
            _directory: DirectoryLock::take(&config.data.dir)?,
            _database: match &config.store {
                Database::Postgres(url) => Some(DatabaseLock::take(url).await?),
                Database::Sqlite(_) => None,
            },
        })
    }
}

impl From<RestoreError> for Failure {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Refused(sentence) => Self::Refused(sentence),
            RestoreError::Start(error) => Self::Start(error),
            RestoreError::Fault(fault) => Self::Fault(fault),
        }
    }
}
