//! How long sessions live, and how many a user may have, by a clock that is moved by hand.

use std::collections::BTreeSet;

use doorbook_domain::{role::Role, user::GrantRole};
use doorbook_openapi::app::{Notice, Tab};

use super::*;

const T0: Timestamp = Timestamp::from_micros(1_795_435_200_000_000);
const MOMENT: Duration = Duration::from_micros(1);

/// A session and its bed, at a clock that stands.
async fn signed_in() -> (Bed, Clock, Opened) {
    let clock = Clock::standing(T0);
    let bed = Bed::with(false, Some(clock.clone())).await;
    bed.sign_up(ADA).await;
    let opened = bed.log_in(ADA, PASSWORD).await.unwrap();
    (bed, clock, opened)
}

impl Bed {
    async fn live(&self, opened: &Opened) -> Option<LiveSession> {
        self.service.resolve(&opened.cookie.0).await.unwrap()
    }

    /// Waits until the session was refreshed so many times in all.
    async fn refreshed(&self, times: usize) {
        let waiting = async {
            while self.events("session.refreshed").await.len() < times {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap();
        assert_eq!(self.events("session.refreshed").await.len(), times);
    }
}

#[tokio::test]
async fn unused_session_dies_at_its_idle_deadline_and_not_before() {
    let (bed, clock, opened) = signed_in().await;
    let idle = bed.service.rules.lifetimes.idle;
    clock.advance(idle.saturating_sub(MOMENT));
    assert!(bed.live(&opened).await.is_some());
    clock.advance(MOMENT);
    assert_eq!(bed.live(&opened).await, None);
    let late = bed.service.refresh(opened.session.id, &origin()).await;
    assert!(matches!(late, Err(Refusal::NotSignedIn)), "nothing revives it");
}

#[tokio::test]
async fn use_prolongs_a_session_once_per_twelfth_of_its_idle_time() {
    let (bed, clock, opened) = signed_in().await;
    let idle = bed.service.rules.lifetimes.idle;
    let use_it = async || bed.service.touch(&bed.live(&opened).await.unwrap());
    clock.advance((idle / 12).saturating_sub(MOMENT));
    use_it().await;
    clock.advance(MOMENT);
    use_it().await;
    bed.refreshed(1).await;
    use_it().await;
    clock.advance(idle / 12);
    use_it().await;
    bed.refreshed(2).await;
    let until = bed.live(&opened).await.unwrap().idle_until;
    assert_eq!(until, T0.plus(idle / 12 * 2).plus(idle));
}

#[tokio::test]
async fn no_use_prolongs_a_session_beyond_its_absolute_deadline() {
    let (bed, clock, opened) = signed_in().await;
    let lifetimes = bed.service.rules.lifetimes;
    let step = lifetimes.idle / 2;
    let mut age = Duration::ZERO;
    while age + step < lifetimes.absolute {
        clock.advance(step);
        age += step;
        let live = bed.service.refresh(opened.session.id, &origin()).await.unwrap();
        assert_eq!(live.absolute_until, T0.plus(lifetimes.absolute));
        assert!(live.idle_until <= live.absolute_until);
    }
    clock.advance(lifetimes.absolute.saturating_sub(age + MOMENT));
    assert!(bed.live(&opened).await.is_some());
    clock.advance(MOMENT);
    assert_eq!(bed.live(&opened).await, None);
}

#[tokio::test]
async fn sessions_of_people_with_a_role_are_shorter() {
    let (bed, clock, opened) = signed_in().await;
    let grant = UserCommand::GrantRole(GrantRole {
        role: Role::Auditor,
        at: clock.now(),
    });
    let metadata = metadata_of("cli", clock.now());
    bed.service
        .command_user(opened.session.user, grant, &metadata)
        .await
        .unwrap();
    let staff = bed.log_in(ADA, PASSWORD).await.unwrap().session;
    let lifetimes = bed.service.rules.staff_lifetimes;
    assert!(lifetimes.absolute < bed.service.rules.lifetimes.absolute);
    assert_eq!(staff.idle_until, T0.plus(lifetimes.idle));
    assert_eq!(staff.absolute_until, T0.plus(lifetimes.absolute));
}

#[tokio::test]
async fn logins_beyond_the_limit_end_the_oldest_sessions() {
    let clock = Clock::standing(T0);
    let bed = Bed::with_settings(false, Some(clock.clone()), &[("session.max_per_user", "3")]).await;
    let cancel = tokio_util::sync::CancellationToken::new();
    let engine = tokio::spawn({
        let (engine, cancel) = (bed.service.engine.clone(), cancel.clone());
        async move { engine.run(cancel).await }
    });
    bed.sign_up(ADA).await;
    let mut opened = Vec::new();
    for _ in 0..5 {
        clock.advance(Duration::from_secs(1));
        opened.push(bed.log_in(ADA, PASSWORD).await.unwrap());
    }
    bed.service.end_surplus(opened[0].session.user).await.unwrap();

    let mut living = BTreeSet::new();
    for (number, session) in opened.iter().enumerate() {
        if bed.live(session).await.is_some() {
            living.insert(number);
        }
    }
    assert_eq!(living, BTreeSet::from([2, 3, 4]));
    let before = bed.events("session.ended").await.len();
    bed.service.end_surplus(opened[0].session.user).await.unwrap();
    assert_eq!(
        (before, bed.events("session.ended").await.len()),
        (2, 2),
        "and no other"
    );
    cancel.cancel();
    engine.await.unwrap().unwrap();
}

async fn next(tab: &mut Box<dyn Tab>) -> Option<Notice> {
    tokio::time::timeout(Duration::from_secs(10), tab.next()).await.unwrap()
}

#[tokio::test]
async fn page_is_sent_away_without_a_word_once_the_log_is_not_followed_any_more() {
    let (bed, clock, opened) = signed_in().await;
    let refused = bed.service.follow(&opened.cookie).await;
    assert!(matches!(refused, Err(Refusal::Busy(_))), "nobody follows the log yet");

    let cancel = tokio_util::sync::CancellationToken::new();
    let head = bed.service.store.log().head().await.unwrap();
    let following = tokio::spawn(Arc::clone(&bed.service.directory).follow(head, cancel.clone()));
    while !bed.service.directory.is_trusted(clock.now()) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let mut tab = bed.service.follow(&opened.cookie).await.unwrap();
    assert!(matches!(next(&mut tab).await, Some(Notice::Connected(_))));
    assert_eq!(bed.service.tabs_open(), 1);

    cancel.cancel();
    assert_eq!(next(&mut tab).await, None, "it cannot tell what it would not hear");
    assert_eq!(next(&mut tab).await, None);
    drop(tab);
    assert_eq!(bed.service.tabs_open(), 0);
    following.await.unwrap();
}

#[tokio::test]
async fn sessions_of_others_end_only_with_a_proof_from_the_last_five_minutes() {
    let (bed, clock, opened) = signed_in().await;
    let elsewhere = bed.log_in(ADA, PASSWORD).await.unwrap();
    clock.advance(Duration::from_mins(5));
    let stale = bed.live(&opened).await.unwrap();
    let other = elsewhere.session.id;
    let refused = [
        bed.service.revoke(&stale, other, &origin()).await.err(),
        bed.service.revoke_others(&stale, &origin()).await.err(),
    ];
    for refusal in refused {
        assert!(
            matches!(refusal, Some(Refusal::ReauthenticationRequired)),
            "{refusal:?}"
        );
    }
    assert!(bed.live(&elsewhere).await.is_some());
    bed.service.revoke(&stale, stale.id, &origin()).await.unwrap();
    assert_eq!(bed.live(&opened).await, None, "the own one needs none");
    let fresh = bed.log_in(ADA, PASSWORD).await.unwrap().session;
    bed.service.revoke(&fresh, other, &origin()).await.unwrap();
    assert_eq!(bed.live(&elsewhere).await, None);
}
