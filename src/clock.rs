//! The time of the service: the one place that reads the system's clock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use doorbook_domain::time::Timestamp;

/// What time it is. Cheap to clone; everything that needs the time is handed one.
#[derive(Debug, Clone)]
pub struct Clock(Face);

#[derive(Debug, Clone)]
enum Face {
    /// The system's clock, moved by so many microseconds.
    System(i64),
    /// Microseconds since 1970, set by hand.
    Hand(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Face::System(0))
    }

    /// The system's clock, moved by `micros` microseconds: `clock.offset` of builds with the feature `test-clock`.
    #[must_use]
    pub const fn moved(micros: i64) -> Self {
        Self(Face::System(micros))
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it, together with all its clones.
    #[must_use]
    pub fn standing(start: Timestamp) -> Self {
        Self(Face::Hand(Arc::new(AtomicI64::new(start.micros()))))
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Face::System(offset) => Timestamp::from_micros(wall_micros().saturating_add(*offset)),
            Face::Hand(micros) => Timestamp::from_micros(micros.load(Ordering::Acquire)),
        }
    }

    /// Moves a standing clock forward. The system's clock does not obey.
    pub fn advance(&self, span: Duration) {
        if let Face::Hand(micros) = &self.0 {
            micros.fetch_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX), Ordering::AcqRel);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the system's clock; everybody else is handed a Clock"
)]
fn wall_micros() -> i64 {
    chrono::Utc::now().timestamp_micros()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use doorbook_domain::time::Timestamp;

    use super::Clock;

    #[test]
    fn moved_clock_is_that_far_from_the_system() {
        let day = Duration::from_hours(24);
        let system = Clock::system().now();
        let ahead = Clock::moved(i64::try_from(day.as_micros()).unwrap()).now();
        let distance = ahead.since(system);
        assert!(distance >= day && distance < day + Duration::from_mins(1));
    }

    #[test]
    fn standing_clock_moves_for_all_its_clones_and_only_by_hand() {
        let clock = Clock::standing(Timestamp::from_micros(7));
        let other = clock.clone();
        assert_eq!(other.now(), Timestamp::from_micros(7));
        clock.advance(Duration::from_micros(5));
        assert_eq!(other.now(), Timestamp::from_micros(12));
    }
}
