//! The way back: an older log and its keys become the present, without what must not come back.
//!
//! Everything that an older state would revive is ended: sessions by events, cookies and mailed links by another key of
//! purposes, erased users by the list that was kept outside.

use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use doorbook_domain::{
    event::Event,
    id::UserId,
    session::SessionEvent,
    user::{self, User, UserCommand},
};
use doorbook_projections::{engine::Engine, fault::Fault, log::Position};
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    config::{Config, Database},
    ids,
    keys::{KeyName, Keyring},
    mail::Post,
    open::{self, Durable, StartError},
    service::{
        erase::Erasure,
        erasures::{Erased, Erasures, Forgotten, Listed},
    },
    store::{CommandMetadata, Failure, Store},
};

/// Events that are read at once.
const PAGE: usize = 1000;
/// How long the read models may take to see what a restore appended.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(10);

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// It is not a place to restore to, or not a thing to restore from. One sentence.
    #[error("{0}")]
    Refused(String),
    /// A part does not open.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Something broke.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Where the restored log ends.
    pub head: Position,
    /// Users whose sessions were ended.
    pub signed_out: usize,
    /// Entries of the list of erasures.
    pub erasures: usize,
    /// Users of the restored log that were erased again.
    pub erased_again: usize,
    /// Months of the list, whose IP addresses and user agents were forgotten again.
    pub forgotten: usize,
    /// Lines of the list that a crash cut off.
    pub torn: usize,
    /// The read models that were built anew.
    pub rebuilt: Vec<&'static str>,
    /// Rows that differ from the log after all: there must be none.
    pub differing: u64,
}

/// Puts copies of log and keys where the configuration says that they are.
///
/// # Errors
///
/// [`RestoreError::Refused`] where data are already, where the master key is missing, or where a file is no such copy;
/// nothing has changed then.
pub async fn place(config: &Config, log: &Path, keys: &Path) -> Result<(), RestoreError> {
    let (Database::Sqlite(log_file), Database::Sqlite(keys_file)) = (&config.store, &config.keys.url) else {
        return Err(refused(
            "store.url: files are restored to embedded databases only; restore PostgreSQL by its own tools, then run \
             `doorbook restore --in-place`",
        ));
    };
    open::directories(config)?;
    must_be_empty(config, &[log_file, keys_file])?;
    if !config.keys.file.is_file() {
        return Err(RestoreError::Refused(format!(
            "keys.file: put the master key at {} first: it is not part of a backup",
            config.keys.file.display()
        )));
    }
    must_hold(log, "--log", "select count(*) from log_identity").await?;
    must_hold(keys, "--keys", "select count(*) from master").await?;
    // A log without its keys would be taken for a loss: it comes last.
    for (from, to) in [(keys, keys_file), (log, log_file)] {
        put(from, to).map_err(Fault::because("a copy cannot be put in its place"))?;
    }
    Ok(())
}

fn refused(sentence: &str) -> RestoreError {
    RestoreError::Refused(sentence.to_owned())
}

fn must_be_empty(config: &Config, files: &[&PathBuf]) -> Result<(), RestoreError> {
    let mut taken: Vec<&Path> = files
        .iter()
        .map(|file| file.as_path())
        .filter(|file| file.exists())
        .collect();
    if let Database::Sqlite(directory) = &config.read
        && fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some())
    {
        taken.push(directory);
    }
    match taken.first() {
        None => Ok(()),
        Some(file) => Err(RestoreError::Refused(format!(
            "data.dir: {} is there already: restore into an empty directory, which holds the master key only",
            file.display()
        ))),
    }
}

/// Makes sure that the file is what it is said to be.
async fn must_hold(file: &Path, option: &str, query: &str) -> Result<(), RestoreError> {
    let look = async {
        let mut connection = SqliteConnectOptions::new()
            .filename(file)
            .read_only(true)
            .connect()
            .await?;
        let count: i64 = sqlx::query_scalar(query).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok::<_, sqlx::Error>(count)
    };
    match look.await {
        Ok(1) => Ok(()),
        Ok(_) => Err(RestoreError::Refused(format!("{option}: {} is empty", file.display()))),
        Err(error) => Err(RestoreError::Refused(format!(
            "{option}: {} is no such copy ({error}): name a file that `doorbook backup` made",
            file.display()
        ))),
    }
}

/// Copies a file, readable for its owner only, and gives it its name once it is on the disk.
fn put(from: &Path, to: &Path) -> io::Result<()> {
    let mut part = to.to_owned().into_os_string();
    part.push(".restoring");
    let part = PathBuf::from(part);
    let mut options = OpenOptions::new();
    let mut target = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)?;
    io::copy(&mut File::open(from)?, &mut target)?;
    target.sync_all()?;
    fs::rename(&part, to)?;
    match to.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => File::open(directory)?.sync_all(),
        _ => Ok(()),
    }
}

