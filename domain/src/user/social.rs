//! Accounts at identity providers that the user may log in with.

use super::{
    LinkSocialAccount, RefuseSocialAccount, SocialAccount, UnlinkSocialAccount, User, UserError, UserEvent,
    rules::Decision,
};
use crate::{session::Method, time::Timestamp};

impl SocialAccount {
    pub(super) fn linked(self, at: Timestamp) -> UserEvent {
        let Self {
            link,
            provider,
            claim,
            subject,
            label,
            by_password,
        } = self;
        UserEvent::SocialAccountLinked {
            link,
            provider,
            claim,
            subject,
            label,
            by_password,
            at,
        }
    }

    pub(super) fn unlinked(&self, at: Timestamp) -> UserEvent {
        UserEvent::SocialAccountUnlinked {
            link: self.link,
            provider: self.provider.clone(),
            claim: self.claim.clone(),
            at,
        }
    }
}

impl User {
    pub(super) fn link_social_account(&self, command: LinkSocialAccount) -> Decision {
        let LinkSocialAccount {
            account,
            proof,
            epoch,
            at,
        } = command;
        self.must_be_active()?;
        epoch.map_or(Ok(()), |epoch| self.must_be_of_epoch(epoch))?;
        let known = self.social_accounts().iter().any(|other| other.claim == account.claim);
        if known {
            return Ok(Vec::new());
        }
        let by_password = proof.is_some_and(|proof| self.hangs_on_the_password(&proof));
        Ok(vec![SocialAccount { by_password, ..account }.linked(at)])
    }

    /// Whether somebody who knows the password, and no more, can have come by this proof.
    fn hangs_on_the_password(&self, proof: &Method) -> bool {
        match proof {
            Method::Password => true,
            Method::Social { provider } => {
                let mut accounts = self.social_accounts().iter();
                accounts.any(|account| account.by_password && account.provider == *provider)
            }
        }
    }

    pub(super) fn unlink_social_account(&self, UnlinkSocialAccount { link, at }: UnlinkSocialAccount) -> Decision {
        self.must_be_active()?;
        let account = self.social_account(link).ok_or(UserError::NotLinked)?;
        if self.password().is_none() && self.social_accounts().len() == 1 {
            return Err(UserError::LastWayIn);
        }
        Ok(vec![account.unlinked(at)])
    }

    pub(super) fn refuse_social_account(&self, RefuseSocialAccount { link, at }: RefuseSocialAccount) -> Decision {
        self.must_exist()?;
        Ok(self
            .social_account(link)
            .map(|account| account.unlinked(at))
            .into_iter()
            .collect())
    }
}
