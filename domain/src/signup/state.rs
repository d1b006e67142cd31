use serde::{Deserialize, Serialize};

use super::{Complete, Refuse, Request, RequestLink, SignUpCommand, SignUpError, SignUpEvent, Verify};
use crate::{
    decide::{Decide, aggregate},
    id::UserId,
    seal::{ClaimId, Sealed},
    time::Timestamp,
};

/// As much of an attempt's history as its decisions and its completion need.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignUp {
    requested: Option<Requested>,
    verified: bool,
    #[serde(default)]
    address_only: bool,
    end: Option<SignUpEnd>,
}

/// What was asked for: all that completing the attempt needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requested {
    /// The id that the user will have.
    pub user_id: UserId,
    /// The address as it was typed, under the user's key.
    pub email: Sealed,
    /// Whose claim completes the attempt.
    pub claim: ClaimId,
    /// The chosen name, under the user's key.
    pub name: Option<Sealed>,
    /// Hash of the chosen password, under a key of its own.
    pub password: Sealed,
    /// Whether the address must be proven before the attempt completes.
    pub verify: bool,
    /// The link that proves the address is dead from this instant on; `None` where none is needed.
    pub until: Option<Timestamp>,
    /// When it was asked for.
    pub at: Timestamp,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignUpEnd {
    /// It became a user.
    Completed,
    /// It came to nothing.
    Refused,
}

impl SignUp {
    /// What was asked for, whether or not the attempt has ended since.
    #[must_use]
    pub fn requested(&self) -> Option<&Requested> {
        self.requested.as_ref()
    }

    /// What was asked for, while the attempt is open.
    #[must_use]
    pub fn pending(&self) -> Option<&Requested> {
        self.requested.as_ref().filter(|_| self.end.is_none())
    }

    /// Whether the attempt is open.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.pending().is_some()
    }

    /// What was asked for, while the attempt waits for its link to be followed and the link lives.
    #[must_use]
    pub fn waiting(&self, at: Timestamp) -> Option<&Requested> {
        let alive = |wish: &&Requested| wish.verify && wish.until.is_none_or(|until| at < until);
        self.pending().filter(alive).filter(|_| !self.verified)
    }

    /// Whether the attempt is open and nothing more is needed to complete it.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.pending().is_some_and(|wish| !wish.verify || self.verified)
    }

    /// Whether its link was followed.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        self.verified
    }

    /// Whether the link that was followed has proven the address only: password and name do not become the user's.
    #[must_use]
    pub const fn is_of_the_address_only(&self) -> bool {
        self.address_only
    }

    /// How the attempt ended, if it has.
    #[must_use]
    pub const fn end(&self) -> Option<SignUpEnd> {
        self.end
    }

    fn request(&self, command: Request) -> Result<Vec<SignUpEvent>, SignUpError> {
        if self.requested.is_some() {
            return Err(SignUpError::AlreadyRequested);
        }
        let Request {
            user_id,
            email,
            claim,
            name,
            password,
            verify,
            until,
            origin,
            at,
        } = command;
        Ok(vec![SignUpEvent::Requested {
            user_id,
            email,
            claim,
            name,
            password,
            verify,
            until,
            origin,
            at,
        }])
    }

    fn request_link(&self, RequestLink { address_only, at }: RequestLink) -> Result<Vec<SignUpEvent>, SignUpError> {
        self.waiting(at).ok_or(SignUpError::LinkDead)?;
        Ok(vec![SignUpEvent::LinkRequested { address_only, at }])
    }

    fn verify(&self, Verify { address_only, at }: Verify) -> Result<Vec<SignUpEvent>, SignUpError> {
        self.waiting(at).ok_or(SignUpError::LinkDead)?;
        Ok(vec![SignUpEvent::Verified { address_only, at }])
    }

    fn complete(&self, Complete { at }: Complete) -> Result<Vec<SignUpEvent>, SignUpError> {
        let user_id = self.requested.as_ref().ok_or(SignUpError::NotRequested)?.user_id;
        match self.end {
            None => Ok(vec![SignUpEvent::Completed { user_id, at }]),
            Some(SignUpEnd::Completed) => Ok(Vec::new()),
            Some(SignUpEnd::Refused) => Err(SignUpError::AlreadyRefused),
        }
    }

    fn refuse(&self, Refuse { at }: Refuse) -> Result<Vec<SignUpEvent>, SignUpError> {
        let user_id = self.requested.as_ref().ok_or(SignUpError::NotRequested)?.user_id;
        match self.end {
            None => Ok(vec![SignUpEvent::Refused { user_id, at }]),
            Some(SignUpEnd::Refused) => Ok(Vec::new()),
            Some(SignUpEnd::Completed) => Err(SignUpError::AlreadyCompleted),
        }
    }

    fn take_in(&mut self, event: SignUpEvent) {
        match event {
            SignUpEvent::Requested {
                user_id,
                email,
                claim,
                name,
                password,
                verify,
                until,
                origin: _,
                at,
            } => {
                self.requested = Some(Requested {
                    user_id,
                    email,
                    claim,
                    name,
                    password,
                    verify,
                    until,
                    at,
                });
            }
            SignUpEvent::LinkRequested { .. } => {}
            SignUpEvent::Verified { address_only, .. } => {
                self.verified = true;
                self.address_only = address_only;
            }
            SignUpEvent::Completed { .. } => self.end = Some(SignUpEnd::Completed),
            SignUpEvent::Refused { .. } => self.end = Some(SignUpEnd::Refused),
        }
    }
}

impl Decide for SignUp {
    fn decide(&self, command: SignUpCommand) -> Result<Vec<SignUpEvent>, SignUpError> {
        match command {
            SignUpCommand::Request(command) => self.request(command),
            SignUpCommand::RequestLink(command) => self.request_link(command),
            SignUpCommand::Verify(command) => self.verify(command),
            SignUpCommand::Complete(command) => self.complete(command),
            SignUpCommand::Refuse(command) => self.refuse(command),
        }
    }
}

aggregate!(SignUp, "signup", SignUpCommand, SignUpEvent, SignUpError);
