//! Letters with a link, as long as the link lives.

use doorbook_domain::{
    claim::Claim,
    event::Event,
    id::{RequestId, SignUpId, UserId},
    seal::{ClaimId, Sealed},
    signup::{SignUp as Attempt, SignUpEvent},
};
use doorbook_projections::{fault::Fault, keyring::Place, log::Recorded};

use super::{Said, id_in};
use crate::{
    mail::{Circumstances, Letter},
    service::{
        Service,
        links::Link,
        signup::{REQUESTED, VERIFY_WITHIN},
    },
};

impl Service {
    /// To whoever signed up, the link, of the address only where nobody knows whose the attempt is; where the address has an account already, its owner is told, at the spelling that
    /// the account was made with: a mail server may tell spellings apart that are equal here.
    pub(super) async fn sign_up_letter(&self, recorded: &Recorded, address_only: bool) -> Result<Said, Fault> {
        let attempt = self.store.load::<Attempt>(&recorded.stream_id).await?.aggregate;
        let Some(wish) = attempt.waiting(self.clock.now()) else {
            return Ok(None);
        };
        let asked = self.asked(recorded).await?;
        let (owner, user) = self.owner_of(&wish.claim).await?;
        if let Some(owner) = owner.filter(|_| user.is_active()) {
            let letter = Letter::AddressKnown {
                login: format!("{}/", self.rules.link_base),
                reset: format!("{}/auth/reset", self.rules.link_base),
                asked,
            };
            let to = self.address_of(owner, &user).await?;
            return Ok(to.map(|to| (to, letter)));
        }
        if !self.is_free(&wish.claim, None).await? {
            return Ok(None);
        }
        let id = recorded.stream_id.parse::<SignUpId>();
        let id = id.map_err(Fault::because("the stream of a sign-up has no id"))?;
        let until = wish.until.unwrap_or(wish.at.plus(VERIFY_WITHIN));
        let letter = if address_only {
            let link = self.link_to("verify", Link::AddressOnly(id));
            Letter::VerifyAddressOnly { link, until }
        } else {
            let link = self.link_to("verify", Link::SignUp(id));
            Letter::VerifyAddress { link, asked, until }
        };
        let stream = format!("signup-{id}");
        let to = self
            .seals
            .open(
                &wish.email,
                &Place {
                    stream: &stream,
                    event_type: REQUESTED,
                    field: "email",
                },
            )
            .await?;
        Ok(to.map(|to| (to, letter)))
    }

    /// When and from where the sign-up was asked for.
    async fn asked(&self, recorded: &Recorded) -> Result<Circumstances, Fault> {
        let log = self.store.log();
        let history = log.stream(&recorded.aggregate, &recorded.stream_id, 0).await?;
        let first = history.first().and_then(|first| first.event().ok());
        let Some(Event::SignUp(SignUpEvent::Requested { origin, at, .. })) = first else {
            return Err(Fault::plain("a sign-up does not begin with its request"));
        };
        let stream = format!("signup-{}", recorded.stream_id);
        self.circumstances(&stream, REQUESTED, origin.as_ref(), at).await
    }

    pub(super) async fn reset_letter(
        &self,
        recorded: &Recorded,
        request: RequestId,
        origin: Option<Sealed>,
    ) -> Result<Said, Fault> {
        let (id, user) = (id_in(recorded)?, self.user_in(recorded).await?);
        let now = self.clock.now();
        let alive = user
            .reset()
            .filter(|reset| reset.request == request && now < reset.until);
        let Some(reset) = alive.filter(|_| user.is_active()) else {
            return Ok(None);
        };
        let link = self.link_to("reset", Link::PasswordReset(id, request));
        let to = self.address_of(id, &user).await?;
        // Nobody has ever come by that address: an admin has made the account.
        if !user.email_verified() && user.password().is_none() {
            let letter = Letter::Invited {
                link,
                until: reset.until,
            };
            return Ok(to.map(|to| (to, letter)));
        }
        let stream = format!("user-{id}");
        let asked = self
            .circumstances(&stream, &recorded.event_type, origin.as_ref(), recorded.recorded_at)
            .await?;
        let letter = Letter::ResetPassword {
            link,
            asked,
            until: reset.until,
        };
        Ok(to.map(|to| (to, letter)))
    }

    /// To the new address, unless it is another user's: then nobody is told anything.
    pub(super) async fn confirm_letter(&self, recorded: &Recorded, request: RequestId) -> Result<Said, Fault> {
        let (id, user) = (id_in(recorded)?, self.user_in(recorded).await?);
        let now = self.clock.now();
        let change = user.email_change();
        let alive = change.filter(|change| change.request == request && !change.confirmed && now < change.until);
        let Some(change) = alive.filter(|_| user.is_active()) else {
            return Ok(None);
        };
        if !self.is_free(&change.claim, Some(id)).await? {
            return Ok(None);
        }
        let letter = Letter::ConfirmAddress {
            link: self.link_to("verify", Link::EmailChange(id, request)),
            until: change.until,
        };
        let stream = format!("user-{id}");
        let place = Place {
            stream: &stream,
            event_type: &recorded.event_type,
            field: "email",
        };
        let to = self.seals.open(&change.email, &place).await?;
        Ok(to.map(|to| (to, letter)))
    }

    /// Whether nobody has the claim, or this user.
    async fn is_free(&self, claim: &ClaimId, user: Option<UserId>) -> Result<bool, Fault> {
        let owner = self.store.load::<Claim>(&claim.to_string()).await?.aggregate.owner();
        Ok(owner.is_none() || owner == user)
    }

    /// The token stands in the fragment, which no browser sends to a server.
    fn link_to(&self, page: &str, link: Link) -> String {
        format!("{}/auth/{page}#token={}", self.rules.link_base, self.links.write(link))
    }
}
