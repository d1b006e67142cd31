mod address;
mod import;
mod stand;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use doorbook_domain::signup::{self, SignUpCommand};
use doorbook_projections::log::Position;
use tokio_util::sync::CancellationToken;

use self::stand::Stand;
use super::{
    follow::{Follower, Step},
    *,
};
use crate::{clock::Clock, keys::KeysError};

const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "correct horse battery staple";

#[tokio::test]
async fn interrupted_sign_up_is_finished_once() {
    let stand = Stand::start().await;
    let (id, user, password) = stand.interrupted_sign_up(false).await;
    assert_eq!(stand.owner().await, None);

    stand.react(&Finisher).await;

    assert_eq!(stand.owner().await, Some(user));
    assert!(stand.user(user).await.is_active());
    // That the attempt is over is noted in the background.
    let noted = async {
        while stand.attempt(id).await.is_pending() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), noted).await.unwrap();
    let events = stand.react(&Finisher).await;
    assert_eq!(stand.react(&Finisher).await, events, "repeating appends nothing");
    stand.react(&Shredder).await;
    assert!(stand.has_key(&KeyName::user(user)).await);
    assert!(stand.has_key(&KeyName::password(password)).await);
}

#[tokio::test]
async fn sign_up_that_waits_for_its_mail_is_not_finished() {
    let stand = Stand::start().await;
    stand.interrupted_sign_up(true).await;

    assert_eq!(stand.react(&Finisher).await, 1);
    assert_eq!(stand.owner().await, None);
}

#[tokio::test]
async fn sign_up_whose_link_was_followed_is_finished_and_proven() {
    let stand = Stand::start().await;
    let (id, user, _) = stand.interrupted_sign_up(true).await;
    let at = stand.service.clock.now();
    let verify = SignUpCommand::Verify(signup::Verify {
        address_only: false,
        at,
    });
    let store = &stand.service.store;
    let followed = store
        .execute::<SignUp>(&id.to_string(), verify, &metadata_of("test", at))
        .await;
    followed.unwrap();

    stand.react(&Finisher).await;

    assert_eq!(stand.owner().await, Some(user));
    assert!(stand.user(user).await.email_verified());
}

#[tokio::test]
async fn refused_sign_up_loses_its_keys_and_the_owner_keeps_its_own() {
    let stand = Stand::start().await;
    stand.sign_up().await;
    let owner = stand.owner().await.unwrap();
    let (_, loser, password) = stand.interrupted_sign_up(false).await;

    stand.react(&Finisher).await;
    assert!(stand.has_key(&KeyName::user(loser)).await);
    for _ in 0..2 {
        stand.react(&Shredder).await;
        assert!(!stand.has_key(&KeyName::user(loser)).await);
        assert!(!stand.has_key(&KeyName::password(password)).await);
    }

    assert_eq!(stand.owner().await, Some(owner));
    assert!(stand.has_key(&KeyName::user(owner)).await);
    let hash = stand.service.stored_hash(owner, &stand.user(owner).await).await;
    assert!(hash.unwrap().is_some());
}

#[tokio::test]
async fn replaced_password_loses_its_key_and_the_new_one_stays() {
    let stand = Stand::start().await;
    stand.sign_up().await;
    let before = stand.user(stand.owner().await.unwrap()).await;
    let old = key_of(before.password().unwrap()).unwrap();
    assert!(stand.has_key(&old).await);

    let id = stand.change_password().await;
    for _ in 0..2 {
        stand.react(&Shredder).await;
        assert!(!stand.has_key(&old).await);
        let hash = stand.service.stored_hash(id, &stand.user(id).await).await.unwrap();
        assert_eq!(hash.as_deref(), Some("another hash"));
    }
}

