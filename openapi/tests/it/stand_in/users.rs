//! One user, to whom admins can do everything, and a service that is well.

use std::time::Duration;

use async_trait::async_trait;
use doorbook_domain::{
    id::UserId,
    role::{Role, Roles},
};
use doorbook_openapi::{app::*, overview::*, users::*};
use uuid::Uuid;

use super::{Broken, EMAIL, NOW, StandIn, account, entry, session};

/// Everybody's id.
pub(crate) const ADA: UserId = UserId(Uuid::from_u128(0xada));

impl StandIn {
    fn admits(&self) -> Result<(), Refusal> {
        if *self.broken.lock().unwrap() == Broken::LastAdmin {
            return Err(Refusal::LastAdmin);
        }
        self.proven()
    }
}

fn ada() -> UserDetail {
    UserDetail {
        entry: UserEntry {
            id: ADA,
            email: EMAIL.into(),
            email_verified: true,
            name: None,
            roles: Roles::default().with(Role::Admin),
            state: UserState::Active,
            registered_at: NOW,
        },
        has_password: true,
        locked_until: Some(NOW.plus(Duration::from_secs(30))),
        sessions: 2,
        last_login: Some(LastLogin {
            at: NOW,
            method: "social".into(),
            provider: Some("github".into()),
            ip: Some("192.0.2.7".into()),
        }),
        social_accounts: vec![account()],
    }
}

#[async_trait]
impl Users for StandIn {
    async fn search_users(&self, search: UserSearch, page: PageRequest) -> Result<Page<UserEntry>, Refusal> {
        self.pages.lock().unwrap().push(page);
        self.searches.lock().unwrap().push(search);
        let erased = UserEntry {
            email: "[erased]".into(),
            state: UserState::Erased,
            ..ada().entry
        };
        Ok(Page {
            items: vec![ada().entry, erased],
            next_cursor: Some("1.a".into()),
        })
    }

    async fn user_detail(&self, user: UserId) -> Result<UserDetail, Refusal> {
        let mut detail = ada();
        detail.entry.id = user;
        Ok(detail)
    }

    async fn sessions_of(&self, _: UserId, page: PageRequest) -> Result<Page<SessionEntry>, Refusal> {
        self.pages.lock().unwrap().push(page);
        Ok(Page {
            items: vec![entry(&session(1, true))],
            next_cursor: None,
        })
    }

    async fn invite(&self, _: &LiveSession, wish: Invitation, origin: &Origin) -> Result<UserDetail, Refusal> {
        self.gate(origin)?;
        self.admits()?;
        if wish.email == EMAIL {
            return Err(Refusal::AddressTaken);
        }
        Ok(ada())
    }

    async fn set_roles(&self, _: &LiveSession, _: UserId, _: Roles, origin: &Origin) -> Result<UserDetail, Refusal> {
        self.gate(origin)?;
        self.admits()?;
        Ok(ada())
    }

    async fn act_on_user(
        &self,
        _: &LiveSession,
        _: UserId,
        action: UserAction,
        origin: &Origin,
    ) -> Result<(), Refusal> {
        self.gate(origin)?;
        self.admits()?;
        self.actions.lock().unwrap().push(action);
        Ok(())
    }
}

#[async_trait]
impl Glance for StandIn {
    async fn overview(&self) -> Result<Overview, Refusal> {
        Ok(Overview {
            at: NOW,
            totals: Some(Totals {
                counted_at: NOW,
                approximate: false,
                live_sessions: 3,
                active: 2,
                deactivated: 1,
                erased: 0,
            }),
            hours: vec![Hour {
                from: NOW,
                logins: 5,
                failures: 1,
            }],
            position: "18446744073709551615".into(),
            events_per_second: 0.25,
            lag: vec![Lag {
                projection: "users".into(),
                events: 0,
                age: Duration::ZERO,
                parked: 0,
            }],
        })
    }
}
