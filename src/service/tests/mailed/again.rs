//! Links that are asked for again and again, and links that may be somebody else's.

use doorbook_domain::signup::SignUp as Attempt;

use super::*;
use crate::service::process::{Reaction as _, Shredder};

#[tokio::test]
async fn stranger_who_asks_for_links_again_and_again_fills_nobodys_stream() {
    let clock = clock();
    let bed = Bed::with(true, Some(clock.clone())).await;
    let ada = bed.account(ADA, Some(PASSWORD), true).await;
    for _ in 0..20 {
        let before = bed.service.store.log().read(Position::START, 1000).await.unwrap().len();
        bed.forgot(ADA).await;
        let after = bed.service.store.log().read(Position::START, 1000).await.unwrap().len();
        assert_eq!(after, before + 1, "it costs the same");
    }
    assert_eq!(bed.events("user.password_reset_requested").await.len(), 3);
    assert_eq!(bed.events("login.link_refused").await.len(), 17);
    // The last one is in the mailbox, and lives.
    let token = bed.reset_token(ada).await;
    bed.reset(&token, OTHER).await.unwrap();
    bed.forgot(ADA).await;
    assert_eq!(bed.events("user.password_reset_requested").await.len(), 4);
    for _ in 0..3 {
        bed.forgot(ADA).await;
    }
    clock.advance(Duration::from_mins(30));
    bed.forgot(ADA).await;
    assert_eq!(
        bed.events("user.password_reset_requested").await.len(),
        7,
        "no live one is left"
    );
}

#[tokio::test]
async fn password_of_an_attempt_that_proved_its_address_only_cannot_be_read_any_more() {
    let bed = Bed::with(true, None).await;
    bed.sign_up(ADA).await;
    let requested = bed.last("signup.requested").await;
    let id = requested.stream_id.parse::<SignUpId>().unwrap();
    bed.verify(&Secret(bed.service.links.write(Link::AddressOnly(id))))
        .await
        .unwrap();
    let owner = bed.owner(ADA).await.unwrap();
    let user = bed.user(owner).await;
    assert!(user.email_verified() && user.password().is_none());
    assert_eq!(
        bed.said("user.password_reset_requested").await,
        [("reset_password", ADA.to_owned())]
    );
    let attempt = bed.service.store.load::<Attempt>(&id.to_string()).await.unwrap();
    let hash = attempt.aggregate.requested().unwrap().password.clone();
    let stream = format!("signup-{id}");
    let place = Place {
        stream: &stream,
        event_type: "signup.requested",
        field: "password",
    };
    assert!(bed.service.seals.open(&hash, &place).await.unwrap().is_some());
    let verified = bed.last("signup.verified").await;
    assert!(Shredder.concerns(&verified.event_type));
    Shredder.react(&bed.service, &verified).await.unwrap();
    assert!(bed.service.seals.open(&hash, &place).await.unwrap().is_none());
    bed.reset(&bed.reset_token(owner).await, OTHER).await.unwrap();
    bed.log_in(ADA, OTHER).await.unwrap();
}
