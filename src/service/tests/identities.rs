//! Who is who at a provider, in moments that HTTP hardly ever meets.

use doorbook_domain::{
    email::EmailAddress,
    id::RequestId,
    seal::Sealed,
    user::{self, SocialAccount, UserCommand},
};

use super::*;
use crate::social::Identity;

const NEW: &str = "countess@example.net";

fn identity(email: &str) -> Identity {
    Identity {
        subject: "7".to_owned(),
        email: Some(EmailAddress::parse(email).unwrap()),
        verified: true,
        name: None,
    }
}

impl Bed {
    async fn command(&self, id: UserId, command: UserCommand) {
        let metadata = metadata_of("test", self.service.clock.now());
        self.service.command_user(id, command, &metadata).await.unwrap();
    }
}

#[tokio::test]
async fn address_that_is_being_given_up_leads_to_nobody() {
    let bed = Bed::new().await;
    bed.sign_up(ADA).await;
    let ada = bed.log_in(ADA, PASSWORD).await.unwrap().session.user;
    let proven = bed.service.proven("google", identity(ADA));
    let before = bed.service.admission(&proven).await.unwrap();
    assert!(format!("{before:?}").contains(&format!("{ada:?}")), "{before:?}");

    // She has moved, and the claim of her old address still names her.
    let (request, at) = (RequestId(ids::uuid_v4()), bed.service.clock.now());
    let email = Sealed::new("user-ada:moved");
    let claim = bed.service.keyring.claim("email", NEW);
    let ask = user::RequestEmailChange {
        epoch: 0,
        request,
        email: email.clone(),
        claim,
        until: at.plus(Duration::from_hours(1)),
        at,
    };
    bed.command(ada, UserCommand::RequestEmailChange(ask)).await;
    let confirm = user::ConfirmEmailChange { request, at };
    bed.command(ada, UserCommand::ConfirmEmailChange(confirm)).await;
    let complete = user::CompleteEmailChange { request, email, at };
    bed.command(ada, UserCommand::CompleteEmailChange(complete)).await;
    let after = bed.service.admission(&proven).await.unwrap();
    assert!(!format!("{after:?}").contains(&format!("{ada:?}")), "{after:?}");
}

#[tokio::test]
async fn identity_that_is_unlinked_while_it_comes_in_opens_no_session() {
    let bed = Bed::new().await;
    bed.sign_up(ADA).await;
    let ada = bed.log_in(ADA, PASSWORD).await.unwrap().session.user;
    let proven = bed.service.proven("google", identity(ADA));
    let (link, at) = (doorbook_domain::id::LinkId(ids::uuid_v4()), bed.service.clock.now());
    let account = SocialAccount {
        link,
        provider: "google".into(),
        claim: bed.service.keyring.claim("social", "google:7"),
        subject: Sealed::new("user-ada:subject"),
        label: None,
        by_password: false,
    };
    assert!(bed.service.still_linked(ada, &proven).await.unwrap().is_none());
    let linked = user::LinkSocialAccount {
        account,
        proof: None,
        epoch: None,
        at,
    };
    bed.command(ada, UserCommand::LinkSocialAccount(linked)).await;
    assert!(bed.service.still_linked(ada, &proven).await.unwrap().is_some());
    let unlink = user::UnlinkSocialAccount { link, at };
    bed.command(ada, UserCommand::UnlinkSocialAccount(unlink)).await;
    assert!(bed.service.still_linked(ada, &proven).await.unwrap().is_none());
}
