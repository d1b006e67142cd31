//! What the HTTP layer asks of the service about the audit trail.

use std::net::IpAddr;

use async_trait::async_trait;
use doorbook_domain::{id::UserId, time::Timestamp};
use doorbook_projections::{fault::Fault, login_history::Won};
use poem_openapi::Object;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    app::{LiveSession, Origin, Page, PageRequest, Refusal},
    scalar::{Instant, Json},
};

/// Which logins are looked for. What is absent does not matter.
#[derive(Debug, Clone, Default)]
pub struct LoginFilter {
    /// Of this user.
    pub user: Option<UserId>,
    /// At this address, as typed.
    pub email: Option<String>,
    /// From this address of the network.
    pub ip: Option<IpAddr>,
    /// With this outcome.
    pub outcome: Option<Won>,
    /// By this method.
    pub method: Option<String>,
    /// By this identity provider.
    pub provider: Option<String>,
    /// For this reason.
    pub reason: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
}

/// Which events are looked for. What is absent does not matter.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Of this type.
    pub event_type: Option<String>,
    /// Of this stream.
    pub stream: Option<String>,
    /// By this actor.
    pub actor: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
}

/// With what somebody came, as far as the user agent tells.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize)]
#[oai(skip_serializing_if_is_none)]
pub struct Client {
    /// Its kind: `pc`, `smartphone`, `mobilephone`, `appliance`, `crawler`, `misc`.
    pub kind: String,
    /// `Firefox`, `Chrome` ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `Windows 10`, `iPhone`, `Android` ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
}

/// A login, or an attempt. Of somebody who was erased, what was personal reads `[erased]`.
#[derive(Object, Serialize)]
#[oai(skip_serializing_if_is_none)]
pub struct LoginRecord {
    /// Names the row.
    pub id: String,
    /// When; of several failures, the last.
    pub at: Instant,
    /// `success` or `failure`.
    pub outcome: String,
    /// Why it failed: `wrong_password`, `unknown_address`, `inactive`, `no_password`, `unverified`, `not_admitted`,
    /// `not_linked`; `several` where failures were only counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many failures the row stands for, where they were only counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
    /// The first of those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Instant>,
    /// `password`, `social`.
    pub method: String,
    /// The identity provider, where there is one: `github`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Who. Absent where nobody has the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Uuid>,
    /// Of a success, the user's present address; of a failure, the address as it was typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The user's present name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// From where. `[erased]`, as the user agent, also once it is older than the service keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The city of that address, in English, as the operator's database of places says today. A guess.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Its country, by the same database: two letters of ISO 3166-1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// With what, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// With what, as understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<Client>,
    /// The session that it opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Uuid>,
    /// When that session ended, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Instant>,
    /// How it ended: `logged_out`, `revoked`, `replaced`, `too_many`, `expired`, `password_changed`, `role_revoked` ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_reason: Option<String>,
    /// Who ended it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<Uuid>,
    /// How long it lasted, in whole seconds. Absent while it lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<u64>,
}

/// A session that was alive at an instant. Of somebody who was erased, what was personal reads `[erased]`.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct SessionRecord {
    /// Names the session.
    pub id: Uuid,
    /// Whose it was.
    pub user_id: Uuid,
    /// The user's present address.
    pub email: Option<String>,
    /// The user's present name.
    pub name: Option<String>,
    /// When it started.
    pub started_at: Instant,
    /// `password`, `social`.
    pub method: String,
    /// The identity provider, where there is one.
    pub provider: Option<String>,
    /// From where.
    pub ip: Option<String>,
    /// With what, as sent.
    pub user_agent: Option<String>,
    /// With what, as understood.
    pub client: Option<Client>,
    /// It could not live longer.
    pub expires_at: Instant,
    /// When it ended, where it did: after the instant that was asked about.
    pub ended_at: Option<Instant>,
    /// How it ended.
    pub end_reason: Option<String>,
    /// Who ended it, where that is known.
    pub ended_by: Option<Uuid>,
}

/// A user at an instant. Of somebody who was erased since, what was personal reads `[erased]`.
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the contract")]
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct UserRecord {
    /// Names the user for ever.
    pub id: Uuid,
    /// The instant.
    pub as_of: Instant,
    /// The address that the user had, as it was typed.
    pub email: String,
    /// Whether it was proven.
    pub email_verified: bool,
    /// The name, where there was one.
    pub name: Option<String>,
    /// What the user could do beyond using its own account: `auditor`, `admin`.
    pub roles: Vec<String>,
    /// Whether the user could log in.
    pub active: bool,
    /// Whether the user was erased by then.
    pub erased: bool,
    /// Whether the user had a password.
    pub has_password: bool,
    /// The identity providers that the user could log in with.
    pub providers: Vec<String>,
    /// When the user registered.
    pub registered_at: Instant,
}

/// An event of the log, with what was sealed in it, and without secrets.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct EventRecord {
    /// Its place in the log.
    pub position: String,
    /// The stream that it stands in: `user-<id>`, `session-<id>` ….
    pub stream: String,
    /// Its number within the stream.
    pub sequence: u64,
    /// What happened: `user.registered`, `session.started` ….
    pub r#type: String,
    /// Who sent the command: `user-<id>`, `cli`, `anonymous`, `system`.
    pub actor: Option<String>,
    /// The request that carried it.
    pub request_id: Option<String>,
    /// When the log took it in.
    pub recorded_at: Instant,
    /// Its fields, opened. Password hashes and digests of secrets are left out.
    pub data: Json,
}

/// Logins on their way out, batch by batch.
#[async_trait]
pub trait LoginBatches: Send {
    /// The next of them; `None` after the last.
    ///
    /// # Errors
    ///
    /// [`Fault`] when something broke, or the reader may not read on: the session is dead or the role gone.
    async fn next(&mut self) -> Result<Option<Vec<LoginRecord>>, Fault>;
}

/// The part of the service that shows the audit trail. Each call is an event before it is answered.
#[async_trait]
pub trait Audit: Send + Sync {
    /// The logins that fit, newest first. A page may be short, and still have a next one.
    async fn search_logins(
        &self,
        reader: &LiveSession,
        filter: LoginFilter,
        page: PageRequest,
        origin: &Origin,
    ) -> Result<Page<LoginRecord>, Refusal>;
    /// The same, all of them. Needs a recent proof.
    async fn export_logins(
        &self,
        reader: &LiveSession,
        filter: LoginFilter,
        format: &'static str,
        origin: &Origin,
    ) -> Result<Box<dyn LoginBatches>, Refusal>;
    /// Who was signed in at an instant, newest session first.
    async fn sessions_as_of(
        &self,
        reader: &LiveSession,
        at: Timestamp,
        user: Option<UserId>,
        page: PageRequest,
        origin: &Origin,
    ) -> Result<Page<SessionRecord>, Refusal>;
    /// A user as it was at an instant; now, where none is given.
    async fn user_as_of(
        &self,
        reader: &LiveSession,
        user: UserId,
        at: Option<Timestamp>,
        origin: &Origin,
    ) -> Result<UserRecord, Refusal>;
    /// The events that fit, newest first. A page may be short, and still have a next one.
    async fn search_events(
        &self,
        reader: &LiveSession,
        filter: EventFilter,
        page: PageRequest,
        origin: &Origin,
    ) -> Result<Page<EventRecord>, Refusal>;
}
