use std::sync::Arc;

use doorbook_domain::{role::Role, user::UserEvent};
use doorbook_projections::{cursor::Cursor, engine::ReadTarget, figures, log::Position, users};

use crate::support::{
    bench::{open, rebuild, run},
    history::{at, user},
    log::MemoryLog,
    place::Place,
};

on_both!(
    users_are_found_by_role_state_and_proof,
    of_many_a_sample_is_counted_where_the_database_can_and_it_says_so,
);

async fn of_many_a_sample_is_counted_where_the_database_can_and_it_says_so(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let many = 1_600;
    for number in 1..=many {
        log.sign_up(number, 1);
        log.log_in(number, number, 1, 2);
        if number % 4 == 0 {
            log.user(number, &UserEvent::Deactivated { epoch: 2, at: at(3) });
        }
    }
    let engine = open(&place, &log).await;
    rebuild(&engine).await;
    let reads = engine.reads();
    let exact = figures::count_users(&reads, 1_600).await.unwrap();
    assert_eq!(
        (exact.active, exact.deactivated, exact.erased, exact.approximate),
        (1_200, 400, 0, false)
    );
    let exact = figures::count_sessions(&reads, at(10), 1_600).await.unwrap();
    assert_eq!((exact.many, exact.approximate), (1_200, false));

    // A quarter of the pages.
    let users = figures::count_users(&reads, 400).await.unwrap();
    let sessions = figures::count_sessions(&reads, at(10), 400).await.unwrap();
    let sampled = matches!(place.target, ReadTarget::Postgres(_));
    assert_eq!((users.approximate, sessions.approximate), (sampled, sampled));
    for (about, exact) in [(users.active, 1_200), (users.deactivated, 400), (sessions.many, 1_200)] {
        assert!(about > exact / 2 && about < exact * 3 / 2, "{about} of {exact}");
        assert!(sampled || about == exact);
    }
    // Where few are recent, each of them is counted, however many there were before.
    let later = figures::count_sessions(&reads, at(1_000), 400).await.unwrap();
    assert_eq!((later.many, later.approximate), (0, false));
}

/// An admin of before, one who is auditor as well, one who is shut out, one who is erased, and one more.
fn five_users(log: &MemoryLog) -> Position {
    for number in 1..=5 {
        log.sign_up(number, i64::try_from(number).unwrap());
    }
    let at = at(20);
    let granted = |role| UserEvent::RoleGranted { role, epoch: 1, at };
    log.user(1, &granted(Role::Admin));
    log.user(2, &granted(Role::Admin));
    log.user(2, &granted(Role::Auditor));
    log.user(
        1,
        &UserEvent::RoleRevoked {
            role: Role::Admin,
            epoch: 2,
            at,
        },
    );
    log.user(3, &UserEvent::Deactivated { epoch: 1, at });
    log.user(4, &UserEvent::Erased { epoch: 1, at });
    log.release(4, 21)
}

async fn users_are_found_by_role_state_and_proof(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    let reads = running.engine.reads();
    running.reaches(five_users(&log)).await;
    let found = async |filter: users::Filter, after: &Cursor, limit: u32| {
        let rows = users::search(&reads, filter, after, limit).await.unwrap();
        assert!(rows.iter().all(|row| filter.admits(row)), "{filter:?}");
        let ids: Vec<_> = rows.iter().map(|row| row.user_id).collect();
        (ids, rows.last().map(users::UserRow::cursor))
    };
    let first_page = Cursor::start();
    let all = users::Filter::default();
    let of_role = |role| users::Filter {
        role: Some(role),
        ..all
    };
    let of_state = |state| users::Filter {
        state: Some(state),
        ..all
    };
    let verified = |verified| users::Filter {
        email_verified: Some(verified),
        ..all
    };
    assert_eq!(
        found(all, &first_page, 9).await.0,
        [user(5), user(3), user(2), user(1)],
        "newest first, and none that is erased"
    );
    assert_eq!(found(of_role(Role::Admin), &first_page, 9).await.0, [user(2)]);
    assert_eq!(found(of_role(Role::Auditor), &first_page, 9).await.0, [user(2)]);
    assert_eq!(
        found(of_state(users::State::Deactivated), &first_page, 9).await.0,
        [user(3)]
    );
    assert_eq!(found(of_state(users::State::Erased), &first_page, 9).await.0, [user(4)]);
    let active = of_state(users::State::Active);
    let (first, last) = found(active, &first_page, 2).await;
    assert_eq!(first, [user(5), user(2)]);
    assert_eq!(found(active, &last.unwrap(), 2).await.0, [user(1)]);
    let proven = found(verified(true), &first_page, 9).await.0.len();
    assert_eq!(proven + found(verified(false), &first_page, 9).await.0.len(), 4);
    running.stop().await;
}
