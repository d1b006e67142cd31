use std::{collections::BTreeSet, sync::Arc};

use doorbook_domain::{
    attempts::LoginAttemptsEvent,
    role::{Role, Roles},
    seal::{Sealed, SecretHash},
    session::SessionEvent,
    user::UserEvent,
};
use doorbook_projections::{
    cursor::{Cursor, InvalidCursor},
    engine::Reads,
    login_history::{self, Outcome},
    sessions::{self, Ended, Which},
    signups, users,
};

use crate::support::{
    bench::{Running, open, run},
    history::{at, claim, session, user},
    log::MemoryLog,
    place::Place,
};

on_both!(
    sessions_come_newest_first_and_page_by_page,
    live_sessions_are_those_that_nothing_ended,
    password_change_ends_older_sessions_only,
    user_is_listed_from_claim_to_release,
    loser_of_a_claim_is_not_listed,
    user_shows_its_latest_profile_and_roles,
    admins_are_those_who_can_act,
    attempts_are_found_by_their_address,
    history_has_successes_failures_and_summaries,
    history_tells_what_ended_all_sessions,
);

async fn start(place: &Place) -> (Arc<MemoryLog>, Running, Reads) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(place, &log).await);
    let reads = running.engine.reads();
    (log, running, reads)
}

async fn sessions_come_newest_first_and_page_by_page(place: Place) {
    let (log, running, reads) = start(&place).await;
    for (number, micros) in [(1, 10), (2, 30), (3, 20), (4, 20)] {
        log.log_in(1, number, 1, micros);
    }
    running.reaches(log.log_in(2, 9, 1, 25)).await;

    let first = sessions::page(&reads, user(1), Which::All, &Cursor::start(), 2)
        .await
        .unwrap();
    let ids: Vec<_> = first.iter().map(|row| row.session_id).collect();
    assert_eq!(ids, [session(2), session(4)]);
    let after: Cursor = first[1].cursor().to_string().parse().unwrap();
    let second = sessions::page(&reads, user(1), Which::All, &after, 9).await.unwrap();
    let ids: Vec<_> = second.iter().map(|row| row.session_id).collect();
    assert_eq!(ids, [session(3), session(1)]);
    assert_eq!(second[0].origin, Some(Sealed::new("user-1:origin")));
    assert_eq!("nonsense".parse::<Cursor>(), Err(InvalidCursor));
    running.stop().await;
}

async fn live_sessions_are_those_that_nothing_ended(place: Place) {
    let (log, running, reads) = start(&place).await;
    log.log_in(1, 1, 1, 10);
    log.log_in(1, 2, 1, 20);
    log.log_in(1, 3, 1, 30);
    running.reaches(log.log_out(2, 40)).await;
    let live = async |now| {
        let rows = sessions::page(&reads, user(1), Which::Live(at(now)), &Cursor::start(), 9)
            .await
            .unwrap();
        assert!(rows.iter().all(|row| row.is_live(at(now))));
        rows.into_iter().map(|row| row.session_id).collect::<Vec<_>>()
    };
    assert_eq!(live(109).await, [session(3), session(1)]);
    assert_eq!(live(110).await, [session(3)], "the idle deadline of the first is 110");
    assert_eq!(live(130).await, []);
    let idle_until = at(500);
    running
        .reaches(log.session(
            3,
            &SessionEvent::Refreshed {
                idle_until,
                at: at(120),
            },
        ))
        .await;
    assert_eq!(live(229).await, [session(3)]);
    assert_eq!(
        live(230).await,
        [],
        "the absolute deadline holds whatever the idle one is"
    );
    running.stop().await;
}

async fn password_change_ends_older_sessions_only(place: Place) {
    let (log, running, reads) = start(&place).await;
    log.sign_up(1, 1);
    log.log_in(1, 1, 1, 10);
    log.log_in(1, 2, 1, 11);
    log.log_out(1, 15);
    log.change_password(1, 2, 20);
    running.reaches(log.log_in(1, 3, 2, 30)).await;
    let ended = async |number| {
        let row = sessions::find(&reads, session(number)).await.unwrap().unwrap();
        row.ended.map(|ended| (ended.at, ended.reason))
    };
    assert_eq!(
        ended(1).await,
        Some((at(15), "logged_out".into())),
        "what came first counts"
    );
    assert_eq!(ended(2).await, Some((at(20), "password_changed".into())));
    assert_eq!(ended(3).await, None);
    let page = sessions::page(&reads, user(1), Which::Live(at(40)), &Cursor::start(), 9)
        .await
        .unwrap();
    assert_eq!(page.len(), 1);
    assert_eq!(sessions::find(&reads, session(77)).await.unwrap(), None);
    running.stop().await;
}

