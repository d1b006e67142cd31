//! One user in memory: 56 bytes and the text of its identity.

use doorbook_domain::{id::UserId, role::Roles, time::Timestamp, user::UserEvent};
use doorbook_openapi::app::Identity;
use uuid::Uuid;

use super::table::Keyed;

/// Where a user stands in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UserSlot(pub(super) u32);

impl UserSlot {
    /// No place: no table grows so far.
    pub(super) const NOWHERE: Self = Self(u32::MAX);
}

/// As much of a user as a check needs, folded by the rules of the domain's aggregate.
pub(super) struct User {
    pub(super) id: UserId,
    pub(super) identity: Identity,
    pub(super) since: Timestamp,
    pub(super) epoch: u32,
    /// Number of the last event that is folded in; of a user that is not fresh, of the last one that is known to exist.
    pub(super) sequence: u32,
    /// Sessions and loads that hold on to it.
    pub(super) holders: u32,
    pub(super) roles: Roles,
    pub(super) email_verified: bool,
    /// Registered, and not deactivated.
    pub(super) active: bool,
    /// Whether the record is complete. A check of one that is not leads to the log.
    pub(super) fresh: bool,
}

impl User {
    /// A user of whom nothing is known yet.
    pub(super) fn unread(id: UserId) -> Self {
        Self {
            id,
            identity: Identity::default(),
            since: Timestamp::default(),
            epoch: 0,
            sequence: 0,
            holders: 0,
            roles: Roles::default(),
            email_verified: false,
            active: false,
            fresh: false,
        }
    }

    /// Folds the next event in, all but the sealed values.
    pub(super) fn apply(&mut self, event: &UserEvent) {
        self.sequence = self.sequence.saturating_add(1);
        match event {
            UserEvent::Registered { email_verified, at, .. } => {
                self.email_verified = *email_verified;
                self.since = *at;
                self.active = true;
            }
            UserEvent::PasswordChanged { epoch, .. }
            | UserEvent::PasswordRemoved { epoch, .. }
            | UserEvent::SessionsEnded { epoch, .. } => self.epoch = *epoch,
            UserEvent::RoleGranted { role, epoch, .. } => {
                self.roles = self.roles.with(*role);
                self.epoch = *epoch;
            }
            UserEvent::RoleRevoked { role, epoch, .. } => {
                self.roles = self.roles.without(*role);
                self.epoch = *epoch;
            }
            UserEvent::Deactivated { epoch, .. } | UserEvent::Erased { epoch, .. } => {
                self.active = false;
                self.epoch = *epoch;
            }
            UserEvent::Reactivated { .. } => self.active = true,
            UserEvent::EmailVerified { .. } | UserEvent::EmailChanged { .. } => self.email_verified = true,
            UserEvent::ProfileChanged { .. }
            | UserEvent::PasswordUpgraded { .. }
            | UserEvent::Unlocked { .. }
            | UserEvent::PasswordResetRequested { .. }
            | UserEvent::EmailChangeRequested { .. }
            | UserEvent::EmailChangeConfirmed { .. }
            | UserEvent::EmailChangeRefused { .. }
            | UserEvent::SocialAccountLinked { .. }
            | UserEvent::SocialAccountUnlinked { .. } => {}
        }
    }

    /// Folds in what the tail or a command brings; what the record cannot tell by itself makes it stale.
    /// `None` stands for an event that cannot be read.
    pub(super) fn hear(&mut self, sequence: u32, event: Option<&UserEvent>) {
        if sequence <= self.sequence {
            return;
        }
        let sealed = matches!(
            event,
            Some(
                UserEvent::Registered { .. }
                    | UserEvent::ProfileChanged { .. }
                    | UserEvent::EmailChanged { .. }
                    | UserEvent::Erased { .. }
            )
        );
        match event {
            Some(event) if self.fresh && !sealed && sequence == self.sequence + 1 => self.apply(event),
            Some(_) | None => {
                self.fresh = false;
                self.sequence = sequence;
            }
        }
        if matches!(event, Some(UserEvent::Erased { .. })) {
            self.active = false;
            self.identity = Identity::default();
        }
    }

    /// Takes over what was read from the log, unless this record knows of later events.
    pub(super) fn replace(&mut self, read: Self) {
        if read.sequence >= self.sequence {
            *self = Self {
                holders: self.holders,
                fresh: true,
                ..read
            };
        }
    }
}

impl Keyed for User {
    fn key(&self) -> Uuid {
        self.id.0
    }
}
