//! Links and letters, and what time does to them.

use doorbook_domain::{
    claim::{self, Claim, ClaimCommand},
    id::{RequestId, SignUpId},
    session::SessionEvent,
    user::{self, UserCommand},
};
use doorbook_projections::keyring::Place;

use super::*;
use crate::{
    keys::KeyName,
    mail::{Addressed, Letters as _},
    service::links::Link,
};

const NEW: &str = "countess@example.net";
const TICK: Duration = Duration::from_micros(1);

fn clock() -> Clock {
    Clock::standing(Timestamp::from_micros(1_795_435_200_000_000))
}

impl Bed {
    /// The last login, in a device that is new or not: no read model runs here that would know.
    async fn started_in(&self, new: bool) -> Recorded {
        let mut recorded = self.last("session.started").await;
        let mut event: SessionEvent = serde_json::from_str(&recorded.payload).unwrap();
        if let SessionEvent::Started { new_device, .. } = &mut event {
            *new_device = new;
        }
        recorded.payload = serde_json::to_string(&event).unwrap().into();
        recorded
    }

    async fn last(&self, event_type: &str) -> Recorded {
        self.events(event_type).await.pop().unwrap()
    }

    async fn letters(&self, recorded: &Recorded) -> Vec<Addressed> {
        self.service.letters(recorded).await.unwrap()
    }

    /// The names of the letters that the last such event causes now, and their addresses.
    async fn said(&self, event_type: &str) -> Vec<(&'static str, String)> {
        let letters = self.letters(&self.last(event_type).await).await;
        letters.into_iter().map(|one| (one.letter.name(), one.to)).collect()
    }

    async fn owner(&self, email: &str) -> Option<UserId> {
        let claim = self.service.keyring.claim("email", email).to_string();
        let loaded = self.service.store.load::<Claim>(&claim).await;
        loaded.unwrap().aggregate.owner()
    }

    async fn user(&self, id: UserId) -> User {
        self.service
            .store
            .load::<User>(&id.to_string())
            .await
            .unwrap()
            .aggregate
    }

    /// An account as other ways than a sign-up make it.
    async fn account(&self, email: &str, password: Option<&str>, email_verified: bool) -> UserId {
        let (service, at) = (&self.service, self.service.clock.now());
        let id = UserId(ids::uuid_v7(at));
        service.keyring.create(&KeyName::user(id)).await.unwrap();
        let stream = format!("user-{id}");
        let place = Place {
            stream: &stream,
            event_type: "user.registered",
            field: "email",
        };
        let claim = service.keyring.claim("email", email);
        let password = match password {
            Some(text) => {
                let hash = service.hasher.hash(text.as_bytes()).await.unwrap();
                let sealed = service.seals.password(id, "user.registered", ids::uuid_v4(), &hash);
                Some(sealed.await.unwrap())
            }
            None => None,
        };
        let register = UserCommand::Register(user::Register {
            email: service.seals.text(&KeyName::user(id), &place, email).await.unwrap(),
            claim: claim.clone(),
            email_verified,
            password,
            name: None,
            social: None,
            at,
        });
        let metadata = metadata_of("test", at);
        service.command_user(id, register, &metadata).await.unwrap();
        let take = ClaimCommand::Take(claim::Take { user_id: id, at });
        let taken = service
            .store
            .execute::<Claim>(&claim.to_string(), take, &metadata)
            .await;
        taken.unwrap();
        id
    }

    async fn forgot(&self, email: &str) {
        let asked = self.service.request_password_reset(email.to_owned(), &origin()).await;
        asked.unwrap();
    }

    /// The token that the last letter about a forgotten password has, or would have had.
    async fn reset_token(&self, id: UserId) -> Secret {
        let request = self.user(id).await.reset().unwrap().request;
        Secret(self.service.links.write(Link::PasswordReset(id, request)))
    }

    async fn reset(&self, token: &Secret, password: &str) -> Result<(), Refusal> {
        let new = Secret(password.to_owned());
        self.service.reset_password(token.clone(), new, &origin()).await
    }

    async fn sign_up_token(&self) -> Secret {
        let id = self.last("signup.requested").await.stream_id.parse::<SignUpId>();
        Secret(self.service.links.write(Link::SignUp(id.unwrap())))
    }

    async fn verify(&self, token: &Secret) -> Result<(), Refusal> {
        self.service.verify_email(token.clone(), &origin()).await
    }
}

fn is_dead(answer: &Result<(), Refusal>) -> bool {
    matches!(answer, Err(Refusal::LinkDead))
}

