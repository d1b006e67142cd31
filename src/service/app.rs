//! The service as the HTTP layer knows it.

use async_trait::async_trait;
use doorbook_domain::{
    id::{SessionId, UserId},
    session::EndReason,
    time::Timestamp,
};
use doorbook_openapi::app::{
    App, Check, FieldError, LiveSession, LogIn, LoginEntry, Mailbox, Opened, Origin, Page, PageRequest, Refusal,
    Secret, SessionCookie, SessionEntry, Settings, SignUp, Tab,
};
use doorbook_openapi::export::Export;
use doorbook_projections::fault::Fault;
use uuid::Uuid;

use super::{Service, beat::on_the_beat, token::Tokens};
use crate::ids;

#[async_trait]
impl App for Service {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn request_id(&self) -> Uuid {
        ids::uuid_v4()
    }

    fn random(&self) -> [u8; 32] {
        ids::random()
    }

    fn settings(&self) -> &Settings {
        &self.rules.settings
    }

    fn mailbox(&self) -> Option<&dyn Mailbox> {
        self.post.mailbox()
    }

    fn check(&self, cookie: &str) -> Check {
        let Some(presented) = Tokens::parse(cookie) else {
            return Check::Dead;
        };
        let known = self.directory.check(presented.id, &presented.secret, self.clock.now());
        // A forged cookie is not looked for in the log.
        let forged = known == Check::Unknown && !self.tokens.wrote(&presented);
        if forged { Check::Dead } else { known }
    }

    async fn resolve(&self, cookie: &str) -> Result<Option<LiveSession>, Fault> {
        match Tokens::parse(cookie).filter(|presented| self.tokens.wrote(presented)) {
            Some(presented) => {
                let now = self.clock.now();
                self.directory.resolve(presented.id, &presented.secret, now).await
            }
            None => Ok(None),
        }
    }

    fn touch(&self, session: &LiveSession) {
        let idle = self.lifetimes(session.roles).idle;
        self.activity.note(session, self.clock.now(), idle);
    }

    async fn follow(&self, cookie: &SessionCookie) -> Result<Box<dyn Tab>, Refusal> {
        self.follow_session(&cookie.0).await
    }

    async fn judge_password(
        &self,
        field: &str,
        new: &Secret,
        words: [Option<&str>; 2],
        origin: &Origin,
    ) -> Result<Vec<FieldError>, Refusal> {
        self.do_judge_password(field, new, words, origin).await
    }

    async fn sign_up(&self, wish: SignUp, origin: &Origin) -> Result<(), Refusal> {
        on_the_beat(self.uninterrupted(self.clone().do_sign_up(wish, origin.clone()))).await
    }

    async fn verify_email(&self, token: Secret, origin: &Origin) -> Result<(), Refusal> {
        self.uninterrupted(self.clone().do_verify_email(token, origin.clone()))
            .await
    }

    async fn resend_verification(&self, email: String, origin: &Origin) -> Result<(), Refusal> {
        on_the_beat(self.uninterrupted(self.clone().do_resend_verification(email, origin.clone()))).await
    }

    async fn request_password_reset(&self, email: String, origin: &Origin) -> Result<(), Refusal> {
        on_the_beat(self.uninterrupted(self.clone().do_request_password_reset(email, origin.clone()))).await
    }

    async fn reset_password(&self, token: Secret, new: Secret, origin: &Origin) -> Result<(), Refusal> {
        self.uninterrupted(self.clone().do_reset_password(token, new, origin.clone()))
            .await
    }

    async fn change_email(&self, session: &LiveSession, email: String, origin: &Origin) -> Result<(), Refusal> {
        on_the_beat(self.uninterrupted(self.clone().do_change_email(session.clone(), email, origin.clone()))).await
    }

    async fn log_in(&self, wish: LogIn, origin: &Origin) -> Result<Opened, Refusal> {
        self.uninterrupted(self.clone().do_log_in(wish, origin.clone())).await
    }

    async fn log_out(&self, session: SessionId, origin: &Origin) -> Result<(), Refusal> {
        let (service, origin) = (self.clone(), origin.clone());
        self.uninterrupted(async move { service.end(session, EndReason::LoggedOut, None, &origin).await })
            .await
    }

    async fn refresh(&self, session: SessionId, origin: &Origin) -> Result<LiveSession, Refusal> {
        self.uninterrupted(self.clone().do_refresh(session, origin.clone()))
            .await
    }

    async fn reauthenticate(
        &self,
        session: &LiveSession,
        password: Secret,
        origin: &Origin,
    ) -> Result<Opened, Refusal> {
        self.uninterrupted(
            self.clone()
                .do_reauthenticate(session.clone(), password, origin.clone()),
        )
        .await
    }

    async fn change_password(
        &self,
        session: &LiveSession,
        current: Secret,
        new: Secret,
        origin: &Origin,
    ) -> Result<Opened, Refusal> {
        let change = self
            .clone()
            .do_change_password(session.clone(), current, new, origin.clone());
        self.uninterrupted(change).await
    }

    async fn rename(
        &self,
        session: &LiveSession,
        name: Option<String>,
        origin: &Origin,
    ) -> Result<LiveSession, Refusal> {
        self.uninterrupted(self.clone().do_rename(session.clone(), name, origin.clone()))
            .await
    }

    async fn erase_me(&self, session: &LiveSession, origin: &Origin) -> Result<(), Refusal> {
        self.uninterrupted(self.clone().do_erase_me(session.clone(), origin.clone()))
            .await
    }

    async fn export(&self, session: &LiveSession) -> Result<Export, Refusal> {
        self.do_export(session).await
    }

    async fn sessions(&self, user: UserId, page: PageRequest) -> Result<Page<SessionEntry>, Refusal> {
        self.list_sessions(user, page).await
    }

    async fn revoke(&self, session: &LiveSession, other: SessionId, origin: &Origin) -> Result<(), Refusal> {
        self.uninterrupted(self.clone().do_revoke(session.clone(), other, origin.clone()))
            .await
    }

    async fn revoke_others(&self, session: &LiveSession, origin: &Origin) -> Result<Opened, Refusal> {
        self.uninterrupted(self.clone().do_revoke_others(session.clone(), origin.clone()))
            .await
    }

    async fn logins(&self, user: UserId, page: PageRequest) -> Result<Page<LoginEntry>, Refusal> {
        self.list_logins(user, page).await
    }
}
