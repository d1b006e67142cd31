//! Made-up people, browsers and networks. Hosts and networks are those that RFC 2606, 5737 and 3849 keep for examples.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address of a seeded user, counted from 1.
#[must_use]
pub fn address(number: u32) -> String {
    format!("user{number:06}@example.org")
}

/// An address that nobody has.
pub(crate) fn stranger(number: u32) -> String {
    format!("nobody{number:04}@example.net")
}

const FIRST: [&str; 16] = [
    "Ada", "Grace", "Edsger", "Barbara", "Alan", "Frances", "Donald", "Radia", "Ken", "Margaret", "Niklaus", "Hedy",
    "Tony", "Karen", "Leslie", "Jean",
];
const LAST: [&str; 16] = [
    "Novák", "Silva", "Okafor", "Ivanova", "García", "Müller", "Sato", "Haddad", "Kowalski", "Nguyen", "Rossi",
    "Smith", "Hansen", "Dubois", "Yılmaz", "Chen",
];
const BROWSERS: [&str; 6] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
];

fn pick<T: Copy + Default>(list: &[T], number: u32) -> T {
    let index = usize::try_from(number)
        .unwrap_or(0)
        .checked_rem(list.len())
        .unwrap_or(0);
    list.get(index).copied().unwrap_or_default()
}

/// The name of a seeded user; every fourth gives none.
pub(crate) fn name(number: u32) -> Option<String> {
    let spread = number.wrapping_mul(2_654_435_761);
    (!number.is_multiple_of(4)).then(|| format!("{} {}", pick(&FIRST, spread >> 8), pick(&LAST, spread >> 16)))
}

/// A browser.
pub(crate) fn browser(number: u32) -> &'static str {
    pick(&BROWSERS, number)
}

/// A client's address: one in five has IPv6.
pub(crate) fn network(number: u32) -> IpAddr {
    let [_, high, low, host] = number.to_be_bytes();
    if number.is_multiple_of(5) {
        let [upper, lower] = [u16::from(high), u16::from(low)];
        return Ipv6Addr::new(0x2001, 0xdb8, upper, lower, 0, 0, 0, u16::from(host)).into();
    }
    let [a, b, c] = pick(&[[192, 0, 2], [198, 51, 100], [203, 0, 113]], number);
    Ipv4Addr::new(a, b, c, host).into()
}
