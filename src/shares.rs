//! Places that one network cannot take all of.

use std::{
    collections::{HashMap, hash_map::Entry},
    iter,
    net::IpAddr,
    sync::Arc,
};

use parking_lot::Mutex;

use crate::network::{self, Network};

/// What the /48 around an IPv6 /64 may have, in shares: it holds 65,536 of them.
const WIDER: usize = 2;

/// Of some places, how many each network has: an IPv4 address or an IPv6 /64 gets a share, an IPv6 /48 two.
#[derive(Debug)]
pub struct Shares {
    share: usize,
    taken: Mutex<HashMap<Network, usize>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct Place {
    shares: Arc<Shares>,
    networks: Vec<(Network, usize)>,
}

impl Shares {
    /// So many places for one network.
    #[must_use]
    pub fn new(share: usize) -> Self {
        Self {
            share: share.max(1),
            taken: Mutex::default(),
        }
    }

    /// A place for this client; `None` when its network has its share.
    #[must_use]
    pub fn take(self: &Arc<Self>, ip: Option<IpAddr>) -> Option<Place> {
        let networks = networks(ip);
        let mut taken = self.taken.lock();
        if !self.fits(&taken, &networks) {
            return None;
        }
        for (network, _) in &networks {
            *taken.entry(*network).or_default() += 1;
        }
        Some(Place {
            shares: Arc::clone(self),
            networks,
        })
    }

    /// Whether [`Self::take`] would give a place now.
    #[must_use]
    pub fn has_room(&self, ip: Option<IpAddr>) -> bool {
        self.fits(&self.taken.lock(), &networks(ip))
    }

    fn fits(&self, taken: &HashMap<Network, usize>, networks: &[(Network, usize)]) -> bool {
        networks.iter().all(|(network, shares)| {
            let taken = taken.get(network).copied().unwrap_or_default();
            taken < self.share.saturating_mul(*shares)
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.shares.taken.lock();
        for (network, _) in &self.networks {
            if let Entry::Occupied(mut count) = taken.entry(*network) {
                *count.get_mut() -= 1;
                if *count.get() == 0 {
                    count.remove();
                }
            }
        }
    }
}

/// The networks of a client, and how many shares each may have.
fn networks(ip: Option<IpAddr>) -> Vec<(Network, usize)> {
    let (own, around) = network::of(ip);
    let around = around.map(|around| (around, WIDER));
    iter::once((own, 1)).chain(around).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    #[test]
    fn network_has_its_share_and_others_have_theirs() {
        let shares = Arc::new(Shares::new(2));
        let mut held: Vec<_> = (0..2).map(|_| shares.take(ip("192.0.2.1")).unwrap()).collect();
        assert!(!shares.has_room(ip("192.0.2.1")) && shares.take(ip("::ffff:192.0.2.1")).is_none());
        assert!(shares.has_room(ip("192.0.2.2")) && shares.has_room(None));
        held.pop();
        assert!(shares.take(ip("192.0.2.1")).is_some());
    }

    #[test]
    fn addresses_of_one_64_share_and_a_48_has_two_shares() {
        let shares = Arc::new(Shares::new(2));
        let take = |text: &str| shares.take(ip(text));
        let one = (take("2001:db8:1:1::1").unwrap(), take("2001:db8:1:1:9::9").unwrap());
        assert!(take("2001:db8:1:1::2").is_none());
        let other = (take("2001:db8:1:2::1").unwrap(), take("2001:db8:1:3::1").unwrap());
        assert!(take("2001:db8:1:4::1").is_none(), "the /48 has two shares");
        assert!(take("2001:db8:2:1::1").is_some());
        drop((one, other));
        assert!(shares.taken.lock().is_empty(), "nothing is kept of those that left");
    }
}
