//! How often somebody is told of logins from new devices.

use std::{
    collections::{HashMap, hash_map::Entry},
    time::Duration,
};

use doorbook_domain::{id::UserId, time::Timestamp};
use parking_lot::Mutex;

/// Letters about new devices that a user gets within [`SPAN`]. Whoever has not acted on ten is not helped by the eleventh, and
/// a client that forgets its cookies does not fill a mailbox.
const MOST: u8 = 10;
const SPAN: Duration = Duration::from_hours(1);
/// Users that are remembered before those whose hour is over are forgotten.
const ROOM: usize = 10_000;

/// Who was told lately. A restart forgets it.
#[derive(Default)]
pub(in crate::service) struct News {
    told: Mutex<HashMap<UserId, Told>>,
}

struct Told {
    since: Timestamp,
    letters: u8,
}

impl News {
    /// Whether the user is to be told of a login at `at`. Counts it.
    pub(super) fn is_told(&self, user: UserId, at: Timestamp) -> bool {
        let mut told = self.told.lock();
        if told.len() >= ROOM {
            told.retain(|_, told| at.since(told.since) < SPAN);
        }
        match told.entry(user) {
            Entry::Occupied(mut known) if at.since(known.get().since) < SPAN => {
                let known = known.get_mut();
                known.letters = known.letters.saturating_add(1);
                known.letters <= MOST
            }
            entry @ (Entry::Occupied(_) | Entry::Vacant(_)) => {
                entry.insert_entry(Told { since: at, letters: 1 });
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const NOON: Timestamp = Timestamp::from_micros(1_795_435_200_000_000);

    #[test]
    fn ten_letters_an_hour_are_enough_for_each_user() {
        let (news, ada, bob) = (News::default(), UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let told = (0..30_u64).filter(|&minute| news.is_told(ada, NOON.plus(Duration::from_secs(minute * 60))));
        assert_eq!(told.count(), 10);
        assert!(news.is_told(bob, NOON), "another user has letters of its own");
        assert!(!news.is_told(ada, NOON.plus(Duration::from_mins(59))));
        assert!(news.is_told(ada, NOON.plus(SPAN)), "the hour is over");
    }
}
