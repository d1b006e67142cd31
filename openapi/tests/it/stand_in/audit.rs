//! A book with one row of everything.

use async_trait::async_trait;
use doorbook_domain::{id::UserId, time::Timestamp};
use doorbook_openapi::{
    app::{LiveSession, Origin, Page, PageRequest, Refusal},
    audit::*,
    export::{Instant, Json},
};
use doorbook_projections::fault::Fault;
use uuid::Uuid;

use super::{Broken, EMAIL, NOW, StandIn};

fn one<T>(item: T, page: &PageRequest) -> Page<T> {
    Page {
        items: vec![item],
        next_cursor: (page.limit == 1).then(|| "7.next".to_owned()),
    }
}

fn client() -> Client {
    Client {
        kind: "pc".to_owned(),
        browser: Some("Firefox".to_owned()),
        version: Some("143.0".to_owned()),
        os: Some("Linux".to_owned()),
    }
}

fn login() -> LoginRecord {
    LoginRecord {
        id: format!("session-{}", Uuid::from_u128(9)),
        at: Instant(NOW),
        outcome: "success".to_owned(),
        reason: None,
        failures: None,
        since: None,
        method: "password".to_owned(),
        provider: None,
        user_id: Some(Uuid::from_u128(7)),
        email: Some(EMAIL.to_owned()),
        name: Some("=cmd|'/C calc'!A1".to_owned()),
        ip: Some("203.0.113.7".to_owned()),
        city: Some("Linköping".to_owned()),
        country: Some("SE".to_owned()),
        user_agent: Some("Mozilla/5.0".to_owned()),
        client: Some(client()),
        session_id: Some(Uuid::from_u128(9)),
        ended_at: None,
        end_reason: None,
        ended_by: None,
        duration_seconds: None,
    }
}

struct OneBatch(Option<Vec<LoginRecord>>);

#[async_trait]
impl LoginBatches for OneBatch {
    async fn next(&mut self) -> Result<Option<Vec<LoginRecord>>, Fault> {
        Ok(self.0.take())
    }
}

#[async_trait]
impl Audit for StandIn {
    async fn search_logins(
        &self,
        _: &LiveSession,
        _: LoginFilter,
        page: PageRequest,
        origin: &Origin,
    ) -> Result<Page<LoginRecord>, Refusal> {
        self.gate(origin)?;
        self.pages.lock().unwrap().push(page.clone());
        Ok(one(login(), &page))
    }

    async fn export_logins(
        &self,
        _: &LiveSession,
        _: LoginFilter,
        _: &'static str,
        origin: &Origin,
    ) -> Result<Box<dyn LoginBatches>, Refusal> {
        self.gate(origin)?;
        if *self.broken.lock().unwrap() == Broken::Unproven {
            return Err(Refusal::ReauthenticationRequired);
        }
        Ok(Box::new(OneBatch(Some(vec![login()]))))
    }

    async fn sessions_as_of(
        &self,
        _: &LiveSession,
        at: Timestamp,
        user: Option<UserId>,
        page: PageRequest,
        origin: &Origin,
    ) -> Result<Page<SessionRecord>, Refusal> {
        self.gate(origin)?;
        let record = SessionRecord {
            id: Uuid::from_u128(9),
            user_id: user.map_or(Uuid::from_u128(7), |user| user.0),
            email: Some(EMAIL.to_owned()),
            name: None,
            started_at: Instant(at),
            method: "password".to_owned(),
            provider: None,
            ip: Some("203.0.113.7".to_owned()),
            user_agent: Some("Mozilla/5.0".to_owned()),
            client: Some(client()),
            expires_at: Instant(at),
            ended_at: Some(Instant(at)),
            end_reason: Some("expired".to_owned()),
            ended_by: None,
        };
        Ok(one(record, &page))
    }

    async fn user_as_of(
        &self,
        _: &LiveSession,
        user: UserId,
        at: Option<Timestamp>,
        origin: &Origin,
    ) -> Result<UserRecord, Refusal> {
        self.gate(origin)?;
        if user.0.is_nil() {
            return Err(Refusal::NotFound);
        }
        Ok(UserRecord {
            id: user.0,
            as_of: Instant(at.unwrap_or(NOW)),
            email: EMAIL.to_owned(),
            email_verified: true,
            name: None,
            roles: vec!["auditor".to_owned()],
            active: true,
            erased: false,
            has_password: true,
            providers: Vec::new(),
            registered_at: Instant(NOW),
        })
    }

    async fn search_events(
        &self,
        _: &LiveSession,
        _: EventFilter,
        page: PageRequest,
        origin: &Origin,
    ) -> Result<Page<EventRecord>, Refusal> {
        self.gate(origin)?;
        let record = EventRecord {
            position: "3".to_owned(),
            stream: format!("user-{}", Uuid::from_u128(7)),
            sequence: 1,
            r#type: "user.registered".to_owned(),
            actor: Some("anonymous".to_owned()),
            request_id: None,
            recorded_at: Instant(NOW),
            data: Json(serde_json::json!({"email": EMAIL})),
        };
        Ok(one(record, &page))
    }
}
