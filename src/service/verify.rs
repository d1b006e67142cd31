//! Following a link that proves an address, and asking for one once more.

use doorbook_domain::{
    attempts::LinkPurpose,
    id::SignUpId,
    signup::{self, SignUp as Attempt, SignUpCommand, SignUpEnd},
};
use doorbook_openapi::app::{Origin, Refusal, Secret};
use doorbook_projections::signups;

use super::{Service, links::Link, unexpected};
use crate::store::Failure;

impl Service {
    /// Follows a link that proves an address. Whatever is wrong with it, the answer is one.
    pub(super) async fn do_verify_email(self, token: Secret, origin: Origin) -> Result<(), Refusal> {
        self.throttle.redemption(&token.0, origin.ip).await?;
        match self.links.read(&token.0) {
            Some(Link::SignUp(id)) => self.verify_sign_up(id, false, &origin).await,
            Some(Link::AddressOnly(id)) => self.verify_sign_up(id, true, &origin).await,
            Some(Link::EmailChange(user, request)) => self.verify_email_change(user, request, &origin).await,
            Some(Link::PasswordReset(..)) | None => Err(Refusal::LinkDead),
        }
    }

    /// That the link was followed is decided in the attempt: once. What follows from it is then finished in any case.
    async fn verify_sign_up(&self, id: SignUpId, address_only: bool, origin: &Origin) -> Result<(), Refusal> {
        let verify = SignUpCommand::Verify(signup::Verify {
            address_only,
            at: self.clock.now(),
        });
        let metadata = self.metadata(origin, None);
        match self.store.execute::<Attempt>(&id.to_string(), verify, &metadata).await {
            Ok(_) => {}
            Err(Failure::Refused(_)) => return Err(Refusal::LinkDead),
            Err(failure) => return Err(unexpected(failure)),
        }
        match self.complete_sign_up(id, &metadata).await? {
            Some(SignUpEnd::Completed) => Ok(()),
            // The address was another's by then.
            Some(SignUpEnd::Refused) | None => Err(Refusal::LinkDead),
        }
    }

    /// Sends the link of the latest attempt at an address once more. A known and an unknown address cost the same: one
    /// look into the read model, one load and one append.
    ///
    /// Where there was more than one attempt, nobody knows whose the latest is, even if the others' links have died. Then
    /// the link proves the address only, and a letter follows to choose a password by.
    pub(super) async fn do_resend_verification(self, email: String, origin: Origin) -> Result<(), Refusal> {
        let claim = self.claim_of(&email)?;
        self.throttle.mail(&claim, origin.ip).await?;
        self.caught_up(signups::NAME).await?;
        let now = self.clock.now();
        let attempts = signups::unfollowed(&self.engine.reads(), &claim, 2).await?;
        if let Some(attempt) = attempts.first().filter(|latest| now < latest.until) {
            let again = SignUpCommand::RequestLink(signup::RequestLink {
                address_only: attempts.len() > 1,
                at: now,
            });
            let metadata = self.metadata(&origin, None);
            let stream = attempt.id.to_string();
            match self.store.execute::<Attempt>(&stream, again, &metadata).await {
                Ok(_) => return Ok(()),
                // Its link was followed meanwhile.
                Err(Failure::Refused(_)) => {}
                Err(failure) => return Err(unexpected(failure)),
            }
        }
        self.refuse_link(&claim, LinkPurpose::Verification, &origin).await
    }
}
