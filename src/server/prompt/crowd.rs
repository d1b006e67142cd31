//! How many connections there are at a time.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    config::Network,
    shares::{Place, Shares},
};

/// Descriptors of a process that may open as many as it likes.
const PLENTY: u64 = 100_000;

/// Places for connections. What is left of the descriptors is for files and databases.
pub struct Crowd {
    room: usize,
    here: AtomicUsize,
    shares: Arc<Shares>,
    /// Of whom nobody knows how many others they stand for.
    proxies: Vec<Network>,
}

/// A place, until it is dropped.
pub(super) struct Seat {
    crowd: Arc<Crowd>,
    _place: Option<Place>,
}

impl Crowd {
    /// For everybody: three quarters of the descriptors that this process may open, of which one network has a quarter, unless
    /// it is a proxy's.
    #[must_use]
    pub fn everybody(proxies: Vec<Network>) -> Self {
        let room = descriptors() / 4 * 3;
        Self::of(room, room / 4, proxies)
    }

    /// For those who watch the service: a sixteenth of the descriptors.
    #[must_use]
    pub fn watchers() -> Self {
        let room = descriptors() / 16;
        Self::of(room, room, Vec::new())
    }

    fn of(room: usize, share: usize, proxies: Vec<Network>) -> Self {
        Self {
            room: room.max(1),
            here: AtomicUsize::new(0),
            shares: Arc::new(Shares::new(share)),
            proxies,
        }
    }

    /// A place for a connection from this address; `None` when there is none.
    pub(super) fn admit(self: &Arc<Self>, ip: Option<IpAddr>) -> Option<Seat> {
        let is_proxy = ip.is_some_and(|ip| doorbook_openapi::is_trusted(ip.to_canonical(), &self.proxies));
        let place = if is_proxy { None } else { Some(self.shares.take(ip)?) };
        let seat = Seat {
            crowd: Arc::clone(self),
            _place: place,
        };
        let before = self.here.fetch_add(1, Ordering::Relaxed);
        (before < self.room).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.crowd.here.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Lets this process open as many descriptors as it may allow itself. Where the system does not want that, it is as before.
pub fn allow_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let _ = setrlimit(Resource::Nofile, most);
}

fn descriptors() -> usize {
    let most = getrlimit(Resource::Nofile).current.unwrap_or(PLENTY).min(PLENTY);
    usize::try_from(most).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    #[test]
    fn network_leaves_places_for_others_and_a_proxy_has_them_all() {
        let crowd = Arc::new(Crowd::of(6, 2, vec![([10, 0, 0, 0].into(), 8)]));
        let one: Vec<_> = (0..2).map(|_| crowd.admit(ip("192.0.2.1")).unwrap()).collect();
        assert!(crowd.admit(ip("192.0.2.1")).is_none());
        let proxied: Vec<_> = (0..4).map(|_| crowd.admit(ip("10.1.2.3")).unwrap()).collect();
        assert!(crowd.admit(ip("10.1.2.3")).is_none() && crowd.admit(ip("192.0.2.2")).is_none());
        drop(one);
        assert!(crowd.admit(ip("192.0.2.2")).is_some());
        drop(proxied);
        assert_eq!(crowd.here.load(Ordering::Relaxed), 0, "who was refused takes no place");
    }
}
