//! How sessions end: each by itself, or all of a user at once by a raised epoch.
//!
//! A raised epoch is one row, however many sessions it ends; what ended a session is found when it is read.

use doorbook_domain::{
    id::UserId,
    time::Timestamp,
    user::{PasswordCause, UserEvent},
};

use crate::{
    db::Row,
    fault::Fault,
    log::Recorded,
    patch::Patches,
    table::{Rows, Table, id, int, text},
};

/// The table that [`fold`] fills.
pub(crate) const fn table(name: &'static str) -> Table {
    Table {
        name,
        key: const { &[id("user_id"), int("epoch")] },
        columns: const { &[int("at"), text("cause")] },
        indices: &[],
        rows: Rows::Changing,
    }
}

/// The epoch that an event raises its user to, when, and why: `password_changed`, `role_granted`, `deactivated` …. Every
/// session of an older epoch is over.
#[must_use]
pub const fn raised_epoch(event: &UserEvent) -> Option<(u32, Timestamp, &'static str)> {
    let (epoch, at, cause) = match event {
        UserEvent::PasswordChanged { epoch, cause, at, .. } => (epoch, at, password_cause(*cause)),
        UserEvent::RoleGranted { epoch, at, .. } => (epoch, at, "role_granted"),
        UserEvent::RoleRevoked { epoch, at, .. } => (epoch, at, "role_revoked"),
        UserEvent::Deactivated { epoch, at } => (epoch, at, "deactivated"),
        UserEvent::SessionsEnded { epoch, at } => (epoch, at, "sessions_ended"),
        UserEvent::PasswordRemoved { epoch, at } => (epoch, at, "password_removed"),
        UserEvent::Erased { epoch, at } => (epoch, at, "erased"),
        UserEvent::Registered { .. }
        | UserEvent::ProfileChanged { .. }
        | UserEvent::PasswordUpgraded { .. }
        | UserEvent::Reactivated { .. }
        | UserEvent::Unlocked { .. }
        | UserEvent::PasswordResetRequested { .. }
        | UserEvent::EmailVerified { .. }
        | UserEvent::EmailChangeRequested { .. }
        | UserEvent::EmailChangeConfirmed { .. }
        | UserEvent::EmailChanged { .. }
        | UserEvent::EmailChangeRefused { .. }
        | UserEvent::SocialAccountLinked { .. }
        | UserEvent::SocialAccountUnlinked { .. } => return None,
    };
    Some((*epoch, *at, cause))
}

/// Records that all sessions of a user of an older epoch ended, where the event says so.
pub(crate) fn fold(table: &'static Table, recorded: &Recorded, event: &UserEvent, out: &mut Patches) {
    let Some((epoch, at, cause)) = raised_epoch(event) else {
        return;
    };
    let row = out.row(table, [recorded.id().into(), epoch.into()]);
    row.set("at", at).set("cause", cause).done();
}

const fn password_cause(cause: PasswordCause) -> &'static str {
    match cause {
        PasswordCause::Changed => "password_changed",
        PasswordCause::Reset => "password_reset",
        PasswordCause::Set => "password_set",
    }
}

/// A column for [`Ended::read`]: when and why all sessions of the epoch of `row` ended, in one, so that it is looked up once.
/// `epochs` is the table of [`fold`].
pub(crate) fn column(row: &str, epochs: &str) -> String {
    format!(
        "(select e.at || ' ' || e.cause from {epochs} e where e.user_id = {row}.user_id and e.epoch > {row}.epoch
          order by e.epoch limit 1) as epoch_ended"
    )
}

/// How a session was ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// `logged_out`, `revoked`, `replaced`, `too_many`; with all sessions of the user: `password_changed`,
    /// `password_reset`, `password_set`, `password_removed`, `role_granted`, `role_revoked`, `deactivated`,
    /// `sessions_ended`, `erased`.
    pub reason: String,
    /// Who ended it, where that is known.
    pub by: Option<UserId>,
}

impl Ended {
    /// What came first counts: its own end, or that of all sessions of its epoch. The row has `ended_at`, `end_reason`,
    /// `ended_by` and [`column`].
    pub(crate) fn read(row: &Row) -> Result<Option<Self>, Fault> {
        let own = row.find_at("ended_at")?;
        let common = row.find_text("epoch_ended")?.as_deref().map(common).transpose()?;
        Ok(match (own, common) {
            (Some(at), common) if common.as_ref().is_none_or(|common| at <= common.at) => Some(Self {
                at,
                reason: row.text("end_reason")?,
                by: row.find_id("ended_by")?.map(UserId),
            }),
            (_, common) => common,
        })
    }
}

/// The end of all sessions of an epoch.
fn common(text: &str) -> Result<Ended, Fault> {
    let end = text.split_once(' ').and_then(|(at, cause)| {
        Some(Ended {
            at: Timestamp::from_micros(at.parse().ok()?),
            reason: cause.to_owned(),
            by: None,
        })
    });
    end.ok_or_else(|| Fault::plain("a read model holds an end without an instant or a cause"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_end_has_an_instant_and_a_cause() {
        let end = Ended {
            at: Timestamp::from_micros(-7),
            reason: "role_granted".to_owned(),
            by: None,
        };
        assert_eq!(common("-7 role_granted").unwrap(), end);
        for broken in ["", "7", "role_granted", "soon role_granted"] {
            assert!(common(broken).is_err(), "{broken}");
        }
    }
}