#[tokio::test]
async fn link_of_a_sign_up_lives_for_a_day() {
    let clock = clock();
    let bed = Bed::with(true, Some(clock.clone())).await;
    bed.sign_up(ADA).await;
    bed.sign_up(NEW).await;
    assert_eq!(bed.said("signup.requested").await, [("verify_address", NEW.to_owned())]);
    let late = bed.sign_up_token().await;
    clock.advance(Duration::from_hours(24).saturating_sub(TICK));
    assert_eq!(bed.said("signup.requested").await.len(), 1);
    let first = bed.events("signup.requested").await.swap_remove(0);
    let id = first.stream_id.parse::<SignUpId>().unwrap();
    bed.verify(&Secret(bed.service.links.write(Link::SignUp(id))))
        .await
        .unwrap();
    clock.advance(TICK);
    assert!(is_dead(&bed.verify(&late).await));
    assert_eq!(bed.said("signup.requested").await, [], "a dead link is not mailed");
    assert_eq!((bed.owner(NEW).await, bed.owner(ADA).await.is_some()), (None, true));
}

#[tokio::test]
async fn reset_link_lives_for_half_an_hour() {
    let clock = clock();
    let bed = Bed::with(true, Some(clock.clone())).await;
    let ada = bed.account(ADA, Some(PASSWORD), true).await;
    bed.forgot(ADA).await;
    let first = bed.last("user.password_reset_requested").await;
    assert_eq!(bed.letters(&first).await.len(), 1);
    let token = bed.reset_token(ada).await;
    clock.advance(Duration::from_mins(30));
    assert!(is_dead(&bed.reset(&token, OTHER).await));
    assert_eq!(bed.letters(&first).await, [], "a dead link is not mailed");

    bed.forgot(ADA).await;
    let token = bed.reset_token(ada).await;
    clock.advance(Duration::from_mins(30).saturating_sub(TICK));
    bed.reset(&token, OTHER).await.unwrap();
    assert_eq!(
        bed.said("user.password_changed").await,
        [("password_reset", ADA.to_owned())]
    );
    bed.log_in(ADA, OTHER).await.unwrap();
}

#[tokio::test]
async fn dead_link_is_refused_before_the_password_is_looked_at() {
    let bed = Bed::with(true, None).await;
    let ada = bed.account(ADA, Some(PASSWORD), true).await;
    let unknown = Link::PasswordReset(ada, RequestId(ids::uuid_v4()));
    let token = Secret(bed.service.links.write(unknown));
    assert!(is_dead(&bed.reset(&token, "weak").await));
    let nobody = Link::PasswordReset(UserId(ids::uuid_v4()), RequestId(ids::uuid_v4()));
    let token = Secret(bed.service.links.write(nobody));
    assert!(is_dead(&bed.reset(&token, "weak").await));
}

#[tokio::test]
async fn person_without_a_password_sets_a_first_one_by_reset() {
    let bed = Bed::with(true, None).await;
    let ada = bed.account(ADA, None, true).await;
    assert!(bed.log_in(ADA, OTHER).await.is_err());
    bed.forgot(ADA).await;
    assert_eq!(
        bed.said("user.password_reset_requested").await,
        [("reset_password", ADA.to_owned())]
    );
    bed.reset(&bed.reset_token(ada).await, OTHER).await.unwrap();
    bed.log_in(ADA, OTHER).await.unwrap();
}

