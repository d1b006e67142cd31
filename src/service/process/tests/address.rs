//! Changes of address that a crash interrupted.

use doorbook_domain::{
    claim::{self, Claim, ClaimCommand},
    id::RequestId,
    user::{self, UserCommand},
};
use doorbook_projections::keyring::Place;

use super::*;
use crate::ids;

const NEW: &str = "countess@example.net";

impl Stand {
    /// Follows the link to another address, and no more: what a crash leaves behind.
    async fn interrupted_change_of_address(&self, id: UserId) {
        let (service, at) = (&self.service, self.service.clock.now());
        let (stream, request) = (format!("user-{id}"), RequestId(ids::uuid_v7(at)));
        let place = Place {
            stream: &stream,
            event_type: "user.email_change_requested",
            field: "email",
        };
        let email = service.seals.text(&KeyName::user(id), &place, NEW).await.unwrap();
        let asked = UserCommand::RequestEmailChange(user::RequestEmailChange {
            request,
            email,
            claim: service.keyring.claim("email", NEW),
            until: at.plus(Duration::from_hours(1)),
            epoch: 0,
            at,
        });
        let followed = UserCommand::ConfirmEmailChange(user::ConfirmEmailChange { request, at });
        for command in [asked, followed] {
            let done = service.command_user(id, command, &metadata_of("test", at)).await;
            done.unwrap();
        }
    }

    async fn take(&self, email: &str, user_id: UserId) {
        let at = self.service.clock.now();
        let claim = self.service.keyring.claim("email", email).to_string();
        let take = ClaimCommand::Take(claim::Take { user_id, at });
        let taken = self
            .service
            .store
            .execute::<Claim>(&claim, take, &metadata_of("test", at))
            .await;
        taken.unwrap();
    }
}

#[tokio::test]
async fn interrupted_change_of_address_is_finished_once() {
    // Before and after the claim was taken.
    for taken in [false, true] {
        let stand = Stand::start().await;
        stand.sign_up().await;
        let ada = stand.owner().await.unwrap();
        stand.interrupted_change_of_address(ada).await;
        if taken {
            stand.take(NEW, ada).await;
        }
        stand.react(&Finisher).await;
        assert_eq!((stand.owner_of(NEW).await, stand.owner().await), (Some(ada), None));
        let user = stand.user(ada).await;
        assert_eq!(user.email_event(), Some("user.email_changed"));
        assert!(user.email_verified());
        let email = stand.service.address_of(ada, &user).await.unwrap();
        assert_eq!(email.as_deref(), Some(NEW));
        let events = stand.react(&Finisher).await;
        assert_eq!(stand.react(&Finisher).await, events, "repeating appends nothing");
    }
}

#[tokio::test]
async fn old_address_that_was_not_given_up_is_given_up() {
    let stand = Stand::start().await;
    stand.sign_up().await;
    let ada = stand.owner().await.unwrap();
    stand.interrupted_change_of_address(ada).await;
    stand.react(&Finisher).await;
    stand.take(EMAIL, ada).await;

    stand.react(&Finisher).await;

    assert_eq!((stand.owner_of(NEW).await, stand.owner().await), (Some(ada), None));
}

#[tokio::test]
async fn change_to_an_address_that_is_anothers_by_now_is_refused() {
    let stand = Stand::start().await;
    stand.sign_up().await;
    let (ada, bob) = (stand.owner().await.unwrap(), UserId(ids::uuid_v4()));
    stand.interrupted_change_of_address(ada).await;
    stand.take(NEW, bob).await;

    stand.react(&Finisher).await;

    assert_eq!((stand.owner_of(NEW).await, stand.owner().await), (Some(bob), Some(ada)));
    assert!(stand.user(ada).await.email_change().is_none());
}

#[tokio::test]
async fn change_that_a_new_password_ended_leaves_no_claim_behind() {
    let stand = Stand::start().await;
    stand.sign_up().await;
    let ada = stand.owner().await.unwrap();
    stand.interrupted_change_of_address(ada).await;
    stand.take(NEW, ada).await;
    stand.change_password().await;

    stand.react(&Finisher).await;

    assert_eq!((stand.owner_of(NEW).await, stand.owner().await), (None, Some(ada)));
}
