//! Accounts at identity providers that the user may log in with.

use super::{
    LinkSocialAccount, RefuseSocialAccount, SocialAccount, UnlinkSocialAccount, User, UserError, UserEvent,
    rules::Decision,
};
use crate::time::Timestamp;

impl SocialAccount {
    pub(super) fn linked(self, at: Timestamp) -> UserEvent {
        let Self {
            link,
            provider,
            claim,
            subject,
            label,
        } = self;
        UserEvent::SocialAccountLinked {
            link,
            provider,
            claim,
            subject,
            label,
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
        self.must_be_active()?;
        let LinkSocialAccount { account, epoch, at } = command;
        epoch.map_or(Ok(()), |epoch| self.must_be_of_epoch(epoch))?;
        let known = self.social_accounts().iter().any(|other| other.claim == account.claim);
        if known {
            return Ok(Vec::new());
        }
        Ok(vec![account.linked(at)])
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
