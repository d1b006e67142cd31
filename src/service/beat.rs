//! Answers that must not tell by their time what was found.
//!
//! To send a link to somebody takes other reads and another append than to find that there is nobody. Doing the same
//! work for both would have to be kept up in every place for ever; waiting need not. The work is done before the answer
//! all the same, so that what was acknowledged is in the log.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Such an answer is given so long after its request came, or twice as long, or three times …: well above what the work
/// takes on a machine that is not overloaded (security rule 6, ASVS 6.3.8).
pub(super) const BEAT: Duration = Duration::from_millis(100);

/// Does the work, and waits for the next beat since it began.
pub(super) async fn on_the_beat<T>(work: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let done = work.await;
    sleep_until(begun + next_beat(begun.elapsed())).await;
    done
}

fn next_beat(took: Duration) -> Duration {
    let beats = took.as_nanos().div_ceil(BEAT.as_nanos()).max(1);
    BEAT.saturating_mul(u32::try_from(beats).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_work_takes_the_answer_comes_on_a_beat() {
        let millis = Duration::from_millis;
        for (took, answered) in [(0, 100), (1, 100), (99, 100), (100, 100), (101, 200), (250, 300)] {
            assert_eq!(next_beat(millis(took)), millis(answered), "{took} ms");
        }
    }

    #[tokio::test]
    async fn no_answer_comes_before_its_beat_and_refusals_wait_too() {
        let begun = Instant::now();
        let answer = on_the_beat(async { Err::<(), _>("refused") }).await;
        assert_eq!(answer, Err("refused"));
        assert!(begun.elapsed() >= BEAT);
    }
}
