//! What a network is: what one customer is given, so that nobody changes its counter with its address.

use std::net::IpAddr;

/// The wider network of an IPv6 address holds 65,536 of the narrower ones; it may try this many times as often as one.
const WIDER: u32 = 10;

/// What the /32 around an IPv6 /40 may have of a ceiling, in parts of which the /40 has one.
const WIDEST: u32 = 3;

/// The networks of a client, narrow ones first, and how many times the limit each may use: an IPv4 address; of IPv6 the /64
/// and the /48 around it (RFC 6177: sites get up to a /48). A client without an address is a network of its own.
pub(super) fn of(ip: Option<IpAddr>) -> Vec<(Vec<u8>, u32)> {
    match ip.map(|ip| ip.to_canonical()) {
        None => vec![(Vec::new(), 1)],
        Some(IpAddr::V4(ip)) => vec![(ip.octets().to_vec(), 1)],
        Some(IpAddr::V6(ip)) => {
            let bytes = ip.octets();
            let prefix = |length: usize| bytes.iter().copied().take(length).collect();
            vec![(prefix(8), 1), (prefix(6), WIDER)]
        }
    }
}

/// The networks that one holder may have at its command, narrow ones first, and how many parts of a ceiling each may use: an
/// IPv4 /16; of IPv6 the /40, and the /32 around it, which is what registries give to providers.
pub(super) fn wide(ip: Option<IpAddr>) -> Vec<(Vec<u8>, u32)> {
    let first = |octets: &[u8], length: usize| octets.iter().copied().take(length).collect();
    match ip.map(|ip| ip.to_canonical()) {
        None => vec![(Vec::new(), 1)],
        Some(IpAddr::V4(ip)) => vec![(first(&ip.octets(), 2), 1)],
        Some(IpAddr::V6(ip)) => vec![(first(&ip.octets(), 5), 1), (first(&ip.octets(), 4), WIDEST)],
    }
}

#[cfg(test)]
mod tests {
    use super::{of, wide};

    #[test]
    fn holder_of_a_wide_network_is_one_network() {
        let wide = |ip: &str| wide(Some(ip.parse().unwrap()));
        assert_eq!(wide("192.0.2.1"), wide("::ffff:192.0.77.9"));
        assert_ne!(wide("192.0.2.1"), wide("192.1.2.1"));
        assert_eq!(wide("2001:db8:100::1"), wide("2001:db8:1ff::1"));
        let (one, other) = (wide("2001:db8:100::1"), wide("2001:db8:200::1"));
        assert!(one[0] != other[0] && one[1] == other[1]);
        assert_ne!(other[1], wide("2001:db9:200::1")[1]);
        assert_eq!(super::wide(None).len(), 1);
    }

    fn networks(ip: &str) -> Vec<(Vec<u8>, u32)> {
        of(Some(ip.parse().unwrap()))
    }

    #[test]
    fn addresses_of_one_64_are_one_network() {
        assert_eq!(
            networks("2001:db8:1:2::1"),
            networks("2001:db8:1:2:ffff:ffff:ffff:ffff")
        );
        assert_ne!(networks("2001:db8:1:2::1")[0], networks("2001:db8:1:3::1")[0]);
        assert_eq!(networks("2001:db8:1:2::1")[1], networks("2001:db8:1:3::1")[1]);
    }

    #[test]
    fn ipv4_address_is_a_network_however_it_is_written() {
        assert_eq!(networks("192.0.2.1"), networks("::ffff:192.0.2.1"));
        assert_ne!(networks("192.0.2.1"), networks("192.0.2.2"));
    }

    #[test]
    fn client_without_an_address_is_counted_too() {
        assert_eq!(of(None).len(), 1);
    }
}
