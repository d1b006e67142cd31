//! Keeping a session alive, proving again who one is, and ending sessions.

use std::time::Duration;

use doorbook_domain::{
    attempts::FailureReason,
    id::SessionId,
    session::{self, EndReason, Method, Session, SessionCommand, SessionEvent},
    user::{self, User, UserCommand},
};
use doorbook_openapi::app::{LiveSession, Opened, Origin, Refusal, Secret};

use super::{Service, activity::is_due, attempts::Failed, token, unexpected};
use crate::{
    hashing::Verdict,
    ids,
    store::{Committed, Failure},
};

/// How old such a proof may be.
const PROOF: Duration = Duration::from_mins(5);

impl Service {
    /// Moves the idle deadline, as use does: at most once per twelfth of the idle time. Too soon, the answer is the session
    /// as it is, and nothing is written: the log is for ever.
    pub(super) async fn do_refresh(self, id: SessionId, origin: Origin) -> Result<LiveSession, Refusal> {
        let session = self.store.load::<Session>(&id.to_string()).await?.aggregate;
        let login = session.login().ok_or(Refusal::NotSignedIn)?;
        let idle = Duration::from_millis(login.idle_ms);
        if !is_due(self.clock.now(), login.idle_until, login.absolute_until, idle) {
            return self.still_live(id, &session).await;
        }
        let refresh = SessionCommand::Refresh(session::Refresh { at: self.clock.now() });
        let committed = self.own_session(id, refresh, &origin).await?;
        self.still_live(id, &committed.aggregate).await
    }

    pub(super) async fn do_reauthenticate(
        self,
        session: LiveSession,
        password: Secret,
        origin: Origin,
    ) -> Result<Opened, Refusal> {
        let user = self.user_of(&session).await?;
        self.prove(&session, &user, &password, &origin).await?;
        self.renew_proof(&session, &user, Method::Password, &origin).await
    }

    /// Takes what was just proven as a fresh proof: the session gets a new secret.
    pub(super) async fn renew_proof(
        &self,
        session: &LiveSession,
        user: &User,
        method: Method,
        origin: &Origin,
    ) -> Result<Opened, Refusal> {
        self.must_be_of_epoch(session, user.epoch()).await?;
        let secret = ids::random();
        let command = SessionCommand::Reauthenticate(session::Reauthenticate {
            method,
            secret: token::hash(&secret),
            epoch: user.epoch(),
            at: self.clock.now(),
        });
        self.own_session(session.id, command, origin).await?;
        self.opened(session.id, secret).await
    }

    /// Who holds a session only, and not the password, ends none but that one (ASVS 7.5.2).
    pub(super) async fn do_revoke(self, session: LiveSession, other: SessionId, origin: Origin) -> Result<(), Refusal> {
        if other != session.id {
            self.must_be_proven(&session)?;
        }
        let found = self.store.load::<Session>(&other.to_string()).await?.aggregate;
        let user = self.user_of(&session).await?;
        let own = found.user_id() == Some(session.user) && found.is_live(self.clock.now(), user.epoch());
        if !own {
            return Err(Refusal::NotFound);
        }
        let reason = if other == session.id {
            EndReason::LoggedOut
        } else {
            EndReason::Revoked
        };
        self.end(other, reason, Some(session.user), &origin).await
    }

    /// Raises the user's epoch, which ends every session at once, and takes the asking one over into the new epoch.
    /// A crash in between ends that one too, which is harmless.
    pub(super) async fn do_revoke_others(self, session: LiveSession, origin: Origin) -> Result<Opened, Refusal> {
        self.must_be_proven(&session)?;
        self.owner_of_live(&session).await?;
        let end = UserCommand::EndSessions(user::EndSessions { at: self.clock.now() });
        let metadata = self.metadata(&origin, Some(session.user));
        let committed = self
            .command_user(session.user, end, &metadata)
            .await
            .map_err(unexpected)?;
        self.rotate(&session, committed.aggregate.epoch(), &origin).await
    }

    /// Gives the session that raised the user's epoch to `epoch` a new secret in that epoch. One that died of an earlier
    /// raise, between the check of its request and its own, stays dead.
    pub(super) async fn rotate(&self, session: &LiveSession, epoch: u32, origin: &Origin) -> Result<Opened, Refusal> {
        self.must_be_of_epoch(session, epoch.saturating_sub(1)).await?;
        let secret = ids::random();
        let rotate = session::Rotate {
            secret: token::hash(&secret),
            epoch,
            at: self.clock.now(),
        };
        self.own_session(session.id, SessionCommand::Rotate(rotate), origin)
            .await?;
        let opened = self.opened(session.id, secret).await?;
        Ok(Opened {
            device: self.carried_over(session.user, epoch, origin),
            ..opened
        })
    }