async fn user_is_listed_from_claim_to_release(place: Place) {
    let (log, running, reads) = start(&place).await;
    let listed = async || users::page(&reads, &Cursor::start(), 9).await.unwrap().len();
    running.reaches(log.prepare(1, 1, 10)).await;
    assert_eq!(listed().await, 0);
    assert!(!users::find(&reads, user(1)).await.unwrap().unwrap().claimed);
    running.reaches(log.sign_up(2, 20)).await;
    assert_eq!(listed().await, 1);
    assert!(users::find(&reads, user(2)).await.unwrap().unwrap().claimed);
    running.reaches(log.release(2, 30)).await;
    assert_eq!(listed().await, 0);
    running.stop().await;
}

async fn loser_of_a_claim_is_not_listed(place: Place) {
    let (log, running, reads) = start(&place).await;
    log.prepare(2, 1, 5);
    running.reaches(log.sign_up(1, 10)).await;
    let page = users::page(&reads, &Cursor::start(), 9).await.unwrap();
    let ids: Vec<_> = page.iter().map(|row| row.user_id).collect();
    assert_eq!(ids, [user(1)]);
    assert!(!users::find(&reads, user(2)).await.unwrap().unwrap().claimed);
    running.stop().await;
}

async fn user_shows_its_latest_profile_and_roles(place: Place) {
    let (log, running, reads) = start(&place).await;
    let row = async || users::find(&reads, user(1)).await.unwrap().unwrap();
    let name = Some(Sealed::new("user-1:Ada"));
    log.sign_up(1, 10);
    log.user(
        1,
        &UserEvent::ProfileChanged {
            name: name.clone(),
            at: at(11),
        },
    );
    log.user(
        1,
        &UserEvent::RoleGranted {
            role: Role::Admin,
            epoch: 2,
            at: at(12),
        },
    );
    let position = log.user(1, &UserEvent::Deactivated { epoch: 3, at: at(13) });
    running.reaches(position).await;
    let first = row().await;
    assert_eq!(
        (&first.email.event_type[..], first.email.sealed.as_str()),
        ("user.registered", "user-1:email\t\\N\n")
    );
    assert_eq!(
        first.name.map(|name| (name.event_type, Some(name.sealed))),
        Some(("user.profile_changed".into(), name))
    );
    assert_eq!(first.roles, Roles::default().with(Role::Admin));
    assert_eq!(
        (first.state, first.position, first.claim),
        (users::State::Deactivated, position, claim(1))
    );

    log.user(1, &UserEvent::ProfileChanged { name: None, at: at(14) });
    log.user(
        1,
        &UserEvent::RoleRevoked {
            role: Role::Admin,
            epoch: 4,
            at: at(15),
        },
    );
    running
        .reaches(log.user(1, &UserEvent::Reactivated { at: at(16) }))
        .await;
    let second = row().await;
    assert_eq!(
        (second.name, second.roles, second.state),
        (None, Roles::default(), users::State::Active)
    );
    assert_eq!(users::find(&reads, user(7)).await.unwrap(), None);
    running.stop().await;
}

async fn admins_are_those_who_can_act(place: Place) {
    let (log, running, reads) = start(&place).await;
    let (role, at) = (Role::Admin, at(20));
    for number in 1..=6 {
        log.sign_up(number, i64::try_from(number).unwrap());
        log.user(number, &UserEvent::RoleGranted { role, epoch: 1, at });
    }
    log.user(2, &UserEvent::Deactivated { epoch: 2, at });
    log.user(3, &UserEvent::RoleRevoked { role, epoch: 2, at });
    log.user(4, &UserEvent::Erased { epoch: 2, at });
    log.release(5, 21);
    log.prepare(7, 7, 22);
    running
        .reaches(log.user(7, &UserEvent::RoleGranted { role, epoch: 1, at }))
        .await;
    assert_eq!(users::admins(&reads).await.unwrap(), [user(1), user(6)]);
    running.stop().await;
}

