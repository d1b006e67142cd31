//! Writes letters and sends them.

use doorbook_domain::{email::EmailAddress, time::Timestamp};
use doorbook_openapi::app::{Mail, MailEntry, Mailbox};
use doorbook_projections::fault::Fault;

use super::{
    Addressed,
    directory::{Directory, Making},
    smtp::Smtp,
    templates::Templates,
    writer::Writer,
};
use crate::config::{Carrier, Config};

/// Messages that the mailbox of developers shows.
const SHOWN: usize = 200;

/// Why there is no mail. One sentence that names the key and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// A template of a letter cannot be used.
    #[error("mail.templates: {file} cannot be used: {reason}; correct it, or remove it to get the built-in one")]
    Template {
        /// Which.
        file: String,
        /// Why.
        reason: String,
    },
    /// The directory of messages cannot be used.
    #[error("mail.url: the directory {path} cannot be made or written: {source}; choose one that this user may write")]
    Directory {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The host of the mail server cannot be used for an encrypted connection.
    #[error("mail.url: no encrypted connection can be made to that host: {0}; write its name")]
    Tls(String),
    /// The addressee's address cannot be used in mail.
    #[error("the address cannot be used in mail")]
    Address,
    /// The message cannot be put together.
    #[error("the message cannot be written: {0}")]
    Message(String),
}

impl MailError {
    pub(super) fn template(file: &str, reason: String) -> Self {
        Self::Template {
            file: file.to_owned(),
            reason,
        }
    }
}

/// A letter did not leave. The reasons hold no personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// It never will as it is.
    #[error("{0}")]
    Never(String),
    /// It may later.
    #[error("{0}")]
    NotNow(String),
}

enum Way {
    Smtp(Smtp),
    Directory(Directory),
}

/// Writes letters and sends them.
pub struct Post {
    writer: Writer,
    way: Way,
    /// Whether `/dev/mailbox` shows what was sent.
    shown: bool,
}

impl Post {
    /// Reads the templates and prepares the way that mail takes. Nothing is sent, and no server is asked.
    ///
    /// # Errors
    ///
    /// [`MailError`], with the key of the configuration and the remedy.
    pub fn open(config: &Config) -> Result<Self, MailError> {
        let mail = &config.mail;
        let templates = Templates::load(mail.templates.as_deref(), &mail.link_base.to_string())?;
        let writer = Writer::new(templates, mail.from.clone(), config.http.public_url.host());
        let way = match &mail.url {
            Carrier::Smtp(server) => Way::Smtp(Smtp::new(server)?),
            Carrier::Directory(path) => {
                Way::Directory(Directory::open(path).map_err(|source| MailError::Directory {
                    path: path.display().to_string(),
                    source,
                })?)
            }
        };
        let shown = config.http.public_url.is_local() && config.http.listen.ip().is_loopback();
        Ok(Self { writer, way, shown })
    }

    /// Deletes what a crash left unfinished in the directory of messages. For the service that sends them, before it does.
    ///
    /// # Errors
    ///
    /// [`MailError::Directory`].
    pub fn tidy(&self) -> Result<(), MailError> {
        let Way::Directory(directory) = &self.way else {
            return Ok(());
        };
        directory.tidy().map_err(|source| MailError::Directory {
            path: directory.path().display().to_string(),
            source,
        })
    }

    /// Sends a letter. When it returns, the letter is on disk, or the mail server has taken it on itself.
    ///
    /// # Errors
    ///
    /// [`Undelivered`] when it did not leave, as far as can be known.
    pub async fn send(&self, addressed: &Addressed, now: Timestamp) -> Result<(), Undelivered> {
        let never = |error: MailError| Undelivered::Never(error.to_string());
        let message = self.writer.write(addressed, now).map_err(never)?;
        match &self.way {
            Way::Smtp(smtp) => smtp.send(message).await,
            Way::Directory(directory) => {
                let name = addressed.letter.name();
                let stored = directory
                    .store(addressed.caused_at, addressed.key, name, message.formatted())
                    .await;
                stored.map_err(|fault| {
                    tracing::warn!(error = fault.cause(), "a message was not stored");
                    Undelivered::NotNow("the mail directory cannot be written".to_owned())
                })
            }
        }
    }

    /// Waits until nobody is being forgotten, and keeps it so until this is dropped: taken before the letter is made, and held
    /// until it has left. `None` where mail does not stay here.
    ///
    /// # Errors
    ///
    /// [`Fault`] when that cannot be had.
    pub async fn making(&self) -> Result<Option<Making>, Fault> {
        match &self.way {
            Way::Smtp(_) => Ok(None),
            Way::Directory(directory) => directory.making().await.map(Some),
        }
    }

    /// Deletes what lies here of the mail to an address, and returns how many messages there were. What a mail server has
    /// taken is beyond reach.
    ///
    /// # Errors
    ///
    /// [`Fault`] when something cannot be deleted.
    pub async fn forget(&self, address: &EmailAddress) -> Result<usize, Fault> {
        match &self.way {
            Way::Smtp(_) => Ok(0),
            Way::Directory(directory) => directory.forget(address).await,
        }
    }

    /// The mailbox of developers: where mail goes into a directory, and the service is reachable from this machine only.
    #[must_use]
    pub fn mailbox(&self) -> Option<&dyn Mailbox> {
        match &self.way {
            Way::Directory(directory) if self.shown => Some(directory),
            Way::Directory(_) | Way::Smtp(_) => None,
        }
    }
}

#[async_trait::async_trait]
impl Mailbox for Directory {
    async fn mails(&self) -> Result<Vec<MailEntry>, Fault> {
        self.list(SHOWN).await
    }

    async fn mail(&self, id: &str) -> Result<Option<Mail>, Fault> {
        self.find(id).await
    }
}
