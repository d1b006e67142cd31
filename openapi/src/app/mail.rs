//! Mail that was sent, for developers.

use async_trait::async_trait;
use doorbook_projections::fault::Fault;

/// A message of the mailbox of developers, for its list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailEntry {
    /// Names it: letters, digits, `-` and `_`.
    pub id: String,
    /// The address that it went to.
    pub to: String,
    /// One line.
    pub subject: String,
    /// As it stands in the message.
    pub date: String,
}

/// A message of the mailbox of developers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// As in the list.
    pub entry: MailEntry,
    /// Its text, where it has one.
    pub text: Option<String>,
    /// Its HTML, where it has some.
    pub html: Option<String>,
}

/// Mail that was sent, for developers.
#[async_trait]
pub trait Mailbox: Send + Sync {
    /// The latest messages, newest first.
    async fn mails(&self) -> Result<Vec<MailEntry>, Fault>;
    /// One message; `None` when there is none of that id.
    async fn mail(&self, id: &str) -> Result<Option<Mail>, Fault>;
}
