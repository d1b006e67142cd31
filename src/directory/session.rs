//! One session in memory: 96 bytes.

use std::sync::atomic::{AtomicBool, Ordering};

use doorbook_domain::{
    id::{SessionId, UserId},
    seal::SecretHash,
    session::SessionEvent,
    time::Timestamp,
};
use doorbook_openapi::app::{Check, LiveSession};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::{
    table::Keyed,
    user::{User, UserSlot},
};

/// As much of a session as a check needs, folded by the rules of the domain's aggregate.
pub(super) struct Session {
    pub(super) id: SessionId,
    secret: SecretHash,
    started_at: Timestamp,
    authenticated_at: Timestamp,
    idle_until: Timestamp,
    absolute_until: Timestamp,
    /// Where its user stands.
    pub(super) user: UserSlot,
    pub(super) epoch: u32,
    /// Number of the last event that is folded in.
    pub(super) sequence: u32,
    remember: bool,
    /// Used since the hand of the clock last passed.
    touched: AtomicBool,
}

/// What an event did to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It goes on.
    Goes,
    /// It is over for good.
    Ends,
    /// The event cannot stand at its place.
    Misfit,
}

impl Session {
    /// The session that `event` starts, its user's slot not known yet, and who the user is.
    pub(super) fn start(id: SessionId, event: &SessionEvent) -> Option<(UserId, Self)> {
        let SessionEvent::Started {
            user_id,
            epoch,
            secret,
            remember,
            idle_until,
            absolute_until,
            at,
            ..
        } = event
        else {
            return None;
        };
        let session = Self {
            id,
            secret: *secret,
            started_at: *at,
            authenticated_at: *at,
            idle_until: *idle_until,
            absolute_until: *absolute_until,
            user: UserSlot::NOWHERE,
            epoch: *epoch,
            sequence: 1,
            remember: *remember,
            touched: AtomicBool::new(false),
        };
        Some((*user_id, session))
    }

    /// Folds the next event in.
    pub(super) fn apply(&mut self, event: &SessionEvent) -> Effect {
        self.sequence += 1;
        match event {
            SessionEvent::Started { .. } => return Effect::Misfit,
            SessionEvent::Refreshed { idle_until, .. } => self.idle_until = *idle_until,
            SessionEvent::Reauthenticated { at, .. } => self.authenticated_at = *at,
            SessionEvent::Rotated { secret, epoch, .. } => {
                self.secret = *secret;
                self.epoch = *epoch;
            }
            SessionEvent::Ended { .. } => return Effect::Ends,
        }
        Effect::Goes
    }

    /// Whether the session lives at `now` for whoever holds `secret`. The hashes are compared in constant time.
    pub(super) fn judge(&self, user: &User, secret: &SecretHash, now: Timestamp) -> Check {
        if !same(&self.secret, secret) || now >= self.idle_until || now >= self.absolute_until {
            return Check::Dead;
        }
        if !user.fresh || user.epoch < self.epoch {
            return Check::Unknown;
        }
        if !user.active || user.epoch != self.epoch {
            return Check::Dead;
        }
        Check::Live(LiveSession {
            id: self.id,
            user: user.id,
            epoch: self.epoch,
            roles: user.roles,
            identity: user.identity.clone(),
            email_verified: user.email_verified,
            user_since: user.since,
            started_at: self.started_at,
            authenticated_at: self.authenticated_at,
            idle_until: self.idle_until,
            absolute_until: self.absolute_until,
            remember: self.remember,
        })
    }

    /// Notes that it was used, so that the hand of the clock spares it once.
    pub(super) fn touch(&self) {
        if !self.touched.load(Ordering::Relaxed) {
            self.touched.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it was used since this was last asked.
    pub(super) fn spare(&mut self) -> bool {
        std::mem::take(self.touched.get_mut())
    }
}

/// Compares in constant time, half by half: byte by byte costs as much as the rest of a check.
fn same(known: &SecretHash, given: &SecretHash) -> bool {
    let [(known_high, known_low), (given_high, given_low)] = [known, given].map(|hash| {
        let half = |bytes: Option<&[u8; 16]>| bytes.map_or(0, |bytes| u128::from_ne_bytes(*bytes));
        (half(hash.0.first_chunk()), half(hash.0.last_chunk()))
    });
    (known_high.ct_eq(&given_high) & known_low.ct_eq(&given_low)).into()
}

impl Keyed for Session {
    fn key(&self) -> Uuid {
        self.id.0
    }
}
