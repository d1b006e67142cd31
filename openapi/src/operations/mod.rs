//! What can be asked, one file per tag.

mod account;
mod audit;
mod authz;
mod log_in;
mod overview;
mod projections;
mod proofs;
mod recovery;
mod session;
mod sessions;
mod social;
mod start;
mod users;

use poem_openapi::Tags;

/// Groups of operations.
#[derive(Tags)]
pub(crate) enum Tag {
    /// What a page needs before it can ask anything else.
    Start,
    /// Signing up, in and out.
    Login,
    /// What goes by mail: proving an address, moving to another one, setting a forgotten password.
    Recovery,
    /// The session of this browser.
    Session,
    /// Every session of the user, and how it was logged in.
    Sessions,
    /// The user's own account.
    Account,
    /// Signing in with accounts at identity providers, and linking them.
    Social,
    /// What proves that nobody has altered the log: checkpoints and proofs, for auditors.
    Proofs,
    /// The book: who signed in, when, from where, how, and who was signed in at an instant. For auditors and admins; each
    /// question is itself an event.
    Audit,
    /// For admins: the read models, how they are, and what is done to them.
    Projections,
    /// Users, for admins.
    Users,
    /// The service at a glance, for admins.
    Overview,
    /// Questions of reverse proxies, which let an application's own API ask who calls.
    Authz,
}

macro_rules! operations {
    ($($api:path),+ $(,)?) => {
        /// Every operation. A path belongs to one of them only: poem-openapi loses operations otherwise.
        pub(crate) type Operations = ($($api,)+);

        /// Every operation.
        pub(crate) const fn all() -> Operations {
            ($($api,)+)
        }
    };
}

operations!(
    start::Start,
    log_in::Login,
    recovery::Recovery,
    session::SessionApi,
    sessions::Sessions,
    account::Account,
    social::SocialApi,
    proofs::ProofsApi,
    users::UsersApi,
    overview::OverviewApi,
    authz::Authz,
    audit::AuditApi,
    projections::Projections,
);