#[tokio::test]
async fn cursor_moves_behind_what_was_done_and_stays_before_what_is_not_ripe() {
    let stand = Stand::start().await;
    stand.sign_up().await;
    stand.change_password().await;
    let head = stand.service.store.log().head().await.unwrap();

    let cancel = CancellationToken::new();
    let mut finisher = Follower::new(&stand.service, &Finisher);
    assert!(matches!(finisher.step(&cancel).await.unwrap(), Step::Unripe(_)));
    assert_eq!(
        stand.service.keyring.cursor("finisher").await.unwrap(),
        Position::default()
    );

    let mut shredder = Follower::new(&stand.service, &Shredder);
    assert_eq!(shredder.step(&cancel).await.unwrap(), Step::Moved);
    assert_eq!(stand.service.keyring.cursor("shredder").await.unwrap(), head);
    assert_eq!(shredder.step(&cancel).await.unwrap(), Step::AtHead);
}

#[tokio::test]
async fn erasure_that_a_crash_interrupted_is_finished() {
    let stand = Stand::start().await;
    stand.sign_up().await;
    let (_, stranger, other_password) = stand.interrupted_sign_up(true).await;
    let id = stand.interrupted_erasure().await;
    let password = stand.first_password(id).await;
    assert_eq!(stand.owner().await, Some(id));
    assert!(stand.has_key(&KeyName::user(id)).await);

    stand
        .reading(async {
            for _ in 0..2 {
                stand.react(&Eraser).await;
                assert_eq!(stand.owner().await, None);
                for key in [
                    KeyName::user(id),
                    password.clone(),
                    KeyName::user(stranger),
                    KeyName::password(other_password),
                ] {
                    assert!(!stand.has_key(&key).await, "{key}");
                }
            }
        })
        .await;
    assert_eq!(stand.service.rules.erasures.read().await.unwrap().erased.len(), 1);
}

#[tokio::test]
async fn newcomer_at_the_address_is_spared_by_an_erasure_that_is_repeated() {
    let stand = Stand::start().await;
    stand.sign_up().await;
    let id = stand.interrupted_erasure().await;
    stand.reading(stand.react(&Eraser)).await;
    stand.sign_up().await;
    let newcomer = stand.owner().await.unwrap();
    let (_, waiting, _) = stand.interrupted_sign_up(true).await;

    stand.reading(stand.react(&Eraser)).await;
    assert_ne!(newcomer, id);
    assert_eq!(stand.owner().await, Some(newcomer));
    assert!(stand.has_key(&KeyName::user(newcomer)).await);
    assert!(stand.has_key(&KeyName::user(waiting)).await);
    let hash = stand.service.stored_hash(newcomer, &stand.user(newcomer).await).await;
    assert!(hash.unwrap().is_some());
}

#[tokio::test]
async fn attempt_that_nobody_confirmed_loses_its_keys_an_hour_after_its_deadline() {
    let clock = Clock::standing(Timestamp::from_micros(1_795_478_400_000_000));
    let stand = Stand::start_at(clock.clone()).await;
    let (_, user, password) = stand.interrupted_sign_up(true).await;
    let (user, password) = (KeyName::user(user), KeyName::password(password));

    clock.advance(Duration::from_hours(24));
    stand.react(&Reaper).await;
    assert!(stand.has_key(&user).await && stand.has_key(&password).await);
    let cancel = CancellationToken::new();
    let mut reaper = Follower::new(&stand.service, &Reaper);
    assert_eq!(
        reaper.step(&cancel).await.unwrap(),
        Step::Unripe(Duration::from_hours(1))
    );

    clock.advance(Duration::from_hours(1));
    for _ in 0..2 {
        stand.react(&Reaper).await;
        assert!(!stand.has_key(&user).await && !stand.has_key(&password).await);
    }
}

#[tokio::test]
async fn attempt_whose_link_was_followed_in_time_keeps_its_keys() {
    let clock = Clock::standing(Timestamp::from_micros(1_795_478_400_000_000));
    let stand = Stand::start_at(clock.clone()).await;
    let (id, user, _) = stand.interrupted_sign_up(true).await;
    let verify = SignUpCommand::Verify(signup::Verify {
        address_only: false,
        at: clock.now(),
    });
    let metadata = metadata_of("test", clock.now());
    let verified = stand
        .service
        .store
        .execute::<SignUp>(&id.to_string(), verify, &metadata)
        .await;
    verified.unwrap();
    clock.advance(Duration::from_hours(100));
    stand.react(&Reaper).await;
    assert!(stand.has_key(&KeyName::user(user)).await);
}

