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