/// Ends what an older state would bring back, and builds and verifies the read models. May be repeated. No service may run.
///
/// # Errors
///
/// [`RestoreError`] when it could not be done to its end; repeat it.
pub async fn settle(
    config: &Config,
    list: &Erasures,
    progress: &(dyn Fn(u64, u64) + Send + Sync),
) -> Result<Settled, RestoreError> {
    let Listed {
        erased,
        forgotten,
        torn,
    } = list.read().await?;
    let Durable { store, keyring } = Durable::open_as_they_are(config).await?;
    if store.is_empty().await? {
        return Err(refused("store.url: the log is empty: there is nothing to restore"));
    }
    let (log, clock) = (store.log(), config.service_clock());
    let head = log.head().await?;
    keyring.rebind(log.id().await?).await?;
    keyring.take_back(head).await?;
    keyring.renew_purposes().await?;
    // What was signed before is of a log that went on otherwise.
    let notary = open::notary(config, &store, &keyring).await?;
    notary.begin_anew().await?;
    let restoring = Restoring {
        store: &store,
        keyring: &keyring,
        post: &Post::open(config).map_err(StartError::Mail)?,
        clock,
    };
    let signed_out = restoring.end_sessions(head, progress).await?;
    let engine = open::engine(config, &store).await?;
    let rebuilt = engine.names();
    let cancel = CancellationToken::new();
    engine
        .rebuild(&rebuilt, &|at| progress(at.done, at.total), &cancel)
        .await?;
    let erased_again = restoring
        .erase_again(&engine, &erased, &Erasures::new(&config.data.erasures))
        .await?;
    let own_list = Erasures::new(&config.data.erasures);
    restoring.forget_again(&forgotten, &own_list).await?;
    let mut differing = 0;
    for name in &rebuilt {
        let report = engine.verify(name, &|at| progress(at.done, at.total), &cancel).await?;
        differing += report.differing;
    }
    notary.catch_up(progress).await?;
    notary.tree().close().await;
    keyring.close().await;
    store.close().await;
    Ok(Settled {
        head,
        signed_out,
        erasures: erased.len(),
        erased_again,
        forgotten: forgotten.len(),
        torn,
        rebuilt,
        differing,
    })
}

struct Restoring<'a> {
    store: &'a Store,
    keyring: &'a Keyring,
    post: &'a Post,
    clock: Clock,
}

impl Restoring<'_> {
    fn metadata(&self) -> CommandMetadata {
        let at = self.clock.now();
        CommandMetadata {
            command_id: ids::uuid_v7(at),
            actor: "restore".to_owned(),
            request_id: None,
            causation: None,
            at,
        }
    }

    /// Ends the sessions of every user who may have some: which of them were ended later, this log does not know.
    async fn end_sessions(&self, head: Position, progress: &(dyn Fn(u64, u64) + Send + Sync)) -> Result<usize, Fault> {
        let now = self.clock.now();
        let (mut users, mut after) = (HashSet::new(), Position::START);
        while after < head {
            let events = self.store.log().read(after, PAGE).await?;
            let Some(last) = events.last() else { break };
            after = last.position;
            for recorded in events
                .iter()
                .filter(|recorded| &*recorded.event_type == "session.started")
            {
                let unreadable = Fault::because("the start of a session cannot be read");
                if let Event::Session(SessionEvent::Started {
                    user_id,
                    absolute_until,
                    ..
                }) = recorded.event().map_err(unreadable)?
                    && absolute_until > now
                {
                    users.insert(user_id);
                }
            }
            progress(after.number(), head.number());
        }
        for user in &users {
            let end = UserCommand::EndSessions(user::EndSessions { at: now });
            self.command(*user, end).await?;
        }
        Ok(users.len())
    }

    /// Destroys the keys of the months that the list names.
    async fn forget_again(&self, forgotten: &[Forgotten], list: &Erasures) -> Result<(), Fault> {
        let mut keys = Vec::with_capacity(forgotten.len());
        for entry in forgotten {
            let key = KeyName::parse(&entry.month)?;
            if key.month_begins().is_none() {
                return Err(Fault::plain("data.erasures: a line names a month that is none"));
            }
            list.note_month(entry).await?;
            keys.push(key);
        }
        self.keyring.destroy_all(&keys).await
    }

    /// Erases whom the list names, with the keys of what the restored log does not know.
    async fn erase_again(&self, engine: &Engine, erased: &[Erased], list: &Erasures) -> Result<usize, Fault> {
        let cancel = CancellationToken::new();
        let running = tokio::spawn({
            let (engine, cancel) = (engine.clone(), cancel.clone());
            async move { engine.run(cancel).await }
        });
        let done = self.erase_all(engine, erased, list).await;
        let head = self.store.log().head().await?;
        for name in engine.names() {
            if !engine.wait_for(name, head, PATIENCE).await? {
                return Err(Fault::plain("the read models do not get on"));
            }
        }
        cancel.cancel();
        running.await.map_err(Fault::because("the read models stopped"))??;
        done
    }

    async fn erase_all(&self, engine: &Engine, erased: &[Erased], list: &Erasures) -> Result<usize, Fault> {
        let erasure = Erasure {
            store: self.store,
            keyring: self.keyring,
            engine,
            clock: &self.clock,
            list,
            post: self.post,
        };
        let mut again = 0;
        for entry in erased {
            list.note(entry).await?;
            let user = self.store.load::<User>(&entry.user.to_string()).await?.aggregate;
            if user.is_registered() {
                let at = self.clock.now();
                if self.command(entry.user, UserCommand::Erase(user::Erase { at })).await? {
                    again += 1;
                }
                erasure.finish(entry.user, &self.metadata()).await?;
            }
            let keys = entry.keys.iter().map(|key| KeyName::parse(key));
            let keys = keys.collect::<Result<Vec<_>, Fault>>()?;
            self.keyring.destroy_all(&keys).await?;
        }
        Ok(again)
    }

    /// Whether anything changed. A user that is not there, or gone, needs nothing.
    async fn command(&self, user: UserId, command: UserCommand) -> Result<bool, Fault> {
        match self
            .store
            .execute::<User>(&user.to_string(), command, &self.metadata())
            .await
        {
            Ok(committed) => Ok(!committed.events.is_empty()),
            Err(Failure::Refused(_)) => Ok(false),
            Err(Failure::Conflict) => Err(Fault::plain("the log is written to by somebody else")),
            Err(Failure::Broken(fault)) => Err(fault),
        }
    }
}
