use super::{
    ChangePassword, Deactivate, EndSessions, GrantRole, Reactivate, Register, Rename, RevokeRole, UpgradePassword,
    User, UserCommand, UserError, UserEvent,
};
use crate::decide::{Decide, aggregate};

type Decision = Result<Vec<UserEvent>, UserError>;

impl User {
    fn must_exist(&self) -> Result<(), UserError> {
        if self.is_registered() {
            Ok(())
        } else {
            Err(UserError::NotRegistered)
        }
    }

    fn must_be_active(&self) -> Result<(), UserError> {
        self.must_exist()?;
        if self.is_active() {
            Ok(())
        } else {
            Err(UserError::Inactive)
        }
    }

    fn raised_epoch(&self) -> Result<u32, UserError> {
        self.epoch().checked_add(1).ok_or(UserError::EpochExhausted)
    }

    fn register(&self, command: Register) -> Decision {
        let Register {
            email,
            claim,
            email_verified,
            password,
            name,
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
        Ok(std::iter::once(registered).chain(named).collect())
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
            UserCommand::Deactivate(command) => self.deactivate(command),
            UserCommand::Reactivate(command) => self.reactivate(command),
            UserCommand::EndSessions(command) => self.end_sessions(command),
        }
    }
}

aggregate!(User, "user", UserCommand, UserEvent, UserError);
