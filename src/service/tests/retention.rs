//! What is known for a time only, by a calendar that the test turns.

use doorbook_openapi::{
    app::{Page, PageRequest},
    audit::{Audit as _, LoginFilter, LoginRecord},
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{keys::KeyName, service::erasures::Forgotten, sql::own::OwnDatabase};

/// 2026-11-24T00:00:00Z: with a retention of 40 days, November is over on 10 January.
const NOVEMBER: Timestamp = Timestamp::from_micros(1_795_478_400_000_000);
const DAY: Duration = Duration::from_hours(24);
const IP: &str = "203.0.113.77";

/// A database of the test's own, where it is not embedded.
type Place = Option<OwnDatabase>;

macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() {
                super::$name(&None).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() {
                super::$name(&Some(super::OwnDatabase::create().await)).await;
            })*
        }
    };
}

on_both!(
    month_is_forgotten_once_the_whole_of_it_is_older_than_the_retention,
    what_a_crash_left_is_finished_at_the_next_start,
    calendar_is_looked_at_again_and_again_while_the_service_runs,
    login_in_a_month_that_was_forgotten_succeeds_and_tells_no_address,
);

fn from(ip: &str) -> Origin {
    Origin {
        ip: Some(ip.parse().unwrap()),
        user_agent: Some("Firefox/143.0".to_owned()),
        ..origin()
    }
}

/// A service whose read models follow.
async fn bed(place: &Place, retention: &str) -> (Bed, Clock) {
    let clock = Clock::standing(NOVEMBER);
    let mut settings = vec![("audit.retention", retention)];
    let url = place.as_ref().map(|database| database.url().to_string());
    settings.extend(url.as_deref().map(|url| ("store.url", url)));
    let bed = Bed::with_settings(false, Some(clock.clone()), &settings).await;
    let engine = bed.service.engine.clone();
    tokio::spawn(async move { engine.run(CancellationToken::new()).await });
    (bed, clock)
}

impl Bed {
    async fn log_in_from(&self, ip: &str, password: &str) -> Result<Opened, Refusal> {
        let wish = LogIn {
            email: ADA.to_owned(),
            password: Secret(password.to_owned()),
            remember: true,
            replaces: None,
        };
        self.service.log_in(wish, &from(ip)).await
    }

    async fn search(&self, reader: &LiveSession, filter: LoginFilter) -> Vec<LoginRecord> {
        let page = PageRequest {
            cursor: None,
            limit: 50,
        };
        let found = self.service.search_logins(reader, filter, page, &origin()).await;
        let Page { items, next_cursor } = found.unwrap();
        assert_eq!(next_cursor, None);
        items
    }

    async fn by_ip(&self, reader: &LiveSession) -> usize {
        let ip = Some(IP.parse().unwrap());
        let found = self
            .search(
                reader,
                LoginFilter {
                    ip,
                    ..LoginFilter::default()
                },
            )
            .await;
        assert!(found.iter().all(|row| row.ip.as_deref() == Some(IP)));
        found.len()
    }

    async fn forgotten(&self) -> Vec<String> {
        let listed = self.service.rules.erasures.read().await.unwrap().forgotten;
        listed.into_iter().map(|entry| entry.month).collect()
    }
}

/// Ada's success and failure in November.
async fn november(bed: &Bed) -> LiveSession {
    bed.sign_up(ADA).await;
    let reader = bed.log_in_from(IP, PASSWORD).await.unwrap().session;
    bed.log_in_from(IP, OTHER).await.unwrap_err();
    while bed.events("login.failed").await.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    reader
}

async fn month_is_forgotten_once_the_whole_of_it_is_older_than_the_retention(place: &Place) {
    let (bed, clock) = bed(place, "40d").await;
    let reader = november(&bed).await;
    clock.advance(46 * DAY);
    assert_eq!(bed.service.forget_months(true).await.unwrap(), 0);
    assert_eq!(bed.by_ip(&reader).await, 2, "the day before, everything opens");
    assert_eq!(bed.forgotten().await, [""; 0]);

    clock.advance(DAY);
    assert_eq!(bed.service.forget_months(false).await.unwrap(), 1);
    assert_eq!(bed.forgotten().await, ["month-2026-11"]);
    assert_eq!(bed.by_ip(&reader).await, 0);
    let rows = bed.search(&reader, LoginFilter::default()).await;
    assert_eq!(rows.len(), 2, "the rows stay");
    for row in &rows {
        assert_eq!(
            (row.ip.as_deref(), row.user_agent.as_deref()),
            (Some("[erased]"), Some("[erased]"))
        );
        assert!(row.client.is_none());
        assert_eq!(
            row.email.as_deref(),
            Some(ADA),
            "only from where somebody came is forgotten"
        );
    }
    bed.log_in_from(IP, PASSWORD).await.unwrap();
    assert_eq!(bed.by_ip(&reader).await, 1, "what comes later is known");
    assert_eq!(bed.service.forget_months(false).await.unwrap(), 0);

    // Nothing of it is a change of the log or of a read model.
    let cancel = CancellationToken::new();
    let engine = &bed.service.engine;
    assert_eq!(
        engine
            .verify("login_history", &|_| {}, &cancel)
            .await
            .unwrap()
            .differing,
        0
    );
    engine.rebuild(&["login_history"], &|_| {}, &cancel).await.unwrap();
    assert_eq!(bed.by_ip(&reader).await, 1);
    assert_eq!(
        engine
            .verify("login_history", &|_| {}, &cancel)
            .await
            .unwrap()
            .differing,
        0
    );
}