    /// Nothing carries a session of another epoch over: it is dead, and dead sessions stay so. A request that was long in
    /// coming, as a body may be, may be of a session that died meanwhile, or was carried over under a secret that whoever
    /// sent the request does not have.
    pub(super) async fn must_be_of_epoch(&self, session: &LiveSession, epoch: u32) -> Result<(), Refusal> {
        let stored = self.store.load::<Session>(&session.id.to_string()).await?.aggregate;
        if session.epoch == epoch && stored.is_live(self.clock.now(), epoch) {
            Ok(())
        } else {
            Err(Refusal::NotSignedIn)
        }
    }

    /// The user of a session that lives at this very moment, for what is decided at the user's epoch.
    pub(super) async fn owner_of_live(&self, session: &LiveSession) -> Result<User, Refusal> {
        let user = self.user_of(session).await?;
        self.must_be_of_epoch(session, user.epoch()).await?;
        Ok(user)
    }

    /// Checks a password that is given as proof, against what the log has now. Nobody may guess it through a session that
    /// has died since the request began.
    pub(super) async fn prove(
        &self,
        session: &LiveSession,
        user: &User,
        password: &Secret,
        origin: &Origin,
    ) -> Result<(), Refusal> {
        self.must_be_of_epoch(session, user.epoch()).await?;
        let stored = self.stored_hash(session.user, user).await?;
        let counted = self.throttle.proof(session.user).await?;
        let hasher = self.hasher.asked_by(origin.ip);
        let verdict = match stored {
            Some(hash) => hasher.verify(password.0.as_bytes(), &hash).await,
            None => hasher.verify_nothing(password.0.as_bytes()).await,
        };
        let verdict = match verdict {
            Ok(verdict) => verdict,
            Err(failure) => {
                self.throttle.withdraw(counted).await;
                return Err(failure.into());
            }
        };
        if matches!(verdict, Verdict::Match { .. }) && user.is_active() {
            self.throttle.passed(counted).await;
            return Ok(());
        }
        self.record_failed_proof(session, user, FailureReason::WrongPassword, None, origin);
        Err(Refusal::WrongPassword)
    }

    /// Records that who asks in a live session was not shown to be its user, by a password or by `provider`.
    pub(super) fn record_failed_proof(
        &self,
        session: &LiveSession,
        user: &User,
        reason: FailureReason,
        provider: Option<&str>,
        origin: &Origin,
    ) {
        let Some(claim) = user.claim().cloned() else { return };
        self.attempts.record(Failed {
            claim,
            user: Some(session.user),
            email: session.identity.email().to_owned(),
            reason,
            provider: provider.map(str::to_owned),
            origin: origin.clone(),
            at: self.clock.now(),
        });
    }

    /// Refuses what needs a recent proof of who asks: what cannot be undone, hands everything out, or ends what others hold
    /// (ASVS 7.5.1, 7.5.2).
    pub(in crate::service) fn must_be_proven(&self, session: &LiveSession) -> Result<(), Refusal> {
        if self.clock.now().since(session.authenticated_at) < PROOF {
            Ok(())
        } else {
            Err(Refusal::ReauthenticationRequired)
        }
    }

    /// The session as it lives now, for an answer that changes no cookie.
    pub(super) async fn still_live(&self, id: SessionId, session: &Session) -> Result<LiveSession, Refusal> {
        let hash = session.login().map(|login| login.secret).ok_or(Refusal::NotSignedIn)?;
        let live = self.directory.resolve(id, &hash, self.clock.now()).await?;
        live.ok_or(Refusal::NotSignedIn)
    }

    async fn own_session(
        &self,
        id: SessionId,
        command: SessionCommand,
        origin: &Origin,
    ) -> Result<Committed<Session, SessionEvent>, Refusal> {
        let metadata = self.metadata(origin, None);
        match self.command_session(id, command, &metadata).await {
            Ok(committed) => Ok(committed),
            // It ended or expired between the check and the command.
            Err(Failure::Refused(_)) => Err(Refusal::NotSignedIn),
            Err(failure) => Err(unexpected(failure)),
        }
    }
}
