//! Users of another system, beside the followers.

use std::sync::Arc;

use doorbook_domain::role::Roles;

use super::{stand::config, *};
use crate::{
    mail::Post,
    service::accounts::{Accounts, Actor, Newcomer},
};

#[tokio::test]
async fn imported_user_is_not_reaped_however_long_ago_it_registered() {
    let clock = Clock::standing(Timestamp::from_micros(1_795_478_400_000_000));
    let stand = Stand::start_at(clock.clone()).await;
    let (service, place) = (&stand.service, tempfile::tempdir().unwrap());
    let accounts = Accounts {
        store: service.store.clone(),
        keyring: Arc::clone(&service.keyring),
        engine: service.engine.clone(),
        erasures: service.rules.erasures.clone(),
        post: Arc::new(Post::open(&config(place.path())).unwrap()),
        clock: clock.clone(),
        directory: None,
        actor: Actor::Operator,
    };
    let newcomer = Newcomer {
        email: EMAIL.to_owned(),
        name: None,
        password_hash: None,
        roles: Roles::default(),
        active: true,
        email_verified: true,
        created_at: Some(clock.now().minus(Duration::from_hours(20_000))),
    };
    accounts.import(vec![newcomer], false).await.unwrap();
    clock.advance(Duration::from_hours(48));
    stand.react(&Reaper).await;
    let id = stand.owner().await.unwrap();
    assert!(stand.has_key(&KeyName::user(id)).await);
}
