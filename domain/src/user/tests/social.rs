use super::*;
use crate::id::LinkId;
use uuid::Uuid;

const LINK: LinkId = LinkId(Uuid::from_u128(3));

fn account() -> SocialAccount {
    SocialAccount {
        link: LINK,
        provider: "github".into(),
        claim: claim_id('c'),
        subject: sealed("subject"),
        label: Some(sealed("label")),
    }
}

pub(super) fn link() -> LinkSocialAccount {
    LinkSocialAccount {
        account: account(),
        epoch: None,
        at: T0,
    }
}

pub(super) fn unlink() -> UnlinkSocialAccount {
    UnlinkSocialAccount { link: LINK, at: T0 }
}

pub(super) fn refuse() -> RefuseSocialAccount {
    RefuseSocialAccount { link: LINK, at: T0 }
}

pub(super) fn linked() -> UserEvent {
    UserEvent::SocialAccountLinked {
        link: LINK,
        provider: "github".into(),
        claim: claim_id('c'),
        subject: sealed("subject"),
        label: Some(sealed("label")),
        at: T0,
    }
}

pub(super) fn unlinked() -> UserEvent {
    UserEvent::SocialAccountUnlinked {
        link: LINK,
        provider: "github".into(),
        claim: claim_id('c'),
        at: T0,
    }
}

/// Somebody who came by a provider and has no password.
fn without_password() -> UserEvent {
    UserEvent::Registered {
        email: sealed("email"),
        claim: claim_id('a'),
        email_verified: true,
        password: None,
        at: T0,
    }
}

#[test]
fn social_account_is_linked_and_unlinked() {
    given::<User>([registered()]).when(link()).then([linked()]);
    let user = state::<User>([registered(), linked()]);
    assert_eq!(user.social_account(LINK), Some(&account()));
    given::<User>([registered(), linked()])
        .when(unlink())
        .then([unlinked()]);
    assert!(
        state::<User>([registered(), linked(), unlinked()])
            .social_accounts()
            .is_empty()
    );
}

#[test]
fn registration_by_a_provider_links_its_account() {
    let by_provider = Register {
        password: None,
        social: Some(account()),
        ..register()
    };
    given::<User>([]).when(by_provider).then([without_password(), linked()]);
}

#[test]
fn account_that_is_linked_already_is_no_event() {
    given::<User>([registered(), linked()]).when(link()).then_nothing();
}

#[test]
fn session_that_has_died_links_nothing() {
    let asks = |epoch| LinkSocialAccount {
        epoch: Some(epoch),
        ..link()
    };
    given::<User>([registered()]).when(asks(0)).then([linked()]);
    let history = [registered(), UserEvent::PasswordRemoved { epoch: 1, at: T0 }];
    given::<User>(history.clone())
        .when(asks(0))
        .then_refused(UserError::SessionEnded);
    given::<User>(history).when(asks(1)).then([linked()]);
}

#[test]
fn unknown_social_account_is_not_unlinked() {
    given::<User>([registered()])
        .when(unlink())
        .then_refused(UserError::NotLinked);
    given::<User>([registered(), linked(), unlinked()])
        .when(unlink())
        .then_refused(UserError::NotLinked);
}

#[test]
fn last_way_in_stays() {
    given::<User>([without_password(), linked()])
        .when(unlink())
        .then_refused(UserError::LastWayIn);
    given::<User>([registered(), linked(), UserEvent::PasswordRemoved { epoch: 1, at: T0 }])
        .when(unlink())
        .then_refused(UserError::LastWayIn);
}

#[test]
fn one_of_two_social_accounts_can_be_unlinked_without_a_password() {
    let other = UserEvent::SocialAccountLinked {
        link: LinkId(Uuid::from_u128(4)),
        provider: "google".into(),
        claim: claim_id('d'),
        subject: sealed("subject"),
        label: None,
        at: T0,
    };
    given::<User>([without_password(), linked(), other])
        .when(unlink())
        .then([unlinked()]);
}

#[test]
fn link_whose_claim_is_anothers_is_taken_back_even_as_the_last() {
    given::<User>([without_password(), linked()])
        .when(refuse())
        .then([unlinked()]);
    given::<User>([without_password()]).when(refuse()).then_nothing();
}

#[test]
fn deactivated_user_links_and_unlinks_nothing() {
    let history = [registered(), linked(), deactivated(1)];
    given::<User>(history.clone())
        .when(link())
        .then_refused(UserError::Inactive);
    given::<User>(history).when(unlink()).then_refused(UserError::Inactive);
}
