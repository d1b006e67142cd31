//! The objects that several operations share, and how a live session is written.

use std::borrow::Cow;

use doorbook_domain::role::{Role, Roles};
use poem_openapi::{
    Enum, Object,
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};
use uuid::Uuid;

use crate::{
    app::{FieldError, LiveSession},
    json::{push_instant, push_text},
    scalar::{Always, Instant, ProblemType},
};

/// A failure (RFC 9457). Tell failures apart by `type`.
#[derive(Object)]
pub(crate) struct ProblemDetails {
    /// `urn:doorbook:problem:<slug>`: stable.
    r#type: ProblemType,
    /// What kind of failure it is, for people.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What to do about it, for people.
    detail: Option<String>,
    /// Every field that is not valid.
    errors: Option<Vec<InvalidField>>,
}

/// A field that is not valid.
#[derive(Object)]
pub(crate) struct InvalidField {
    /// Its name, as in the request.
    field: String,
    /// Stable, snake case: `missing`, `unknown`, `wrong_type`, `too_short` ….
    code: String,
    /// A sentence for people.
    message: String,
}

impl From<FieldError> for InvalidField {
    fn from(error: FieldError) -> Self {
        let FieldError { field, code, message } = error;
        Self { field, code, message }
    }
}

/// What a user may do beyond using its own account.
#[derive(Enum)]
#[oai(rename = "Role", rename_all = "snake_case")]
pub(crate) enum RoleName {
    /// Reads the audit trail.
    Auditor,
    /// Manages users, sessions and projections, and reads the audit trail.
    Admin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Auditor => Self::Auditor,
            RoleName::Admin => Self::Admin,
        }
    }
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        match role {
            Role::Auditor => Self::Auditor,
            Role::Admin => Self::Admin,
        }
    }
}

/// A user, as it sees itself.
#[derive(Object)]
pub(crate) struct User {
    /// Names the user for ever.
    id: Uuid,
    /// The address, as it was typed.
    email: String,
    /// Whether the address was proven.
    email_verified: bool,
    /// The name, where there is one.
    name: Option<String>,
    /// What the user may do beyond using its own account.
    roles: Vec<RoleName>,
    /// Whether the user has any role.
    is_staff: bool,
    /// Whether the user is an admin.
    is_superuser: bool,
    /// When the user registered.
    created_at: Instant,
}

/// A session.
#[derive(Object)]
pub(crate) struct SessionInfo {
    /// Names the session. Not a secret.
    id: Uuid,
    /// When somebody logged in.
    started_at: Instant,
    /// When the user last proved who they are.
    authenticated_at: Instant,
    /// Dead from then on, unless used or refreshed.
    idle_expires_at: Instant,
    /// Dead from then on.
    expires_at: Instant,
    /// Whether the cookie outlives the browser.
    remember: bool,
}

impl SessionInfo {
    pub(crate) fn new(live: &LiveSession) -> Self {
        Self {
            id: live.id.0,
            started_at: Instant(live.started_at),
            authenticated_at: Instant(live.authenticated_at),
            idle_expires_at: Instant(live.idle_until),
            expires_at: Instant(live.absolute_until),
            remember: live.remember,
        }
    }
}

impl User {
    pub(crate) fn new(live: &LiveSession) -> Self {
        Self {
            id: live.user.0,
            email: live.identity.email().to_owned(),
            email_verified: live.email_verified,
            name: live.identity.name().map(str::to_owned),
            roles: live.roles.iter().map(RoleName::from).collect(),
            is_staff: !live.roles.is_empty(),
            is_superuser: live.roles.contains(Role::Admin),
            created_at: Instant(live.user_since),
        }
    }
}

/// A live session and its user.
#[expect(clippy::struct_field_names, reason = "the names of the contract")]
#[derive(Object)]
pub(crate) struct Session {
    /// Always true.
    authenticated: Always<true>,
    /// The session.
    session: SessionInfo,
    /// Its user.
    user: User,
}