/// A name that is no type is asked about by nobody.
#[test]
fn followers_are_concerned_with_types_that_there_are() {
    let concerned = FOLLOWERS.map(|follower| {
        let concerned = doorbook_domain::event::types().filter(|event_type| follower.concerns(event_type));
        (follower.name(), concerned.count())
    });
    assert_eq!(
        concerned,
        [("finisher", 5), ("shredder", 5), ("eraser", 1), ("reaper", 2)]
    );
}

/// Fails for the first event that it sees, until it is told otherwise.
#[derive(Default)]
struct Stumbling {
    recovered: AtomicBool,
    seen: AtomicUsize,
}

#[async_trait]
impl Reaction for Stumbling {
    fn name(&self) -> &'static str {
        "stumbling"
    }

    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    fn concerns(&self, _: &str) -> bool {
        true
    }

    async fn react(&self, _: &Service, recorded: &Recorded) -> Result<(), Fault> {
        self.seen.fetch_add(1, Ordering::SeqCst);
        if recorded.position == Position::new(1) && !self.recovered.load(Ordering::SeqCst) {
            return Err(Fault::plain("a bad event"));
        }
        Ok(())
    }
}

#[tokio::test]
async fn bad_event_is_parked_and_the_others_go_on() {
    let stand = Stand::start().await;
    stand.sign_up().await;
    let head = stand.settled().await;
    let (reaction, cancel) = (Stumbling::default(), CancellationToken::new());
    let mut follower = Follower::new(&stand.service, &reaction);
    for _ in 0..5 {
        assert!(follower.step(&cancel).await.is_err());
        assert_eq!(
            stand.service.keyring.cursor("stumbling").await.unwrap(),
            Position::START
        );
    }
    assert_eq!(follower.step(&cancel).await.unwrap(), Step::Moved);
    assert_eq!(stand.service.keyring.cursor("stumbling").await.unwrap(), head);
    let parked = stand.service.keyring.parked("stumbling").await.unwrap();
    assert_eq!(
        parked
            .iter()
            .map(|parked| (parked.position, parked.reason.as_str()))
            .collect::<Vec<_>>(),
        [(Position::new(1), "a bad event")]
    );
    let figure = |service: &Service| service.followers().into_iter().find(|(name, _)| *name == "stumbling");
    assert_eq!(figure(&stand.service).unwrap().1.parked, 1);

    follower.retry_parked().await;
    assert_eq!(
        stand.service.keyring.parked("stumbling").await.unwrap().len(),
        1,
        "still bad"
    );
    reaction.recovered.store(true, Ordering::SeqCst);
    follower.retry_parked().await;
    assert!(stand.service.keyring.parked("stumbling").await.unwrap().is_empty());
    assert_eq!(figure(&stand.service).unwrap().1.parked, 0);
}

#[tokio::test]
async fn keys_notice_another_log_and_an_earlier_state_of_their_own() {
    let stand = Stand::start().await;
    stand.sign_up().await;
    let (keyring, log) = (&stand.service.keyring, stand.service.store.log());
    keyring.belongs_to(log.as_ref()).await.unwrap();
    keyring.belongs_to(log.as_ref()).await.unwrap();

    // Far beyond, and a follower that nobody drives: those of the service go on meanwhile, and so does the log.
    let beyond = Position::new(log.head().await.unwrap().number() + 1_000);
    keyring.set_cursor("webhook-crm", beyond).await.unwrap();
    let refused = keyring.belongs_to(log.as_ref()).await;
    assert!(matches!(refused, Err(KeysError::AheadOfLog)), "{refused:?}");
    keyring.take_back(log.head().await.unwrap()).await.unwrap();
    keyring.belongs_to(log.as_ref()).await.unwrap();

    let other = Stand::start().await;
    let refused = keyring.belongs_to(other.service.store.log().as_ref()).await;
    assert!(matches!(refused, Err(KeysError::OtherLog)), "{refused:?}");
}
