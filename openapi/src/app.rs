//! What the HTTP layer asks of the service. The binary answers; tests of this crate answer with a stand-in.
//!
//! * [`App`] is all of it; what admins and auditors ask stands in traits of their own, which it takes in.
//! * `live` is a session and its cookies, `wish` what people ask for, `refusal` why they do not get it.
//! * `list` is what they see in pages, `tab` a page that follows its session.
//! * `settings` is the configuration, `mail` the mailbox of developers, `health` what machines watch.

use async_trait::async_trait;
use doorbook_domain::{
    id::{SessionId, UserId},
    time::Timestamp,
};
use doorbook_projections::fault::Fault;
use uuid::Uuid;

use crate::{audit::Audit, export::Export, overview::Glance, proofs::Proofs, runs::Runs, social::Social, users::Users};

mod health;
mod list;
mod live;
mod mail;
mod refusal;
mod settings;
mod tab;
mod wish;

pub use self::{
    health::{Health, Part},
    list::{LoginEntry, Page, PageRequest, SessionEntry},
    live::{Check, DeviceCookie, Identity, LiveSession, Opened, Origin, SessionCookie},
    mail::{Mail, MailEntry, Mailbox},
    refusal::{FieldError, Refusal},
    settings::Settings,
    tab::{Notice, Tab},
    wish::{LogIn, Secret, SignUp},
};

/// The service behind the API.
#[async_trait]
pub trait App: Social + Proofs + Audit + Runs + Users + Glance + Send + Sync + 'static {
    /// The service's clock.
    fn now(&self) -> Timestamp;
    /// A fresh id for a request.
    fn request_id(&self) -> Uuid;
    /// 32 fresh random bytes.
    fn random(&self) -> [u8; 32];
    /// The configuration that the HTTP layer needs.
    fn settings(&self) -> &Settings;
    /// Mail that was sent, for developers. Without it `/dev/mailbox` is not found.
    fn mailbox(&self) -> Option<&dyn Mailbox> {
        None
    }

    /// What memory knows about a cookie's value. No I/O.
    fn check(&self, cookie: &str) -> Check;
    /// What the log knows about it. `None`: dead or forged.
    async fn resolve(&self, cookie: &str) -> Result<Option<LiveSession>, Fault>;
    /// Notes that the session was used. Moves its idle deadline in the background, at most once per twelfth of it.
    fn touch(&self, session: &LiveSession);
    /// Follows the session of a cookie for one open page. That is no use of the session.
    async fn follow(&self, cookie: &SessionCookie) -> Result<Box<dyn Tab>, Refusal>;

    /// Which rules a password breaks that is to be set, as errors of `field`. `words` are the person's own: address, name.
    async fn judge_password(
        &self,
        field: &str,
        new: &Secret,
        words: [Option<&str>; 2],
        origin: &Origin,
    ) -> Result<Vec<FieldError>, Refusal>;
    /// Begins an account. The same answer whether the address is known or not.
    async fn sign_up(&self, wish: SignUp, origin: &Origin) -> Result<(), Refusal>;
    /// Follows a mailed link that proves an address: of a sign-up, or of a change of address.
    async fn verify_email(&self, token: Secret, origin: &Origin) -> Result<(), Refusal>;
    /// Sends the link of a sign-up once more. The same answer whether there is one or not.
    async fn resend_verification(&self, email: String, origin: &Origin) -> Result<(), Refusal>;
    /// Sends a link to set another password. The same answer whether the address is known or not.
    async fn request_password_reset(&self, email: String, origin: &Origin) -> Result<(), Refusal>;
    /// Sets another password by such a link, and ends every session.
    async fn reset_password(&self, token: Secret, new: Secret, origin: &Origin) -> Result<(), Refusal>;
    /// Sends a link to another address, which takes effect when it is followed. The same answer whether the address is
    /// taken or not.
    async fn change_email(&self, session: &LiveSession, email: String, origin: &Origin) -> Result<(), Refusal>;
    /// Opens a session.
    async fn log_in(&self, wish: LogIn, origin: &Origin) -> Result<Opened, Refusal>;
    /// Ends the session. Once it returns, nobody accepts its cookie.
    async fn log_out(&self, session: SessionId, origin: &Origin) -> Result<(), Refusal>;
    /// Moves the idle deadline now.
    async fn refresh(&self, session: SessionId, origin: &Origin) -> Result<LiveSession, Refusal>;
    /// Takes a password as fresh proof; the session gets a new secret.
    async fn reauthenticate(&self, session: &LiveSession, password: Secret, origin: &Origin)
    -> Result<Opened, Refusal>;
    /// Changes the password, ends every other session and gives the own one a new secret.
    async fn change_password(
        &self,
        session: &LiveSession,
        current: Secret,
        new: Secret,
        origin: &Origin,
    ) -> Result<Opened, Refusal>;
    /// Changes the name; `None` removes it.
    async fn rename(
        &self,
        session: &LiveSession,
        name: Option<String>,
        origin: &Origin,
    ) -> Result<LiveSession, Refusal>;

    /// Ends the account: when it returns, nobody can read any more who the user was. Needs a recent proof.
    async fn erase_me(&self, session: &LiveSession, origin: &Origin) -> Result<(), Refusal>;
    /// Everything that is known about the user. Needs a recent proof.
    async fn export(&self, session: &LiveSession) -> Result<Export, Refusal>;

    /// The user's live sessions, newest first.
    async fn sessions(&self, user: UserId, page: PageRequest) -> Result<Page<SessionEntry>, Refusal>;
    /// Ends one of the user's own sessions.
    async fn revoke(&self, session: &LiveSession, other: SessionId, origin: &Origin) -> Result<(), Refusal>;
    /// Ends every session of the user but the one that asks, which gets a new secret.
    async fn revoke_others(&self, session: &LiveSession, origin: &Origin) -> Result<Opened, Refusal>;
    /// The user's own login history, newest first.
    async fn logins(&self, user: UserId, page: PageRequest) -> Result<Page<LoginEntry>, Refusal>;
}
