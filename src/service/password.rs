//! Changing a password.

use doorbook_domain::user::{self, PasswordCause, UserCommand};
use doorbook_openapi::app::{FieldError, LiveSession, Opened, Origin, Refusal, Secret};

use super::{Service, signup::field, unexpected};
use crate::{ids, store::Failure};

impl Service {
    /// Which rules a password breaks that is to be set. Each that is asked about counts.
    pub(super) async fn do_judge_password(
        &self,
        name: &str,
        new: &Secret,
        words: [Option<&str>; 2],
        origin: &Origin,
    ) -> Result<Vec<FieldError>, Refusal> {
        self.throttle.judging(origin.ip).await?;
        self.broken_rules(name, new, words).await
    }

    /// Which rules a password breaks, as errors of the field of that name. `words` are the person's own.
    pub(super) async fn broken_rules(
        &self,
        name: &str,
        new: &Secret,
        words: [Option<&str>; 2],
    ) -> Result<Vec<FieldError>, Refusal> {
        let min_length = self.rules.settings.password_min_length;
        let broken = self.strength.judge(new, min_length, words).await?;
        let errors = broken.iter().map(|rule| field(name, rule.code(), &rule.to_string()));
        Ok(errors.collect())
    }

    /// Ends every other session by the raised epoch; the asking one rotates into it.
    pub(super) async fn do_change_password(
        self,
        session: LiveSession,
        current: Secret,
        new: Secret,
        origin: Origin,
    ) -> Result<Opened, Refusal> {
        self.throttle.judging(origin.ip).await?;
        let words = [Some(session.identity.email()), session.identity.name()];
        let wrong = self.broken_rules("new_password", &new, words).await?;
        if !wrong.is_empty() {
            return Err(Refusal::Invalid(wrong));
        }
        let user = self.user_of(&session).await?;
        self.prove(&session, &user, &current, &origin).await?;
        self.must_be_of_epoch(&session, user.epoch()).await?;
        let hash = self.hasher.asked_by(origin.ip).hash(new.0.as_bytes()).await?;
        let password = self
            .seals
            .password(session.user, "user.password_changed", ids::uuid_v4(), &hash)
            .await?;
        let change = user::ChangePassword {
            replaces: user.password().cloned(),
            password,
            cause: PasswordCause::Changed,
            at: self.clock.now(),
        };
        let metadata = self.metadata(&origin, Some(session.user));
        match self
            .command_user(session.user, UserCommand::ChangePassword(change), &metadata)
            .await
        {
            Ok(committed) => self.rotate(&session, committed.aggregate.epoch(), &origin).await,
            // Another change won, or the user was deactivated meanwhile: the proof is no longer one.
            Err(Failure::Refused(_)) => Err(Refusal::WrongPassword),
            Err(failure) => Err(unexpected(failure)),
        }
    }
}
