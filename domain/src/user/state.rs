use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::UserEvent;
use crate::{
    role::Roles,
    seal::{ClaimId, Sealed},
    time::Timestamp,
};

/// As much of a user's history as its decisions and a login need.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    registered_at: Option<Timestamp>,
    email: Option<Sealed>,
    claim: Option<ClaimId>,
    email_verified: bool,
    password: Option<Sealed>,
    /// Type of the event that the password stands in: part of its seal.
    password_event: Option<String>,
    name: Option<Sealed>,
    roles: Roles,
    deactivated: bool,
    epoch: u32,
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
        self.is_registered() && !self.deactivated
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
                self.claim = Some(claim);
                self.email_verified = email_verified;
                self.password_event = password.is_some().then_some(event_type);
                self.password = password;
            }
            UserEvent::ProfileChanged { name, .. } => self.name = name,
            UserEvent::PasswordChanged { password, epoch, .. } => {
                self.password = Some(password);
                self.password_event = Some(event_type);
                self.epoch = epoch;
            }
            UserEvent::PasswordUpgraded { password, .. } => {
                self.password = Some(password);
                self.password_event = Some(event_type);
            }
            UserEvent::RoleGranted { role, epoch, .. } => {
                self.roles = self.roles.with(role);
                self.epoch = epoch;
            }
            UserEvent::RoleRevoked { role, epoch, .. } => {
                self.roles = self.roles.without(role);
                self.epoch = epoch;
            }
            UserEvent::Deactivated { epoch, .. } => {
                self.deactivated = true;
                self.epoch = epoch;
            }
            UserEvent::Reactivated { .. } => self.deactivated = false,
            UserEvent::SessionsEnded { epoch, .. } => self.epoch = epoch,
        }
    }
}