async fn what_a_crash_left_is_finished_at_the_next_start(place: &Place) {
    let (bed, clock) = bed(place, "40d").await;
    let reader = november(&bed).await;
    clock.advance(47 * DAY);
    // It came after the month was listed, before its key died.
    let month = "month-2026-11".to_owned();
    bed.service
        .rules
        .erasures
        .note_month(&Forgotten { month })
        .await
        .unwrap();
    assert_eq!(bed.by_ip(&reader).await, 2);
    let cancel = CancellationToken::new();
    let running = tokio::spawn(bed.service.clone().keep_retention(cancel.clone()));
    while bed.by_ip(&reader).await > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    cancel.cancel();
    running.await.unwrap();
    assert_eq!(bed.forgotten().await, ["month-2026-11"], "once");
    assert_eq!(bed.service.months_overdue(), 0);
    // And again it came after the key died, before its bytes were gone from the files.
    assert_eq!(bed.service.forget_months(true).await.unwrap(), 0);
    assert_eq!(bed.forgotten().await, ["month-2026-11"]);
}

async fn calendar_is_looked_at_again_and_again_while_the_service_runs(place: &Place) {
    let (bed, clock) = bed(place, "40d").await;
    november(&bed).await;
    let cancel = CancellationToken::new();
    // An hour of the calendar is a moment of the test.
    let looking = bed
        .service
        .clone()
        .look_at_the_calendar(Duration::from_millis(20), cancel.clone());
    let running = tokio::spawn(looking);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(bed.forgotten().await, [""; 0], "nothing is due");
    for (days, months) in [
        (47, &["month-2026-11"][..]),
        (70, &["month-2026-11", "month-2027-01"]),
        (70, &["month-2026-11", "month-2027-01", "month-2027-03"]),
    ] {
        clock.advance(days * DAY);
        tokio::time::timeout(Duration::from_secs(30), async {
            while bed.forgotten().await != months {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .unwrap_or_else(|_| panic!("in vain: {months:?}"));
        // It is what the next look finds.
        bed.log_in_from(IP, PASSWORD).await.unwrap();
    }
    cancel.cancel();
    running.await.unwrap();
    assert_eq!(bed.service.months_overdue(), 0);
}

async fn login_in_a_month_that_was_forgotten_succeeds_and_tells_no_address(place: &Place) {
    let (bed, _clock) = bed(place, "").await;
    let reader = november(&bed).await;
    assert_eq!(
        bed.service.forget_months(true).await.unwrap(),
        0,
        "for ever, where nothing is said"
    );
    let november = KeyName::month(NOVEMBER);
    bed.service.keyring.destroy(&november).await.unwrap();
    bed.log_in_from(IP, PASSWORD).await.unwrap();
    let rows = bed.search(&reader, LoginFilter::default()).await;
    assert_eq!(rows.len(), 3);
    assert_eq!(rows.iter().filter(|row| row.ip.is_none()).count(), 1);
}

#[tokio::test]
async fn list_that_cannot_be_written_keeps_the_key_and_is_shown() {
    let (bed, clock) = bed(&None, "40d").await;
    let reader = november(&bed).await;
    clock.advance(47 * DAY);
    let list = bed.directory.path().join("erasures.ndjson");
    std::fs::create_dir(&list).unwrap();
    assert!(bed.service.forget_months(true).await.is_err());
    assert_eq!((bed.service.months_overdue(), bed.by_ip(&reader).await), (1, 2));
    std::fs::remove_dir(&list).unwrap();
    assert_eq!(bed.service.forget_months(false).await.unwrap(), 1);
    assert_eq!((bed.service.months_overdue(), bed.by_ip(&reader).await), (0, 0));
}
