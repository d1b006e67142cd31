//! Logins that a provider vouched for and that were refused all the same: they belong in the book.

use doorbook_domain::attempts::FailureReason;
use doorbook_openapi::{
    app::{LiveSession, Origin, Refusal},
    social::SocialRefusal,
};

use super::{Proven, Service};
use crate::service::attempts::Failed;

impl Service {
    /// Records a refused login in the history of the account that it was for: the one that is linked, or the one that has
    /// the address which the provider verified. Where there is neither, it is only counted in the metrics. Where the person
    /// is asked for more, nothing has failed yet.
    pub(super) async fn note_refused(
        &self,
        proven: &Proven,
        refusal: &Refusal,
        origin: &Origin,
    ) -> Result<(), Refusal> {
        let Some(reason) = reason_of(refusal) else {
            return Ok(());
        };
        let (user, claim, email) = if let Some((id, user)) = self.owner(proven).await? {
            let Some(claim) = user.claim().cloned() else {
                return Ok(());
            };
            (Some(id), claim, self.address_of(id, &user).await?.unwrap_or_default())
        } else {
            let Some(email) = proven.identity.verified_email() else {
                return Ok(());
            };
            let claim = self.keyring.claim("email", email.canonical());
            (self.owner_of(&claim).await?.0, claim, email.as_typed().to_owned())
        };
        self.attempts.record(Failed {
            claim,
            user,
            email,
            reason,
            provider: Some(proven.provider.clone()),
            origin: origin.clone(),
            at: self.clock.now(),
        });
        Ok(())
    }

    /// Records that somebody gave another's identity as proof in a live session.
    pub(super) async fn note_foreign_proof(
        &self,
        session: &LiveSession,
        proven: &Proven,
        origin: &Origin,
    ) -> Result<(), Refusal> {
        let user = self.user_of(session).await?;
        let provider = Some(proven.provider.as_str());
        self.record_failed_proof(session, &user, FailureReason::NotLinked, provider, origin);
        Ok(())
    }
}

/// Why a login failed; `None` where the person is asked for more, or where it is not about the person.
const fn reason_of(refusal: &Refusal) -> Option<FailureReason> {
    let Refusal::Social(refusal) = refusal else {
        let closed = matches!(refusal, Refusal::SignUpClosed);
        return if closed {
            Some(FailureReason::UnknownAddress)
        } else {
            None
        };
    };
    match refusal {
        SocialRefusal::AccountInactive => Some(FailureReason::Inactive),
        SocialRefusal::NotAdmitted => Some(FailureReason::NotAdmitted),
        SocialRefusal::AddressTaken => Some(FailureReason::NotLinked),
        SocialRefusal::StateInvalid
        | SocialRefusal::ProviderRefused
        | SocialRefusal::ProviderDown
        | SocialRefusal::EmailNeeded
        | SocialRefusal::ProofNeeded
        | SocialRefusal::LinkedToAnother
        | SocialRefusal::NotLinked
        | SocialRefusal::LastWayIn => None,
    }
}