/// Nobody is signed in.
#[derive(Object)]
pub(crate) struct SignedOut {
    /// Always false.
    authenticated: Always<false>,
}

/// A live session, or none: told apart by `authenticated`.
pub(crate) struct SessionState;

impl Type for SessionState {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "SessionState".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Reference("SessionState".to_owned())
    }

    fn register(registry: &mut Registry) {
        registry.create_schema::<Self, _>("SessionState".to_owned(), |registry| {
            Session::register(registry);
            SignedOut::register(registry);
            MetaSchema {
                description: Some("A live session, or none: told apart by `authenticated`."),
                one_of: vec![Session::schema_ref(), SignedOut::schema_ref()],
                ..MetaSchema::ANY
            }
        });
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

/// The JSON of [`SignedOut`].
pub(crate) const SIGNED_OUT: &[u8] = b"{\"authenticated\":false}";

/// The JSON of a [`Session`], written straight from the record: this is what every page load asks for.
pub(crate) fn session_json(live: &LiveSession) -> Vec<u8> {
    let mut out = Vec::with_capacity(640);
    out.extend_from_slice(b"{\"authenticated\":true,\"session\":");
    push_session(&mut out, live);
    out.extend_from_slice(b",\"user\":");
    push_user(&mut out, live);
    out.push(b'}');
    out
}

/// The JSON of a [`SessionInfo`].
pub(crate) fn session_info_json(live: &LiveSession) -> Vec<u8> {
    let mut out = Vec::with_capacity(320);
    push_session(&mut out, live);
    out
}

fn push_session(out: &mut Vec<u8>, live: &LiveSession) {
    out.extend_from_slice(b"{\"id\":");
    push_id(out, live.id.0);
    out.extend_from_slice(b",\"started_at\":");
    push_instant(out, live.started_at);
    out.extend_from_slice(b",\"authenticated_at\":");
    push_instant(out, live.authenticated_at);
    out.extend_from_slice(b",\"idle_expires_at\":");
    push_instant(out, live.idle_until);
    out.extend_from_slice(b",\"expires_at\":");
    push_instant(out, live.absolute_until);
    out.extend_from_slice(b",\"remember\":");
    push_flag(out, live.remember);
    out.push(b'}');
}

/// The JSON of a [`User`].
pub(crate) fn user_json(live: &LiveSession) -> Vec<u8> {
    let mut out = Vec::with_capacity(320);
    push_user(&mut out, live);
    out
}

fn push_user(out: &mut Vec<u8>, live: &LiveSession) {
    let (email, name) = (live.identity.email(), live.identity.name());
    out.extend_from_slice(b"{\"id\":");
    push_id(out, live.user.0);
    out.extend_from_slice(b",\"email\":");
    push_text(out, email);
    out.extend_from_slice(b",\"email_verified\":");
    push_flag(out, live.email_verified);
    if let Some(name) = name {
        out.extend_from_slice(b",\"name\":");
        push_text(out, name);
    }
    out.extend_from_slice(b",\"roles\":[");
    push_roles(out, live.roles);
    out.extend_from_slice(b"],\"is_staff\":");
    push_flag(out, !live.roles.is_empty());
    out.extend_from_slice(b",\"is_superuser\":");
    push_flag(out, live.roles.contains(Role::Admin));
    out.extend_from_slice(b",\"created_at\":");
    push_instant(out, live.user_since);
    out.push(b'}');
}

fn push_id(out: &mut Vec<u8>, id: Uuid) {
    out.push(b'"');
    out.extend_from_slice(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
    out.push(b'"');
}

fn push_flag(out: &mut Vec<u8>, flag: bool) {
    out.extend_from_slice(if flag { b"true" } else { b"false" });
}

fn push_roles(out: &mut Vec<u8>, roles: Roles) {
    for (place, role) in roles.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        push_text(out, role.as_str());
    }
}
