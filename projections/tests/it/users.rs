use std::sync::Arc;

use doorbook_domain::{role::Role, user::UserEvent};
use doorbook_projections::{cursor::Cursor, log::Position, users};

use crate::support::{
    bench::{open, run},
    history::{at, user},
    log::MemoryLog,
    place::Place,
};

on_both!(users_are_found_by_role_state_and_proof,);

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
