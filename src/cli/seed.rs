//! `doorbook dev seed`

use std::time::Duration;

use doorbook_domain::time::Timestamp;
use doorbook_projections::{fault::Fault, log::Position};

use super::{exit::Failure, output::Output, sealer};
use crate::{
    config::{Config, Sessions},
    mail::outbox::QUEUE,
    open::Durable,
    seed::{History, Lifetimes, PASSWORD, Shape, fill},
    service::process::{FOLLOWERS, Reaction as _, Shredder},
    store::{NewEvent, Store},
};

const DAY: Duration = Duration::from_hours(24);

/// How large a history is to be.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// How many users sign up.
    pub users: u32,
    /// How many events there are in all.
    pub events: u64,
    /// Any number.
    pub seed: u64,
}

/// Fills an empty log with a history that ends at the last midnight (UTC).
///
/// # Errors
///
/// The log is not empty, there are too few events for the users, or the keys or the log failed.
pub async fn run(size: Size, config: &Config, durable: &Durable, output: &Output) -> Result<(), Failure> {
    let store = &durable.store;
    if !store.is_empty().await? {
        return Err(Failure::Refused(
            "the log is not empty: seed another one, such as `--data-dir /tmp/demo`".to_owned(),
        ));
    }
    let until = midnight(config.service_clock().now());
    let history =
        History::new(shape(size, until, &config.session)).map_err(|fault| Failure::Usage(fault.to_string()))?;
    let sealer = sealer::of(durable, config).await?;
    let progress = output.progress("seeding", size.events);
    let taken = store.clone();
    let take = move |batch: Vec<NewEvent>| {
        let store = taken.clone();
        async move { store.import(&batch).await }
    };
    let total = fill(history, &sealer, take, |done| progress.at(done)).await?;
    progress.finish();
    begin_behind(durable).await?;
    let said =
        serde_json::json!({"users": size.users, "events": total, "until": until.to_string(), "password": PASSWORD});
    output.value(&said, || {
        format!(
            "{total} events of {} users: log in as user000001@example.org (an admin) and so on, with `{PASSWORD}`.",
            size.users
        )
    })?;
    Ok(())
}

/// A made-up history leaves nothing to finish, nobody to erase and no letter to send: those that would look for it begin
/// behind it, so no service may write meanwhile. The keys of replaced passwords are there, and the [`Shredder`] goes
/// through all of it for them.
async fn begin_behind(durable: &Durable) -> Result<(), Fault> {
    let end = end_of(&durable.store).await?;
    let followers = FOLLOWERS.iter().map(|follower| follower.name());
    for name in followers.filter(|name| *name != Shredder.name()).chain([QUEUE]) {
        durable.keyring.begin_at(name, end).await?;
    }
    Ok(())
}

/// The position of the last event. On PostgreSQL it is given a moment after the event was written, or later where there is a lot
/// to number.
async fn end_of(store: &Store) -> Result<Position, Fault> {
    loop {
        let before = store.log().head().await?;
        match store.written().await {
            Err(_) if store.log().head().await? > before => {}
            ended => return ended,
        }
    }
}

fn shape(size: Size, until: Timestamp, sessions: &Sessions) -> Shape {
    Shape {
        users: size.users,
        events: size.events,
        seed: size.seed,
        until,
        lifetimes: Lifetimes {
            absolute: sessions.absolute,
            idle: sessions.idle,
        },
        staff: Lifetimes {
            absolute: sessions.staff_absolute,
            idle: sessions.staff_idle,
        },
    }
}

/// The last midnight, so that the same command gives the same history all day.
fn midnight(now: Timestamp) -> Timestamp {
    let day = i64::try_from(DAY.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(now.micros() - now.micros().rem_euclid(day))
}

#[cfg(test)]
mod tests {
    use doorbook_domain::time::Timestamp;

    use super::midnight;

    #[test]
    fn history_ends_at_midnight_whenever_it_is_made() {
        let noon = Timestamp::from_micros(1_790_000_000_000_000);
        assert_eq!(midnight(noon).to_string(), "2026-09-21T00:00:00.000000Z");
        assert_eq!(midnight(midnight(noon)), midnight(noon));
    }
}
