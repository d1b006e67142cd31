use std::time::Duration;

use super::bed::Bed;
use crate::{
    keys::Waiting,
    webhooks::delivery::{PATIENCE, jittered},
};

#[tokio::test]
async fn tries_become_rarer_and_end_after_three_days() {
    let bed = Bed::new(None).await;
    bed.causes(&["ada"]).await;
    bed.answers(500);
    bed.later(Duration::ZERO).await;
    let mut pauses = Vec::new();
    while let [row] = bed.rows().await.as_slice()
        && row.parked_at.is_none()
    {
        let pause = row.due_at.since(bed.clock.now());
        pauses.push(pause);
        bed.later(pause.saturating_sub(Duration::from_millis(1))).await;
        assert_eq!(bed.rows().await[0].tries, row.tries, "not before it is due");
        bed.later(Duration::from_millis(1)).await;
    }
    for (number, pause) in (0_u32..).zip(&pauses) {
        let doubled = Duration::from_hours(8).min(Duration::from_secs(5) * 2_u32.pow(number.min(20)));
        assert!(
            *pause >= doubled.mul_f64(0.799) && *pause <= doubled.mul_f64(1.201),
            "{pauses:?}"
        );
    }
    let tried: Duration = pauses.iter().sum();
    assert!(
        tried < PATIENCE && tried + Duration::from_hours(10) > PATIENCE,
        "{tried:?}"
    );
    assert!(pauses.len() >= 18, "{pauses:?}");
    let [row] = bed.rows().await.try_into().unwrap();
    assert_eq!(row.reason.as_deref(), Some("status 500"));
    assert_eq!(bed.came(), (pauses.len() + 1, 1), "always the same id");

    bed.answers(200);
    bed.later(PATIENCE).await;
    assert_eq!(bed.rows().await.len(), 1, "a dead letter waits for somebody");
    assert_eq!(bed.queue.retry(None, bed.clock.now()).await.unwrap(), 1);
    bed.later(Duration::ZERO).await;
    assert!(bed.rows().await.is_empty());
    assert_eq!(bed.came(), (pauses.len() + 2, 1));
    let figures = bed.outbox.counts().figures();
    assert_eq!(
        (figures.sent, figures.failed),
        (1, u64::try_from(pauses.len()).unwrap() + 1)
    );
}

#[tokio::test]
async fn receiver_says_how_long_it_wants_to_be_left_alone() {
    let bed = Bed::new(None).await;
    let (usual, longest) = (Duration::from_secs(4)..=Duration::from_secs(6), Duration::from_hours(8));
    let date = |after: Duration| {
        let at = bed.clock.now().micros() + i64::try_from(after.as_micros()).unwrap();
        httpdate::fmt_http_date(std::time::UNIX_EPOCH + Duration::from_micros(at.try_into().unwrap()))
    };
    let (minute, day) = (Duration::from_mins(1), Duration::from_hours(24));
    for (status, retry_after, least, most) in [
        (429, "60".to_owned(), minute, minute),
        (503, "60".to_owned(), minute, minute),
        // To the second, as dates are.
        (429, date(minute), Duration::from_secs(59), minute),
        (503, "99999999999999999999999".to_owned(), longest, longest),
        (503, date(day), longest, longest),
        // Nothing that makes it come back sooner, or that it cannot mean.
        (429, "0".to_owned(), *usual.start(), *usual.end()),
        (503, date(Duration::ZERO), *usual.start(), *usual.end()),
        (503, "soon".to_owned(), *usual.start(), *usual.end()),
        (500, "60".to_owned(), *usual.start(), *usual.end()),
        (302, "60".to_owned(), *usual.start(), *usual.end()),
    ] {
        bed.answers_after(status, &retry_after);
        bed.causes(&[&format!("{status} {retry_after}")]).await;
        bed.outbox.send_due().await.unwrap();
        let row = bed.rows().await.pop().unwrap();
        let pause = row.due_at.since(bed.clock.now());
        assert!(pause >= least && pause <= most, "{status} {retry_after}: {pause:?}");
        assert_eq!((row.tries, row.parked_at), (1, None));
    }
}

#[tokio::test]
async fn receiver_that_always_puts_off_ends_after_three_days() {
    let bed = Bed::new(None).await;
    bed.answers_after(503, "999999");
    bed.causes(&["ada"]).await;
    bed.later(Duration::ZERO).await;
    for _ in 0..8 {
        assert_eq!(bed.rows().await[0].parked_at, None);
        bed.later(Duration::from_hours(8)).await;
    }
    assert!(bed.rows().await[0].parked_at.is_some());
    assert_eq!(bed.came(), (9, 1), "every eight hours");
}

#[tokio::test]
async fn every_status_but_success_is_a_failure_and_gone_is_the_last_one() {
    let bed = Bed::new(None).await;
    for (status, reason, parked) in [
        (304, "status 304: redirects are not followed", false),
        (400, "status 400", false),
        (404, "status 404", false),
        (429, "status 429", false),
        (503, "status 503", false),
        (410, "status 410: the receiver wants no more", true),
    ] {
        let name = status.to_string();
        bed.answers(status);
        bed.causes(&[&name]).await;
        bed.outbox.send_due().await.unwrap();
        let row = bed.rows().await.pop().unwrap();
        assert_eq!((row.reason.as_deref(), row.parked_at.is_some()), (Some(reason), parked));
    }
    for status in [200, 202, 204, 299] {
        let before = bed.rows().await.len();
        bed.answers(status);
        bed.causes(&[&status.to_string()]).await;
        bed.outbox.send_due().await.unwrap();
        assert_eq!(bed.rows().await.len(), before, "{status}");
    }
}

#[tokio::test]
async fn what_waits_is_bounded_and_the_rest_waits_in_the_log() {
    for (status, waited) in [(500, (4, 0)), (410, (0, 4))] {
        let bed = Bed::new(Some(Waiting { pending: 3, parked: 3 })).await;
        bed.answers(status);
        bed.causes(&["a", "b", "c", "d"]).await;
        bed.later(Duration::ZERO).await;
        bed.causes(&["e", "f"]).await;
        let waiting = bed.queue.waiting().await.unwrap();
        assert_eq!((waiting.pending, waiting.parked), waited, "{status}");

        bed.answers(200);
        bed.queue.discard(None).await.unwrap();
        bed.later(Duration::from_hours(1)).await;
        bed.causes(&[]).await;
        assert_eq!(bed.rows().await.len(), 2, "nothing is lost");
        bed.later(Duration::ZERO).await;
        assert!(bed.rows().await.is_empty());
    }
}

#[test]
fn pauses_differ_by_a_fifth() {
    let minute = Duration::from_mins(1);
    assert_eq!(jittered(minute, 0), Duration::from_secs(48));
    assert_eq!(jittered(minute, u16::MAX), Duration::from_secs(72));
}
