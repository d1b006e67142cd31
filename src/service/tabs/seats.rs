//! How many pages may follow their session at a time.

use std::{collections::HashMap, sync::Arc};

use doorbook_domain::id::{SessionId, UserId};
use parking_lot::Mutex;
use uuid::Uuid;

/// A bounded number of places: on the node, for each user, and for each session.
pub(super) struct Seats {
    taken: Mutex<Taken>,
    on_node: usize,
    per_user: usize,
    per_session: usize,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_id: HashMap<Uuid, usize>,
}

/// Where there is no place left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// On the whole node.
    Node,
    /// For this user, or this session.
    User,
}

impl Seats {
    pub(super) fn new(on_node: usize, per_user: usize, per_session: usize) -> Self {
        Self {
            taken: Mutex::default(),
            on_node,
            per_user,
            per_session,
        }
    }

    /// Takes a place until it is dropped.
    pub(super) fn take(seats: &Arc<Self>, session: SessionId, user: UserId) -> Result<Seat, Full> {
        let mut taken = seats.taken.lock();
        if taken.all >= seats.on_node {
            return Err(Full::Node);
        }
        let held = |id: Uuid| taken.by_id.get(&id).copied().unwrap_or_default();
        if held(user.0) >= seats.per_user || held(session.0) >= seats.per_session {
            return Err(Full::User);
        }
        taken.all += 1;
        let ids = [session.0, user.0];
        for id in ids {
            *taken.by_id.entry(id).or_default() += 1;
        }
        Ok(Seat {
            seats: Arc::clone(seats),
            ids,
        })
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.taken.lock().all
    }
}

/// A place that is taken.
pub(super) struct Seat {
    seats: Arc<Seats>,
    ids: [Uuid; 2],
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock();
        taken.all -= 1;
        for id in self.ids {
            let left = taken.by_id.get(&id).map_or(0, |held| held - 1);
            if left == 0 {
                taken.by_id.remove(&id);
            } else {
                taken.by_id.insert(id, left);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn session(number: u128) -> SessionId {
        SessionId(Uuid::from_u128(number))
    }

    const fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(1000 + number))
    }

    #[test]
    fn each_limit_holds_and_a_seat_that_is_left_can_be_taken_again() {
        let seats = Arc::new(Seats::new(4, 3, 2));
        let take = |of: u128, by: u128| Seats::take(&seats, session(of), user(by));
        let first = take(1, 1).unwrap();
        let held = (take(1, 1).unwrap(), take(2, 1).unwrap());
        assert_eq!(take(1, 1).err(), Some(Full::User), "of one session");
        assert_eq!(take(3, 1).err(), Some(Full::User), "of one user");
        let other = take(4, 2).unwrap();
        assert_eq!(take(5, 3).err(), Some(Full::Node));
        drop(first);
        assert!(take(1, 1).is_ok());
        drop((held, other));
        assert_eq!(seats.taken(), 0);
        assert!(seats.taken.lock().by_id.is_empty(), "nothing is kept of those who left");
    }
}
