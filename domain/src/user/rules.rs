use super::{
    ChangePassword, Deactivate, EndSessions, Erase, GrantRole, Reactivate, Register, Rename, RevokeRole, SetRoles,
    Unlock, UpgradePassword, User, UserCommand, UserError, UserEvent,
};
use crate::{
    decide::{Decide, aggregate},
    role::Role,
};

pub(super) type Decision = Result<Vec<UserEvent>, UserError>;

impl User {
    pub(super) fn must_exist(&self) -> Result<(), UserError> {
        if self.is_registered() && !self.is_erased() {
            Ok(())
        } else {
            Err(UserError::NotRegistered)
        }
    }

    pub(super) fn must_be_active(&self) -> Result<(), UserError> {
        self.must_exist()?;
        if self.is_active() {
            Ok(())
        } else {
            Err(UserError::Inactive)
        }
    }

    /// Nothing is done for a session of another epoch.
    pub(super) const fn must_be_of_epoch(&self, epoch: u32) -> Result<(), UserError> {
        if self.epoch() == epoch {
            Ok(())
        } else {
            Err(UserError::SessionEnded)
        }
    }

    pub(super) fn raised_epoch(&self) -> Result<u32, UserError> {
        self.epoch().checked_add(1).ok_or(UserError::EpochExhausted)
    }

    fn register(&self, command: Register) -> Decision {
        let Register {
            email,
            claim,
            email_verified,
            password,
            name,
            social,
            at,
        } = command;
        if let Some(registered) = self.claim() {
            return if *registered == claim {
                Ok(Vec::new())
            } else {
                Err(UserError::AlreadyRegistered)
            };
        }
        let registered = UserEvent::Registered {
            email,
            claim,
            email_verified,
            password,
            at,
        };
        let named = name.map(|name| UserEvent::ProfileChanged { name: Some(name), at });
        let linked = social.map(|account| account.linked(at));
        Ok(std::iter::once(registered).chain(named).chain(linked).collect())
    }

    fn rename(&self, Rename { name, at }: Rename) -> Decision {
        self.must_be_active()?;
        if name.as_ref() == self.name() {
            return Ok(Vec::new());
        }
        Ok(vec![UserEvent::ProfileChanged { name, at }])
    }

    fn change_password(&self, command: ChangePassword) -> Decision {
        self.must_be_active()?;
        let ChangePassword {
            replaces,
            password,
            cause,
            at,
        } = command;
        if self.password() != replaces.as_ref() {
            return Err(UserError::PasswordReplaced);
        }
        let epoch = self.raised_epoch()?;
        Ok(vec![UserEvent::PasswordChanged {
            password,
            epoch,
            cause,
            at,
        }])
    }

    fn upgrade_password(&self, command: UpgradePassword) -> Decision {
        self.must_exist()?;
        let UpgradePassword { replaces, password, at } = command;
        if self.password() != Some(&replaces) {
            return Ok(Vec::new());
        }
        Ok(vec![UserEvent::PasswordUpgraded { password, at }])
    }

    fn grant_role(&self, GrantRole { role, at }: GrantRole) -> Decision {
        self.must_be_active()?;
        if self.roles().contains(role) {
            return Ok(Vec::new());
        }
        let epoch = self.raised_epoch()?;
        Ok(vec![UserEvent::RoleGranted { role, epoch, at }])
    }

    fn revoke_role(&self, RevokeRole { role, at }: RevokeRole) -> Decision {
        self.must_exist()?;
        if !self.roles().contains(role) {
            return Ok(Vec::new());
        }
        let epoch = self.raised_epoch()?;
        Ok(vec![UserEvent::RoleRevoked { role, epoch, at }])
    }

    /// Nobody is given a role who may not log in; roles can be taken away from everybody.
    fn set_roles(&self, SetRoles { roles, at }: SetRoles) -> Decision {
        self.must_exist()?;
        let mut epoch = self.epoch();
        let mut events = Vec::new();
        for role in Role::ALL {
            let (has, wanted) = (self.roles().contains(role), roles.contains(role));
            if has == wanted {
                continue;
            }
            epoch = epoch.checked_add(1).ok_or(UserError::EpochExhausted)?;
            if wanted {
                self.must_be_active()?;
                events.push(UserEvent::RoleGranted { role, epoch, at });
            } else {
                events.push(UserEvent::RoleRevoked { role, epoch, at });
            }
        }
        Ok(events)
    }

    fn unlock(&self, Unlock { at }: Unlock) -> Decision {
        self.must_exist()?;
        Ok(vec![UserEvent::Unlocked { at }])
    }

    fn deactivate(&self, Deactivate { at }: Deactivate) -> Decision {
        self.must_exist()?;
        if !self.is_active() {
            return Ok(Vec::new());
        }
        let epoch = self.raised_epoch()?;
        Ok(vec![UserEvent::Deactivated { epoch, at }])
    }

    fn reactivate(&self, Reactivate { at }: Reactivate) -> Decision {
        self.must_exist()?;
        if self.is_active() {
            return Ok(Vec::new());
        }
        Ok(vec![UserEvent::Reactivated { at }])
    }

    fn end_sessions(&self, EndSessions { at }: EndSessions) -> Decision {
        self.must_exist()?;
        let epoch = self.raised_epoch()?;
        Ok(vec![UserEvent::SessionsEnded { epoch, at }])
    }

    fn erase(&self, Erase { at }: Erase) -> Decision {
        if self.is_erased() {
            return Ok(Vec::new());
        }
        self.must_exist()?;
        let epoch = self.raised_epoch()?;
        Ok(vec![UserEvent::Erased { epoch, at }])
    }
}

impl Decide for User {
    fn decide(&self, command: UserCommand) -> Decision {
        match command {
            UserCommand::Register(command) => self.register(command),
            UserCommand::Rename(command) => self.rename(command),
            UserCommand::ChangePassword(command) => self.change_password(command),
            UserCommand::UpgradePassword(command) => self.upgrade_password(command),
            UserCommand::GrantRole(command) => self.grant_role(command),
            UserCommand::RevokeRole(command) => self.revoke_role(command),
            UserCommand::SetRoles(command) => self.set_roles(command),
            UserCommand::Unlock(command) => self.unlock(command),
            UserCommand::Deactivate(command) => self.deactivate(command),
            UserCommand::Reactivate(command) => self.reactivate(command),
            UserCommand::EndSessions(command) => self.end_sessions(command),
            UserCommand::RequestPasswordReset(command) => self.request_password_reset(command),
            UserCommand::ResetPassword(command) => self.reset_password(command),
            UserCommand::ProveEmail(command) => self.prove_email(command),
            UserCommand::RequestEmailChange(command) => self.request_email_change(command),
            UserCommand::ConfirmEmailChange(command) => self.confirm_email_change(command),
            UserCommand::CompleteEmailChange(command) => self.complete_email_change(command),
            UserCommand::RefuseEmailChange(command) => self.refuse_email_change(command),
            UserCommand::LinkSocialAccount(command) => self.link_social_account(command),
            UserCommand::UnlinkSocialAccount(command) => self.unlink_social_account(command),
            UserCommand::RefuseSocialAccount(command) => self.refuse_social_account(command),
            UserCommand::Erase(command) => self.erase(command),
        }
    }
}

aggregate!(User, "user", UserCommand, UserEvent, UserError);