async fn attempts_are_found_by_their_address(place: Place) {
    let (log, running, reads) = start(&place).await;
    log.attempt(1, 10);
    running.reaches(log.attempt(2, 20)).await;
    let found = signups::at_claim(&reads, &claim(1), 10).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].user_id, found[0].password_key.as_str(), found[0].pending),
        (user(1), "password-1", false)
    );
    assert_eq!(signups::at_claim(&reads, &claim(3), 10).await.unwrap(), []);
    running.stop().await;
}

async fn history_has_successes_failures_and_summaries(place: Place) {
    let (log, running, reads) = start(&place).await;
    log.log_in(1, 1, 1, 10);
    log.fail(1, 20);
    let summary = LoginAttemptsEvent::Summarized {
        user_id: Some(user(1)),
        provider: None,
        count: 40,
        from: at(21),
        at: at(30),
    };
    log.append(
        "attempts",
        &claim(1).0,
        "login.failures_summarized",
        &serde_json::to_string(&summary).unwrap(),
    );
    log.log_in(2, 2, 1, 25);
    running.reaches(log.log_out(1, 50)).await;

    let mine = login_history::of_user(&reads, user(1), &Cursor::start(), 9)
        .await
        .unwrap();
    let outcomes: Vec<_> = mine.iter().map(|row| row.outcome.clone()).collect();
    let (failure, success) = (
        Outcome::Failure {
            reason: "wrong_password".into(),
            provider: None,
            email: Sealed::new("user-1:typed"),
        },
        Outcome::Success {
            method: "password".into(),
            provider: None,
            ended: Some(Ended {
                at: at(50),
                reason: "logged_out".into(),
                by: None,
            }),
        },
    );
    assert_eq!(
        outcomes,
        [
            Outcome::Failures {
                provider: None,
                count: 40,
                since: at(21)
            },
            failure,
            success
        ]
    );
    assert_eq!(mine[1].stream(), format!("attempts-{}", claim(1)));
    assert_eq!(mine[1].event_type(), "login.failed");

    let first = login_history::page(&reads, &Cursor::start(), 2).await.unwrap();
    assert_eq!(first.iter().map(|row| row.at).collect::<Vec<_>>(), [at(30), at(25)]);
    let rest = login_history::page(&reads, &first[1].cursor(), 9).await.unwrap();
    assert_eq!(rest.iter().map(|row| row.at).collect::<Vec<_>>(), [at(20), at(10)]);
    running.stop().await;
}

async fn history_tells_what_ended_all_sessions(place: Place) {
    let (log, running, reads) = start(&place).await;
    log.sign_up(1, 1);
    log.log_in(1, 1, 1, 10);
    log.log_in(1, 2, 1, 20);
    log.change_password(1, 2, 30);
    let secret = SecretHash([9; 32]);
    running
        .reaches(log.session(
            2,
            &SessionEvent::Rotated {
                secret,
                epoch: 2,
                at: at(30),
            },
        ))
        .await;
    let logins = login_history::of_user(&reads, user(1), &Cursor::start(), 9)
        .await
        .unwrap();
    let reasons: Vec<_> = logins
        .iter()
        .map(|row| match &row.outcome {
            Outcome::Success { ended, .. } => ended.as_ref().map(|ended| ended.reason.clone()),
            other @ (Outcome::Failure { .. } | Outcome::Failures { .. }) => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        reasons,
        [None, Some("password_changed".into())],
        "the one that rotated goes on"
    );
    running.stop().await;
}

#[test]
fn every_event_of_the_tests_is_one_of_the_domain() {
    let log = MemoryLog::new(1);
    log.live_on(1, 4);
    let mut kinds = BTreeSet::new();
    log.alter(|events| {
        for recorded in events {
            kinds.insert(recorded.event().unwrap().aggregate());
        }
    });
    let all = ["attempts", "claim", "session", "signup", "user"];
    assert!(kinds.into_iter().eq(all), "the history leaves a kind of stream out");
}
