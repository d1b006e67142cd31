//! Proving and changing the address, and setting a password by a link that is mailed to it.

use super::{
    CompleteEmailChange, ConfirmEmailChange, EmailChange, PasswordCause, ProveEmail, RefuseEmailChange,
    RequestEmailChange, RequestPasswordReset, ResetPassword, User, UserError, UserEvent, rules::Decision,
};
use crate::{id::RequestId, time::Timestamp};

impl User {
    pub(super) fn request_password_reset(&self, command: RequestPasswordReset) -> Decision {
        self.must_be_active()?;
        let RequestPasswordReset {
            request,
            until,
            origin,
            at,
        } = command;
        Ok(vec![UserEvent::PasswordResetRequested {
            request,
            until,
            origin,
            at,
        }])
    }

    pub(super) fn reset_password(&self, command: ResetPassword) -> Decision {
        self.must_be_active()?;
        let ResetPassword { request, password, at } = command;
        let alive = self
            .reset()
            .is_some_and(|reset| reset.request == request && at < reset.until);
        if !alive {
            return Err(UserError::LinkDead);
        }
        let changed = UserEvent::PasswordChanged {
            password,
            epoch: self.raised_epoch()?,
            cause: PasswordCause::Reset,
            at,
        };
        Ok(std::iter::once(changed).chain(self.wiped_and_proven(at)).collect())
    }

    pub(super) fn prove_email(&self, ProveEmail { at }: ProveEmail) -> Decision {
        self.must_be_active()?;
        if self.email_verified() {
            return Ok(Vec::new());
        }
        let epoch = self.raised_epoch()?;
        let ended = UserEvent::PasswordRemoved { epoch, at };
        Ok(std::iter::once(ended).chain(self.wiped_and_proven(at)).collect())
    }

    /// An unproven address may have been given by anybody: what they linked dies when its owner comes. Nothing, where the
    /// address was proven before.
    fn wiped_and_proven(&self, at: Timestamp) -> Vec<UserEvent> {
        if self.email_verified() {
            return Vec::new();
        }
        let unlinked = self.social_accounts().iter().map(|account| account.unlinked(at));
        unlinked.chain([UserEvent::EmailVerified { at }]).collect()
    }

    pub(super) fn request_email_change(&self, command: RequestEmailChange) -> Decision {
        self.must_be_active()?;
        let RequestEmailChange {
            request,
            email,
            claim,
            until,
            epoch,
            at,
        } = command;
        self.must_be_of_epoch(epoch)?;
        Ok(vec![UserEvent::EmailChangeRequested {
            request,
            email,
            claim,
            until,
            at,
        }])
    }

    pub(super) fn confirm_email_change(&self, ConfirmEmailChange { request, at }: ConfirmEmailChange) -> Decision {
        self.must_be_active()?;
        let alive = self
            .change(request)
            .is_some_and(|change| !change.confirmed && at < change.until);
        if alive {
            Ok(vec![UserEvent::EmailChangeConfirmed { request, at }])
        } else {
            Err(UserError::LinkDead)
        }
    }

    pub(super) fn complete_email_change(&self, command: CompleteEmailChange) -> Decision {
        self.must_exist()?;
        let CompleteEmailChange { request, email, at } = command;
        let Some(change) = self.change(request).filter(|change| change.confirmed) else {
            return Ok(Vec::new());
        };
        let claim = change.claim.clone();
        Ok(vec![UserEvent::EmailChanged { email, claim, at }])
    }

    pub(super) fn refuse_email_change(&self, RefuseEmailChange { request, at }: RefuseEmailChange) -> Decision {
        self.must_exist()?;
        if self.change(request).is_none() {
            return Ok(Vec::new());
        }
        Ok(vec![UserEvent::EmailChangeRefused { request, at }])
    }

    fn change(&self, request: RequestId) -> Option<&EmailChange> {
        self.email_change().filter(|change| change.request == request)
    }
}
