//! What auditors ask of the read models: logins by any filter, and where events stand.

use std::sync::Arc;

use doorbook_domain::{
    attempts::{FailureReason, LoginAttemptsEvent},
    seal::{Sealed, SecretHash},
    session::{Method, SessionEvent},
};
use doorbook_projections::{
    cursor::Cursor,
    engine::Reads,
    log::{EventLog, Position},
    login_history::{self, Address, Filter, Holder, Won},
    trail::{self, Facet},
};

use crate::support::{
    bench::{are_true_to_log, open, rebuild, run},
    history::{at, claim, user},
    log::MemoryLog,
    place::Place,
};

on_both!(
    every_filter_finds_what_it_says,
    pages_of_every_filter_are_the_list_in_pieces,
    trail_leads_to_every_event_of_a_facet,
);

/// A login of `of_user` by `method`, from bucket `bucket`.
fn log_in(log: &MemoryLog, of_user: u128, number: u128, provider: Option<&str>, bucket: Option<u32>, micros: i64) {
    let method = provider.map_or(Method::Password, |provider| Method::Social {
        provider: provider.into(),
    });
    let event = SessionEvent::Started {
        user_id: user(of_user),
        epoch: 0,
        secret: SecretHash([7; 32]),
        method,
        remember: false,
        new_device: false,
        idle_until: at(micros + 100),
        absolute_until: at(micros + 200),
        idle_ms: 1,
        origin: None,
        ip_bucket: bucket,
        at: at(micros),
    };
    log.session(number, &event);
}

fn fail(log: &MemoryLog, at_claim: u128, of_user: Option<u128>, reason: FailureReason, bucket: u32, micros: i64) {
    let event = LoginAttemptsEvent::Failed {
        user_id: of_user.map(user),
        email: Sealed::new("user-1:typed"),
        reason,
        provider: None,
        origin: None,
        ip_bucket: Some(bucket),
        at: at(micros),
    };
    append_attempt(log, at_claim, "login.failed", &event);
}

fn append_attempt(log: &MemoryLog, at_claim: u128, name: &str, event: &LoginAttemptsEvent) -> Position {
    log.append(
        "attempts",
        &claim(at_claim).0,
        name,
        &serde_json::to_string(event).unwrap(),
    )
}

/// Two users, two addresses and one that nobody has; two buckets and a login that is older than buckets.
fn tell(log: &MemoryLog) -> Position {
    log.sign_up(1, 1);
    log.sign_up(2, 2);
    log_in(log, 1, 1, None, Some(7), 10);
    log_in(log, 2, 2, Some("github"), Some(8), 20);
    log_in(log, 1, 3, Some("git/lab"), None, 30);
    fail(log, 1, Some(1), FailureReason::WrongPassword, 8, 40);
    fail(log, 9, None, FailureReason::UnknownAddress, 7, 50);
    let summary = LoginAttemptsEvent::Summarized {
        user_id: Some(user(1)),
        provider: None,
        count: 40,
        from: at(51),
        at: at(60),
    };
    append_attempt(log, 1, "login.failures_summarized", &summary)
}

async fn found(reads: &Reads, filter: Filter) -> Vec<i64> {
    let rows = login_history::search(reads, &filter, &Cursor::start(), 50)
        .await
        .unwrap();
    rows.iter().map(|row| row.at.micros()).collect()
}

fn address(number: u128, holders: &[(u128, i64, i64)]) -> Address {
    let holders = holders.iter().map(|&(of_user, from, to)| Holder {
        user: user(of_user),
        from: at(from),
        to: at(to),
    });
    Address {
        claim: claim(number),
        holders: holders.collect(),
    }
}

fn all() -> Filter {
    Filter::default()
}

