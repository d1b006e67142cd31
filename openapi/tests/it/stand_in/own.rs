//! What a user sees of its own: a session, a list, a file.

use std::{collections::VecDeque, time::Duration};

use async_trait::async_trait;
use doorbook_domain::{
    id::{SessionId, UserId},
    role::{Role, Roles},
};
use doorbook_openapi::{
    app::*,
    export::{Export, ExportedAddress, ExportedEvent, ExportedProfile, Instant, Json},
};
use uuid::Uuid;

use super::{EMAIL, NOW};

pub(crate) fn session(id: u64, remember: bool) -> LiveSession {
    let day = Duration::from_hours(24);
    LiveSession {
        id: SessionId(Uuid::from_u128(u128::from(id))),
        user: UserId(Uuid::from_u128(0xada)),
        epoch: 0,
        roles: Roles::default().with(Role::Auditor),
        identity: Identity::new(EMAIL, Some("Ada \"Zoë\" \\ Lovelace\u{1}")),
        email_verified: true,
        user_since: NOW.minus(day),
        started_at: NOW,
        authenticated_at: NOW,
        idle_until: NOW.plus(day),
        absolute_until: NOW.plus(day * 2),
        remember,
    }
}

pub(super) fn entry(session: &LiveSession) -> SessionEntry {
    SessionEntry {
        id: session.id,
        started_at: session.started_at,
        last_seen_at: session.started_at,
        idle_until: session.idle_until,
        absolute_until: session.absolute_until,
        method: "password".into(),
        provider: None,
        ip: None,
        user_agent: Some("curl".into()),
    }
}

pub(super) fn logins() -> Page<LoginEntry> {
    let ok = LoginEntry {
        id: "2".into(),
        at: NOW,
        outcome: "success".into(),
        reason: None,
        failures: None,
        method: "password".into(),
        provider: None,
        ip: Some("192.0.2.1".into()),
        user_agent: Some("curl".into()),
        session: Some(SessionId(Uuid::from_u128(1))),
        ended_at: Some(NOW),
        end_reason: Some("logged_out".into()),
    };
    let failed = LoginEntry {
        id: "1".into(),
        outcome: "failure".into(),
        reason: Some("wrong_password".into()),
        ip: None,
        user_agent: None,
        session: None,
        ended_at: None,
        end_reason: None,
        ..ok.clone()
    };
    Page {
        items: vec![ok, failed],
        next_cursor: None,
    }
}

pub(super) fn export(session: &LiveSession) -> Export {
    let at = || Instant(NOW);
    Export {
        exported_at: at(),
        complete: true,
        profile: ExportedProfile::new(session.user.0, EMAIL.into(), true, None, session.roles, NOW),
        addresses: vec![ExportedAddress {
            email: EMAIL.into(),
            since: at(),
        }],
        social_accounts: Vec::new(),
        pending: Vec::new(),
        sessions: Vec::new(),
        logins: Vec::new(),
        events: vec![ExportedEvent {
            position: "1".into(),
            stream: format!("user-{}", session.user),
            r#type: "user.registered".into(),
            at: at(),
            data: Json(serde_json::json!({"email": EMAIL})),
        }],
    }
}

/// A page that hears what it is to hear, and then nothing more.
pub(super) struct OpenPage(pub(super) VecDeque<Notice>);

#[async_trait]
impl Tab for OpenPage {
    async fn next(&mut self) -> Option<Notice> {
        self.0.pop_front()
    }
}
