use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    End, EndReason, Method, Reauthenticate, Refresh, Rotate, SessionCommand, SessionError, SessionEvent, Start,
};
use crate::{
    decide::{Decide, aggregate},
    id::UserId,
    seal::SecretHash,
    time::Timestamp,
};

/// As much of a session's history as its decisions and its check need.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    login: Option<Login>,
    ended: Option<EndReason>,
}

/// A session as it stands: how it began, and what has moved since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// Whose it is.
    pub user_id: UserId,
    /// It lives while this is the user's epoch.
    pub epoch: u32,
    /// SHA-256 of the present secret.
    pub secret: SecretHash,
    /// The latest way in which its owner proved who they are.
    pub method: Method,
    /// Whether the cookie outlives the browser.
    pub remember: bool,
    /// What a refresh adds, in milliseconds.
    pub idle_ms: u64,
    /// It is dead from this instant on unless it is refreshed. Never after `absolute_until`.
    pub idle_until: Timestamp,
    /// It is dead from this instant on.
    pub absolute_until: Timestamp,
    /// When it began.
    pub started_at: Timestamp,
    /// When its owner last proved who they are.
    pub authenticated_at: Timestamp,
}

impl Session {
    /// How the session stands, whether or not it lives; `None` before its start.
    #[must_use]
    pub const fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }

    /// Whose it is; `None` before its start.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        self.login.as_ref().map(|login| login.user_id)
    }

    /// Why it was ended, if it was.
    #[must_use]
    pub const fn ended(&self) -> Option<EndReason> {
        self.ended
    }

    /// Whether it is good at `now`, for a user whose epoch is `user_epoch`. It is dead from each deadline on.
    #[must_use]
    pub fn is_live(&self, now: Timestamp, user_epoch: u32) -> bool {
        self.open(now).is_ok_and(|login| login.epoch == user_epoch)
    }

    /// The login, unless it was ended or has expired at `now`.
    fn open(&self, now: Timestamp) -> Result<&Login, SessionError> {
        let login = self.login.as_ref().ok_or(SessionError::NotStarted)?;
        if self.ended.is_some() {
            return Err(SessionError::Ended);
        }
        if now < login.idle_until && now < login.absolute_until {
            Ok(login)
        } else {
            Err(SessionError::Expired)
        }
    }

    fn start(&self, command: Start) -> Result<Vec<SessionEvent>, SessionError> {
        if self.login.is_some() {
            return Err(SessionError::AlreadyStarted);
        }
        let Start {
            user_id,
            epoch,
            secret,
            method,
            remember,
            new_device,
            idle_ms,
            absolute_ms,
            origin,
            ip_bucket,
            at,
        } = command;
        let absolute_until = at.plus(Duration::from_millis(absolute_ms));
        Ok(vec![SessionEvent::Started {
            user_id,
            epoch,
            secret,
            method,
            remember,
            new_device,
            idle_until: at.plus(Duration::from_millis(idle_ms)).min(absolute_until),
            absolute_until,
            idle_ms,
            origin,
            ip_bucket,
            at,
        }])
    }

    fn refresh(&self, Refresh { at }: Refresh) -> Result<Vec<SessionEvent>, SessionError> {
        let login = self.open(at)?;
        let idle_until = at.plus(Duration::from_millis(login.idle_ms)).min(login.absolute_until);
        if idle_until <= login.idle_until {
            return Ok(Vec::new());
        }
        Ok(vec![SessionEvent::Refreshed { idle_until, at }])
    }

    fn reauthenticate(&self, command: Reauthenticate) -> Result<Vec<SessionEvent>, SessionError> {
        let Reauthenticate {
            method,
            secret,
            epoch,
            at,
        } = command;
        self.open(at)?;
        Ok(vec![
            SessionEvent::Reauthenticated { method, at },
            SessionEvent::Rotated { secret, epoch, at },
        ])
    }

    fn rotate(&self, Rotate { secret, epoch, at }: Rotate) -> Result<Vec<SessionEvent>, SessionError> {
        self.open(at)?;
        Ok(vec![SessionEvent::Rotated { secret, epoch, at }])
    }

    fn end(&self, End { reason, by, at }: End) -> Result<Vec<SessionEvent>, SessionError> {
        if self.login.is_none() {
            return Err(SessionError::NotStarted);
        }
        if self.ended.is_some() {
            return Ok(Vec::new());
        }
        Ok(vec![SessionEvent::Ended { reason, by, at }])
    }

    fn take_in(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::Started {
                user_id,
                epoch,
                secret,
                method,
                remember,
                new_device: _,
                idle_until,
                absolute_until,
                idle_ms,
                origin: _,
                ip_bucket: _,
                at,
            } => {
                self.login = Some(Login {
                    user_id,
                    epoch,
                    secret,
                    method,
                    remember,
                    idle_ms,
                    idle_until,
                    absolute_until,
                    started_at: at,
                    authenticated_at: at,
                });
            }
            SessionEvent::Refreshed { idle_until, .. } => self.change(|login| login.idle_until = idle_until),
            SessionEvent::Reauthenticated { method, at } => self.change(|login| {
                login.method = method;
                login.authenticated_at = at;
            }),
            SessionEvent::Rotated { secret, epoch, .. } => self.change(|login| {
                login.secret = secret;
                login.epoch = epoch;
            }),
            SessionEvent::Ended { reason, .. } => self.ended = Some(reason),
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Login)) {
        if let Some(login) = &mut self.login {
            change(login);
        }
    }
}

impl Decide for Session {
    fn decide(&self, command: SessionCommand) -> Result<Vec<SessionEvent>, SessionError> {
        match command {
            SessionCommand::Start(command) => self.start(command),
            SessionCommand::Refresh(command) => self.refresh(command),
            SessionCommand::Reauthenticate(command) => self.reauthenticate(command),
            SessionCommand::Rotate(command) => self.rotate(command),
            SessionCommand::End(command) => self.end(command),
        }
    }
}

aggregate!(Session, "session", SessionCommand, SessionEvent, SessionError);