/// What each filter finds: when they happened.
#[expect(clippy::too_many_lines, reason = "it is one table")]
fn cases() -> [(&'static [i64], Filter); 18] {
    let (one, won) = (Some(user(1)), Some(Won::Success));
    let (lost, typed) = (Some(Won::Failure), Some(address(1, &[(1, 0, 25)])));
    [
        (&[60, 50, 40, 30, 20, 10], all()),
        (&[60, 40, 30, 10], Filter { user: one, ..all() }),
        (
            &[30, 10],
            Filter {
                user: one,
                outcome: won,
                ..all()
            },
        ),
        (&[30, 20, 10], Filter { outcome: won, ..all() }),
        (&[60, 50, 40], Filter { outcome: lost, ..all() }),
        (
            &[60, 50, 40, 10],
            Filter {
                method: Some("password".to_owned()),
                ..all()
            },
        ),
        (
            &[30, 20],
            Filter {
                method: Some("social".to_owned()),
                ..all()
            },
        ),
        (
            &[30],
            Filter {
                provider: Some("git/lab".to_owned()),
                ..all()
            },
        ),
        (
            &[50],
            Filter {
                reason: Some("unknown_address".to_owned()),
                ..all()
            },
        ),
        (
            &[60],
            Filter {
                reason: Some("several".to_owned()),
                ..all()
            },
        ),
        (
            &[],
            Filter {
                reason: Some("several".to_owned()),
                outcome: won,
                ..all()
            },
        ),
        (
            &[50, 10],
            Filter {
                ip_bucket: Some(7),
                ..all()
            },
        ),
        (
            &[40],
            Filter {
                ip_bucket: Some(8),
                outcome: lost,
                ..all()
            },
        ),
        // Beside a user, what is older than buckets is a candidate, too.
        (
            &[60, 30, 10],
            Filter {
                ip_bucket: Some(7),
                user: one,
                ..all()
            },
        ),
        (
            &[40, 30],
            Filter {
                from: Some(at(30)),
                to: Some(at(50)),
                ..all()
            },
        ),
        (
            &[30],
            Filter {
                from: Some(at(20)),
                to: Some(at(31)),
                user: one,
                ..all()
            },
        ),
        // The user held the address until 25 only.
        (
            &[60, 40, 10],
            Filter {
                address: typed,
                ..all()
            },
        ),
        (
            &[50],
            Filter {
                address: Some(address(9, &[])),
                ..all()
            },
        ),
    ]
}

async fn every_filter_finds_what_it_says(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(tell(&log)).await;
    let reads = running.engine.reads();
    for (expected, filter) in cases() {
        assert_eq!(found(&reads, filter.clone()).await, expected, "{filter:?}");
    }
    let nobodys = Filter {
        address: Some(address(1, &[])),
        ..all()
    };
    assert_eq!(
        found(&reads, nobodys).await,
        Vec::<i64>::new(),
        "who may not be named is not found by an address"
    );
    rebuild(&running.engine).await;
    assert_eq!(
        found(
            &running.engine.reads(),
            Filter {
                address: Some(address(1, &[(1, 0, 25)])),
                ..all()
            }
        )
        .await,
        [60, 40, 10]
    );
    are_true_to_log(&running.engine, &["sessions", "users", "login_history", "audit_trail"]).await;
    running.stop().await;
}

/// Sixty of each kind, several at the same instant.
fn many_logins(log: &MemoryLog) -> Position {
    let mut last = Position::START;
    for number in 0..60_u32 {
        let micros = i64::from(number / 4);
        let id = u128::from(number);
        log_in(
            log,
            id % 3,
            100 + id,
            (number % 5 == 0).then_some("github"),
            Some(number % 2),
            micros,
        );
        fail(
            log,
            id % 3,
            Some(id % 3),
            FailureReason::WrongPassword,
            number % 2,
            micros,
        );
        last = log.sign_up(100 + id, 1);
    }
    last
}

async fn pages_of_every_filter_are_the_list_in_pieces(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(many_logins(&log)).await;
    let reads = running.engine.reads();
    for filter in [
        Filter::default(),
        Filter {
            user: Some(user(1)),
            ..Filter::default()
        },
        Filter {
            ip_bucket: Some(1),
            method: Some("password".to_owned()),
            ..Filter::default()
        },
        Filter {
            outcome: Some(Won::Failure),
            from: Some(at(3)),
            to: Some(at(9)),
            ..Filter::default()
        },
        Filter {
            address: Some(address(2, &[(2, 0, 12)])),
            ..Filter::default()
        },
    ] {
        let whole = login_history::search(&reads, &filter, &Cursor::start(), 1000)
            .await
            .unwrap();
        let (mut pieces, mut after) = (Vec::new(), Cursor::start());
        loop {
            let page = login_history::search(&reads, &filter, &after, 7).await.unwrap();
            let Some(last) = page.last() else { break };
            after = last.cursor();
            pieces.extend(page);
        }
        assert!(whole.len() > 7, "{filter:?}");
        assert_eq!(pieces, whole, "{filter:?}");
        assert!(whole.is_sorted_by(|one, next| (one.at, one.position) > (next.at, next.position)));
    }
    // A cursor that named its row otherwise.
    let former: Cursor = "7.session-x".parse().unwrap();
    let rest = login_history::search(&reads, &Filter::default(), &former, 1000).await;
    let whole = login_history::search(&reads, &Filter::default(), &Cursor::start(), 1000).await;
    let due: Vec<_> = whole.unwrap().into_iter().filter(|row| row.at <= at(7)).collect();
    assert_eq!((rest.unwrap(), due.is_empty()), (due, false));
    running.stop().await;
}

async fn trail_leads_to_every_event_of_a_facet(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(1, 60)).await;
    let reads = running.engine.reads();
    let events = log.read(Position::START, usize::MAX).await.unwrap();
    for (name, everyday) in [("session.started", true), ("user.role_granted", false)] {
        let facet = Facet::Type(name);
        assert_eq!(facet.is_everyday(), everyday);
        let mut found = trail::before(&reads, facet, Position::new(u64::MAX), 1000)
            .await
            .unwrap();
        found.reverse();
        let block = |position: Position| {
            let number = position.number();
            Position::new(if everyday {
                number - number % trail::BLOCK
            } else {
                number
            })
        };
        let mut expected: Vec<Position> = events
            .iter()
            .filter(|recorded| *recorded.event_type == *name)
            .map(|recorded| block(recorded.position))
            .collect();
        expected.dedup();
        assert_eq!(found, expected, "{name}");
    }
    let nothing = trail::before(&reads, Facet::Actor("cli"), Position::new(u64::MAX), 10)
        .await
        .unwrap();
    assert_eq!(nothing, []);
    running.stop().await;
}
