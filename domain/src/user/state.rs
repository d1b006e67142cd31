use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::{SocialAccount, UserEvent};
use crate::{
    id::{LinkId, RequestId},
    role::Roles,
    seal::{ClaimId, Sealed},
    time::Timestamp,
};

/// As much of a user's history as its decisions and a login need.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    registered_at: Option<Timestamp>,
    email: Option<Sealed>,
    /// Type of the event that the address stands in: part of its seal.
    email_event: Option<String>,
    claim: Option<ClaimId>,
    email_verified: bool,
    password: Option<Sealed>,
    /// Type of the event that the password stands in: part of its seal.
    password_event: Option<String>,
    name: Option<Sealed>,
    roles: Roles,
    deactivated: bool,
    erased: bool,
    epoch: u32,
    reset: Option<PasswordReset>,
    email_change: Option<EmailChange>,
    social: Vec<SocialAccount>,
}

/// A link that sets another password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordReset {
    /// Names it.
    pub request: RequestId,
    /// Dead from this instant on.
    pub until: Timestamp,
    /// How many before it nobody has followed.
    #[serde(default)]
    pub superseded: u32,
}

/// Another address that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailChange {
    /// Names the link that proves it.
    pub request: RequestId,
    /// As it was typed, sealed for `user.email_change_requested`.
    pub email: Sealed,
    /// The claim that it needs.
    pub claim: ClaimId,
    /// The link is dead from this instant on.
    pub until: Timestamp,
    /// Whether the link was followed. The change is then to be completed or refused.
    pub confirmed: bool,
    /// The user's epoch when it was asked for.
    #[serde(default)]
    pub epoch: u32,
}

impl User {
    /// Whether the user was prepared. Others see it once its claim names it.
    #[must_use]
    pub const fn is_registered(&self) -> bool {
        self.registered_at.is_some()
    }

    /// When the user was prepared.
    #[must_use]
    pub const fn registered_at(&self) -> Option<Timestamp> {
        self.registered_at
    }

