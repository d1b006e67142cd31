//! The naive truth: what the log says, folded from its beginning for every question.

use cqrs_es::Aggregate;
use doorbook_domain::{
    id::{SessionId, UserId},
    role::Roles,
    session::SessionEvent,
    user::UserEvent,
};
use doorbook_openapi::app::{Identity, LiveSession};

use super::support::*;

/// A user by its whole stream.
#[derive(Default, Clone)]
pub(super) struct TrueUser {
    registered: bool,
    off: bool,
    pub(super) epoch: u32,
    roles: Roles,
    name: Option<String>,
}

pub(super) fn fold_user(events: &[UserEvent]) -> TrueUser {
    let mut user = TrueUser::default();
    for event in events {
        match event {
            UserEvent::Registered { .. } => user.registered = true,
            UserEvent::ProfileChanged { name, .. } => {
                user.name = name
                    .as_ref()
                    .map(|name| name.as_str().rsplit('|').next().unwrap().to_owned());
            }
            UserEvent::PasswordChanged { epoch, .. }
            | UserEvent::PasswordRemoved { epoch, .. }
            | UserEvent::SessionsEnded { epoch, .. } => user.epoch = *epoch,
            UserEvent::RoleGranted { epoch, role, .. } => {
                user.epoch = *epoch;
                user.roles = user.roles.with(*role);
            }
            UserEvent::RoleRevoked { epoch, role, .. } => {
                user.epoch = *epoch;
                user.roles = user.roles.without(*role);
            }
            UserEvent::Deactivated { epoch, .. } | UserEvent::Erased { epoch, .. } => {
                user.epoch = *epoch;
                user.off = true;
            }
            UserEvent::Reactivated { .. } => user.off = false,
            UserEvent::PasswordUpgraded { .. }
            | UserEvent::Unlocked { .. }
            | UserEvent::PasswordResetRequested { .. }
            | UserEvent::EmailVerified { .. }
            | UserEvent::EmailChangeRequested { .. }
            | UserEvent::EmailChangeConfirmed { .. }
            | UserEvent::EmailChanged { .. }
            | UserEvent::EmailChangeRefused { .. }
            | UserEvent::SocialAccountLinked { .. }
            | UserEvent::SocialAccountUnlinked { .. } => {}
        }
    }
    user
}

/// What a session is worth by what its stream and its user's say.
pub(super) fn worth(
    id: SessionId,
    session: &[SessionEvent],
    user: &[UserEvent],
    of: u8,
    now: i64,
) -> Option<LiveSession> {
    let SessionEvent::Started { user_id, .. } = session.first()? else {
        panic!("every session starts");
    };
    let owner = fold_user(user);
    let mut live = LiveSession {
        id,
        user: *user_id,
        epoch: 0,
        roles: owner.roles,
        identity: Identity::new("Ada@example.org", owner.name.as_deref()),
        email_verified: true,
        user_since: T0,
        started_at: T0,
        authenticated_at: T0,
        idle_until: T0,
        absolute_until: T0,
        remember: true,
    };
    let mut holds = (0, secret(0));
    for event in session {
        match event {
            SessionEvent::Started {
                epoch,
                secret,
                idle_until,
                absolute_until,
                at,
                ..
            } => {
                holds = (*epoch, *secret);
                (live.idle_until, live.absolute_until) = (*idle_until, *absolute_until);
                (live.started_at, live.authenticated_at) = (*at, *at);
            }
            SessionEvent::Refreshed { idle_until, .. } => live.idle_until = *idle_until,
            SessionEvent::Reauthenticated { at, .. } => live.authenticated_at = *at,
            SessionEvent::Rotated { secret, epoch, .. } => holds = (*epoch, *secret),
            SessionEvent::Ended { .. } => return None,
        }
    }
    let alive = owner.registered && !owner.off && holds == (owner.epoch, secret(of));
    let in_time = at(now) < live.idle_until && at(now) < live.absolute_until;
    assert_eq!(alive && in_time, domain_lets_live(session, user, of, now));
    live.epoch = holds.0;
    (alive && in_time).then_some(live)
}

/// Whose session it is.
pub(super) fn owner(session: &[SessionEvent]) -> Option<UserId> {
    session.iter().find_map(|event| {
        if let SessionEvent::Started { user_id, .. } = event {
            Some(*user_id)
        } else {
            None
        }
    })
}

/// What the aggregates of the domain say of the same streams.
fn domain_lets_live(session: &[SessionEvent], user: &[UserEvent], of: u8, now: i64) -> bool {
    let mut owner = doorbook_domain::user::User::default();
    for event in user {
        owner.apply(event.clone());
    }
    let mut aggregate = doorbook_domain::session::Session::default();
    for event in session {
        aggregate.apply(event.clone());
    }
    let holds = aggregate.login().is_some_and(|login| login.secret == secret(of));
    holds && owner.is_active() && aggregate.is_live(at(now), owner.epoch())
}
