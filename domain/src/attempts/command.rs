use super::{FailureReason, LinkPurpose};
use crate::{decide::commands, id::UserId, seal::Sealed, time::Timestamp};

commands! {
    /// What can be asked of the record of failed logins at an address.
    LoginAttemptsCommand {
        /// Record one failure singly, if there is room for it.
        Record,
        /// Record the failures that were not recorded singly.
        Summarize,
        /// Record that a link was asked for where there is none to send.
        RefuseLink,
    }
}

/// Record one failure singly. Without room for it nothing happens, and the caller counts it for the next [`Summarize`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Whose address it is, if anybody's.
    pub user_id: Option<UserId>,
    /// The address as it was typed, under the user's key or the stream's own.
    pub email: Sealed,
    /// Why the login failed.
    pub reason: FailureReason,
    /// The identity provider that it was tried by; `None` where it was a password.
    pub provider: Option<Box<str>>,
    /// From where: IP and user agent, under a key of the month.
    pub origin: Option<Sealed>,
    /// Which bucket the address is in, for searching.
    pub ip_bucket: Option<u32>,
    /// When it failed.
    pub at: Timestamp,
}

/// Record how many failures were not recorded singly. None is no event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summarize {
    /// Whose address it is, if anybody's.
    pub user_id: Option<UserId>,
    /// The identity provider that they were tried by; `None` where it was passwords.
    pub provider: Option<Box<str>>,
    /// How many since the last record. The caller holds the count.
    pub count: u32,
    /// The first of them.
    pub from: Timestamp,
    /// The last of them.
    pub at: Timestamp,
}

/// Record that a link was asked for where there is none to send. The caller limits how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefuseLink {
    /// For what.
    pub purpose: LinkPurpose,
    /// When.
    pub at: Timestamp,
}