    /// Whether the user exists and may log in.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.is_registered() && !self.deactivated && !self.erased
    }

    /// Whether the user is gone for good.
    #[must_use]
    pub const fn is_erased(&self) -> bool {
        self.erased
    }

    /// Sessions of an older epoch are dead. 0 from the start.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// What it may do beyond using its own account.
    #[must_use]
    pub const fn roles(&self) -> Roles {
        self.roles
    }

    /// The address as it was typed, under the user's key.
    #[must_use]
    pub const fn email(&self) -> Option<&Sealed> {
        self.email.as_ref()
    }

    /// Type of the event that the address stands in, which its seal is bound to; `None` before registration.
    #[must_use]
    pub fn email_event(&self) -> Option<&str> {
        self.email_event.as_deref()
    }

    /// The claim that its address needs. Only while the claim names this user can it log in.
    #[must_use]
    pub const fn claim(&self) -> Option<&ClaimId> {
        self.claim.as_ref()
    }

    /// Whether the address was proven.
    #[must_use]
    pub const fn email_verified(&self) -> bool {
        self.email_verified
    }

    /// Hash of the password, under a key of its own; `None` without a password.
    #[must_use]
    pub const fn password(&self) -> Option<&Sealed> {
        self.password.as_ref()
    }

    /// Type of the event that the password stands in, which its seal is bound to; `None` without a password.
    #[must_use]
    pub fn password_event(&self) -> Option<&str> {
        self.password_event.as_deref()
    }

    /// The name, under the user's key.
    #[must_use]
    pub const fn name(&self) -> Option<&Sealed> {
        self.name.as_ref()
    }

    /// The link that sets another password, if one was asked for and nothing has superseded it.
    #[must_use]
    pub const fn reset(&self) -> Option<&PasswordReset> {
        self.reset.as_ref()
    }

    /// The other address that was asked for, if nothing has superseded the request.
    #[must_use]
    pub const fn email_change(&self) -> Option<&EmailChange> {
        self.email_change.as_ref()
    }

    /// Its social accounts, oldest first. One can be logged in with while its claim names this user.
    #[must_use]
    pub fn social_accounts(&self) -> &[SocialAccount] {
        &self.social
    }

    /// One of its social accounts.
    #[must_use]
    pub fn social_account(&self, link: LinkId) -> Option<&SocialAccount> {
        self.social.iter().find(|account| account.link == link)
    }

    /// A change of who the user is ends what was asked for before it.
    fn drop_requests(&mut self) {
        self.reset = None;
        self.email_change = None;
    }

    /// What a session asked for ends with it. A link to set another password stays: no session had to ask for it, and it
    /// leads to nobody but the owner of the address.
    fn end_sessions_at(&mut self, epoch: u32) {
        self.epoch = epoch;
        self.email_change = None;
    }

    pub(super) fn take_in(&mut self, event: UserEvent) {
        let event_type = event.event_type();
        match event {
            UserEvent::Registered {
                email,
                claim,
                email_verified,
                password,
                at,
            } => {
                self.registered_at = Some(at);
                self.email = Some(email);
                self.email_event = Some(event_type.clone());
                self.claim = Some(claim);
                self.email_verified = email_verified;
                self.password_event = password.is_some().then_some(event_type);
                self.password = password;
            }
            UserEvent::ProfileChanged { name, .. } => self.name = name,
            UserEvent::PasswordChanged { .. }
            | UserEvent::PasswordRemoved { .. }
            | UserEvent::PasswordUpgraded { .. }
            | UserEvent::PasswordResetRequested { .. } => self.take_in_password(event),
            UserEvent::RoleGranted { role, epoch, .. } => {
                self.roles = self.roles.with(role);
                self.end_sessions_at(epoch);
            }
            UserEvent::RoleRevoked { role, epoch, .. } => {
                self.roles = self.roles.without(role);
                self.end_sessions_at(epoch);
            }
            UserEvent::Deactivated { epoch, .. } => {
                self.deactivated = true;
                self.epoch = epoch;
                self.drop_requests();
            }
            UserEvent::Reactivated { .. } => self.deactivated = false,
            UserEvent::SessionsEnded { epoch, .. } => self.end_sessions_at(epoch),
            UserEvent::Unlocked { .. } => {}
            UserEvent::EmailVerified { .. } => self.email_verified = true,
            UserEvent::EmailChangeRequested { .. }
            | UserEvent::EmailChangeConfirmed { .. }
            | UserEvent::EmailChanged { .. }
            | UserEvent::EmailChangeRefused { .. } => self.change_email(event),
            UserEvent::SocialAccountLinked { .. } | UserEvent::SocialAccountUnlinked { .. } => {
                self.take_in_social(event);
            }
            UserEvent::Erased { epoch, .. } => {
                self.erased = true;
                self.epoch = epoch;
                self.password = None;
                self.password_event = None;
                self.drop_requests();
            }
        }
    }

    fn take_in_password(&mut self, event: UserEvent) {
        let event_type = event.event_type();
        if let UserEvent::PasswordChanged { password, epoch, .. } = event {
            self.password = Some(password);
            self.password_event = Some(event_type);
            self.epoch = epoch;
            self.drop_requests();
        } else if let UserEvent::PasswordRemoved { epoch, .. } = event {
            self.password = None;
            self.password_event = None;
            self.epoch = epoch;
            self.drop_requests();
        } else if let UserEvent::PasswordUpgraded { password, .. } = event {
            self.password = Some(password);
            self.password_event = Some(event_type);
        } else if let UserEvent::PasswordResetRequested { request, until, .. } = event {
            let superseded = self.reset.map_or(0, |before| before.superseded.saturating_add(1));
            self.reset = Some(PasswordReset {
                request,
                until,
                superseded,
            });
        }
    }

    fn take_in_social(&mut self, event: UserEvent) {
        if let UserEvent::SocialAccountLinked {
            link,
            provider,
            claim,
            subject,
            label,
            by_password,
            at: _,
        } = event
        {
            self.social.push(SocialAccount {
                link,
                provider,
                claim,
                subject,
                label,
                by_password,
            });
        } else if let UserEvent::SocialAccountUnlinked { link, .. } = event {
            self.social.retain(|account| account.link != link);
        }
    }

    fn change_email(&mut self, event: UserEvent) {
        let event_type = event.event_type();
        if let UserEvent::EmailChangeRequested {
            request,
            email,
            claim,
            until,
            at: _,
        } = event
        {
            self.email_change = Some(EmailChange {
                request,
                email,
                claim,
                until,
                confirmed: false,
                epoch: self.epoch,
            });
        } else if let UserEvent::EmailChanged { email, claim, .. } = event {
            self.email = Some(email);
            self.email_event = Some(event_type);
            self.claim = Some(claim);
            self.email_verified = true;
            self.drop_requests();
        } else if let UserEvent::EmailChangeConfirmed { .. } = event {
            if let Some(change) = &mut self.email_change {
                change.confirmed = true;
            }
        } else {
            self.email_change = None;
        }
    }
}