#[tokio::test]
async fn unproven_account_is_shut_until_a_reset_proves_its_address() {
    let bed = Bed::with(true, None).await;
    let ada = bed.account(ADA, Some(PASSWORD), false).await;
    let refused = bed.log_in(ADA, PASSWORD).await.err();
    assert!(matches!(refused, Some(Refusal::InvalidCredentials)), "{refused:?}");
    bed.forgot(ADA).await;
    bed.reset(&bed.reset_token(ada).await, OTHER).await.unwrap();
    assert!(bed.user(ada).await.email_verified());
    bed.log_in(ADA, OTHER).await.unwrap();

    let lax = Bed::new().await;
    lax.account(ADA, Some(PASSWORD), false).await;
    lax.log_in(ADA, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn known_unknown_inactive_unproven_and_passwordless_addresses_cost_one_event_each() {
    let bed = Bed::with(true, None).await;
    bed.account("known@example.org", Some(PASSWORD), true).await;
    bed.account("unproven@example.org", Some(PASSWORD), false).await;
    bed.account("social@example.org", None, true).await;
    let gone = bed.account("gone@example.org", Some(PASSWORD), true).await;
    let (at, service) = (bed.service.clock.now(), &bed.service);
    let deactivate = UserCommand::Deactivate(user::Deactivate { at });
    let metadata = metadata_of("test", at);
    service.command_user(gone, deactivate, &metadata).await.unwrap();
    for (email, event) in [
        ("known@example.org", "user.password_reset_requested"),
        ("unproven@example.org", "user.password_reset_requested"),
        ("social@example.org", "user.password_reset_requested"),
        ("gone@example.org", "login.link_refused"),
        ("nobody@example.org", "login.link_refused"),
    ] {
        let before = service.store.log().read(Position::START, 1000).await.unwrap().len();
        bed.forgot(email).await;
        let after = service.store.log().read(Position::START, 1000).await.unwrap();
        assert_eq!(after.len(), before + 1, "{email}");
        assert_eq!(&*after.last().unwrap().event_type, event, "{email}");
    }
}

#[tokio::test]
async fn address_is_changed_only_with_a_proof_from_the_last_five_minutes() {
    let clock = clock();
    let bed = Bed::with(true, Some(clock.clone())).await;
    bed.account(ADA, Some(PASSWORD), true).await;
    let session = bed.log_in(ADA, PASSWORD).await.unwrap().session;
    let change = async || bed.service.change_email(&session, NEW.to_owned(), &origin()).await;
    clock.advance(Duration::from_mins(5).saturating_sub(TICK));
    change().await.unwrap();
    clock.advance(TICK);
    let refused = change().await.err();
    assert!(
        matches!(refused, Some(Refusal::ReauthenticationRequired)),
        "{refused:?}"
    );
    assert_eq!(bed.events("user.email_change_requested").await.len(), 1);
}

#[tokio::test]
async fn letters_go_to_whom_they_concern_and_to_nobody_whose_keys_are_gone() {
    let bed = Bed::with(true, None).await;
    let ada = bed.account(ADA, Some(PASSWORD), true).await;
    let bob = bed.account(NEW, Some(PASSWORD), true).await;
    let session = bed.log_in(ADA, PASSWORD).await.unwrap().session;
    let known = bed.started_in(false).await;
    assert!(!bed.service.concerns(&known), "not even queued");
    assert_eq!(bed.letters(&known).await, [], "the device is no new one");
    let change = async |email: &str| {
        let asked = bed.service.change_email(&session, email.to_owned(), &origin()).await;
        asked.unwrap();
    };
    change(NEW).await;
    assert_eq!(bed.said("user.email_change_requested").await, [], "it is another's");
    change("free@example.net").await;
    let asked = bed.last("user.email_change_requested").await;
    let link = bed.letters(&asked).await;
    assert_eq!((link.len(), link[0].to.as_str()), (1, "free@example.net"));
    bed.forgot(ADA).await;
    assert_eq!(bed.said("user.password_reset_requested").await.len(), 1);
    let request = bed.user(ada).await.email_change().unwrap().request;
    let token = Secret(bed.service.links.write(Link::EmailChange(ada, request)));
    bed.verify(&token).await.unwrap();
    assert_eq!(
        bed.said("user.email_changed").await,
        [("address_changed", ADA.to_owned())]
    );
    assert_eq!(
        bed.said("user.password_reset_requested").await,
        [],
        "a change of address ends what was asked for before it"
    );
    assert_eq!(bed.letters(&asked).await, [], "it was followed");

    bed.service.keyring.destroy(&KeyName::user(ada)).await.unwrap();
    assert_eq!(bed.said("user.email_changed").await, []);
    assert_eq!(bed.owner(NEW).await, Some(bob));
}

#[tokio::test]
async fn login_from_a_new_device_is_told() {
    let bed = Bed::with(true, None).await;
    bed.account(ADA, Some(PASSWORD), true).await;
    bed.log_in(ADA, PASSWORD).await.unwrap();
    let recorded = bed.started_in(true).await;
    assert!(bed.service.concerns(&recorded));
    let letters = bed.letters(&recorded).await;
    assert_eq!((letters[0].letter.name(), letters[0].to.as_str()), ("new_device", ADA));
}

#[tokio::test]
async fn who_is_shut_out_is_told_and_who_is_erased_is_not() {
    let bed = Bed::with(true, None).await;
    let ada = bed.account(ADA, Some(PASSWORD), true).await;
    let (at, metadata) = (bed.service.clock.now(), metadata_of("test", bed.service.clock.now()));
    let deactivate = UserCommand::Deactivate(user::Deactivate { at });
    bed.service.command_user(ada, deactivate, &metadata).await.unwrap();
    let recorded = bed.last("user.deactivated").await;
    assert!(bed.service.concerns(&recorded));
    assert_eq!(bed.said("user.deactivated").await, [("deactivated", ADA.to_owned())]);
    bed.service.keyring.destroy(&KeyName::user(ada)).await.unwrap();
    assert_eq!(bed.said("user.deactivated").await, []);
}
