//! The notary: follows the log, keeps the tree, and signs checkpoints of it.

use std::{sync::Arc, time::Duration};

use doorbook_domain::time::Timestamp;
use doorbook_projections::{fault::Fault, log::EventLog};
use parking_lot::Mutex;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    checkpoint::{name_of, origin_of},
    note::{NoteKey, NoteSigner},
    shelf::Shelf,
    tree::Tree,
    walk::{Step, Walk},
};
use crate::{
    clock::Clock,
    config::{Checkpoints, Config, Elsewhere},
    keys::Keyring,
};

/// A lost signal costs this long.
const POLL: Duration = Duration::from_secs(1);
/// Events that come one by one are taken in together.
const GATHER: Duration = Duration::from_millis(250);
/// The pause after a failure.
const RETRY: Duration = Duration::from_secs(5);
/// While the same failure lasts, it is logged so often.
const REMIND: Duration = Duration::from_mins(10);

/// How far the notary is, for those who watch the service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Events that the tree holds.
    pub size: u64,
    /// Those of them that the last checkpoint covers.
    pub signed: u64,
    /// Checkpoints that have not left for `audit.checkpoint_url`.
    pub unsent: u64,
    /// Whether the log is not what was signed, or cannot be read.
    pub broken: bool,
}

/// Keeps the tree over the log, and signs.
pub struct Notary {
    pub(super) tree: Tree,
    pub(super) log: Arc<dyn EventLog>,
    pub(super) signer: NoteSigner,
    pub(super) shelf: Shelf,
    pub(super) clock: Clock,
    pub(super) rules: Checkpoints,
    figures: Mutex<Figures>,
}

impl Notary {
    /// Opens the tree of a log. The key that signs is made when it is first needed.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the tree or the key cannot be opened.
    pub async fn open(config: &Config, log: Arc<dyn EventLog>, keyring: &Keyring) -> Result<Self, Fault> {
        let name = name_of(log.id().await?);
        let signer = NoteSigner::new(&name, &keyring.signing_seed().await?);
        Ok(Self {
            tree: Tree::open(&config.proof_database()).await?,
            log,
            signer,
            shelf: Shelf::new(&config.data.dir.join("checkpoints")),
            clock: config.service_clock(),
            rules: config.checkpoints.clone(),
            figures: Mutex::default(),
        })
    }

    /// The tree.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &dyn EventLog {
        &*self.log
    }

    /// The files of checkpoints.
    #[must_use]
    pub const fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// The key that its signatures are checked with.
    #[must_use]
    pub fn key(&self) -> NoteKey {
        self.signer.public()
    }

    /// Where checkpoints go besides.
    #[must_use]
    pub const fn elsewhere(&self) -> Option<&Elsewhere> {
        self.rules.elsewhere.as_ref()
    }

    /// How far it is.
    #[must_use]
    pub fn figures(&self) -> Figures {
        *self.figures.lock()
    }

    pub(super) fn note(&self, change: impl FnOnce(&mut Figures)) {
        change(&mut self.figures.lock());
    }

    /// Follows the log until cancelled.
    pub async fn follow(self: Arc<Self>, cancel: CancellationToken) {
        let mut walk = Walk::new(&self);
        let mut wake = self.log.wake();
        let mut spoke: Option<Timestamp> = None;
        while !cancel.is_cancelled() {
            wake.borrow_and_update();
            match walk.step().await {
                Ok(step) => {
                    spoke = None;
                    self.note(|figures| figures.broken = false);
                    if step == Step::AtHead {
                        let rest = async {
                            sleep(GATHER).await;
                            // Woken, or time to look anyway.
                            let _ = timeout(POLL, wake.changed()).await;
                        };
                        cancel.run_until_cancelled(rest).await;
                    }
                }
                Err(fault) => {
                    self.note(|figures| figures.broken = true);
                    let now = self.clock.now();
                    if spoke.is_none_or(|at| now.since(at) >= REMIND) {
                        tracing::error!(error = fault.cause(), "the log is not signed any further");
                        spoke = Some(now);
                    }
                    walk = Walk::new(&self);
                    cancel.run_until_cancelled(sleep(RETRY)).await;
                }
            }
        }
    }

    /// Signs what is there, and ends the connections to the tree.
    pub async fn close(self: &Arc<Self>) {
        if let Err(fault) = self.catch_up(&|_, _| {}).await {
            tracing::error!(error = fault.cause(), "the last events of the log are not signed");
        }
        self.tree.close().await;
    }

    /// Takes in all events that there are, and signs. For commands, while no service runs.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the log is not what was signed, or a part cannot be read or written.
    pub async fn catch_up(self: &Arc<Self>, progress: &(dyn Fn(u64, u64) + Send + Sync)) -> Result<(), Fault> {
        let head = self.log.head().await?.number();
        let mut walk = Walk::new(self);
        while walk.step().await? == Step::Moved {
            progress(self.figures().size, head);
        }
        walk.close().await
    }

    /// Begins another tree: the log was restored to an earlier state, or the tree is beyond repair. What was signed before
    /// is put aside where the log is not that any more.
    ///
    /// # Errors
    ///
    /// [`Fault`] when a part cannot be read or written.
    pub async fn begin_anew(&self) -> Result<(), Fault> {
        let (log, now) = (self.log.id().await?, self.clock.now());
        self.shelf.set_aside(now).await?;
        self.tree.begin_anew(log, &origin_of(log, now)).await
    }

    /// Forgets the stored tree, which the follower makes anew under the same name and compares with every checkpoint.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn forget_tree(&self) -> Result<(), Fault> {
        let log = self.log.id().await?;
        let origin = self.tree.state().await?.map(|state| state.origin);
        self.tree.begin_anew(log, &origin.unwrap_or_else(|| name_of(log))).await
    }
}
