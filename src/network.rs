//! What a network is: what one customer is given, so that nobody is somebody else by changing its address.

use std::net::IpAddr;

/// The first bytes of the addresses of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Network {
    bytes: [u8; 8],
    length: usize,
}

impl Network {
    fn first(octets: &[u8], length: usize) -> Self {
        let mut bytes = [0; 8];
        let prefix = octets.iter().take(length);
        bytes.iter_mut().zip(prefix).for_each(|(byte, octet)| *byte = *octet);
        Self { bytes, length }
    }

    /// The bytes: none of a client without an address.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// A network, and the wider one around it where there is one.
type Around = (Network, Option<Network>);

/// The network of a client: an IPv4 address, or an IPv6 /64 and the /48 around it (RFC 6177: sites get up to a /48). A client
/// without an address is a network of its own.
pub(crate) fn of(ip: Option<IpAddr>) -> Around {
    prefixes(ip, 4, 8, 6)
}

/// What one holder may have at its command: an IPv4 /16, or an IPv6 /40 and the /32 around it, which is what registries give
/// to providers.
pub(crate) fn of_holder(ip: Option<IpAddr>) -> Around {
    prefixes(ip, 2, 5, 4)
}

fn prefixes(ip: Option<IpAddr>, v4: usize, v6: usize, around: usize) -> Around {
    match ip.map(|ip| ip.to_canonical()) {
        None => (Network::first(&[], 0), None),
        Some(IpAddr::V4(ip)) => (Network::first(&ip.octets(), v4), None),
        Some(IpAddr::V6(ip)) => {
            let octets = ip.octets();
            (Network::first(&octets, v6), Some(Network::first(&octets, around)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(ip: &str) -> Around {
        of(ip.parse().ok())
    }

    fn holder(ip: &str) -> Around {
        of_holder(ip.parse().ok())
    }

    #[test]
    fn addresses_of_one_64_are_one_network() {
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        let (one, other) = (network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert!(one.0 != other.0 && one.1 == other.1);
        assert_eq!(one.1.unwrap().bytes(), [0x20, 1, 0xd, 0xb8, 0, 1]);
    }

    #[test]
    fn ipv4_address_is_a_network_however_it_is_written() {
        assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("192.0.2.1").0.bytes(), [192, 0, 2, 1]);
    }

    #[test]
    fn client_without_an_address_is_a_network_of_its_own() {
        let (none, wider) = of(None);
        assert!(none.bytes().is_empty() && wider.is_none());
        assert_ne!(none, network("0.0.0.0").0);
    }

    #[test]
    fn holder_of_a_wide_network_is_one() {
        assert_eq!(holder("192.0.2.1"), holder("::ffff:192.0.77.9"));
        assert_ne!(holder("192.0.2.1"), holder("192.1.2.1"));
        assert_eq!(holder("2001:db8:100::1"), holder("2001:db8:1ff::1"));
        let (one, other) = (holder("2001:db8:100::1"), holder("2001:db8:200::1"));
        assert!(one.0 != other.0 && one.1 == other.1);
        assert_ne!(other.1, holder("2001:db9:200::1").1);
    }
}
