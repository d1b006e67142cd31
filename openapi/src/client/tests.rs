use poem::http::HeaderValue;

use super::*;

fn client(peer: &str, lines: &[&str], trusted: &[(&str, u8)]) -> String {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(FORWARDED_FOR, HeaderValue::from_str(line).unwrap());
    }
    let trusted: Vec<_> = trusted
        .iter()
        .map(|(ip, prefix)| (ip.parse().unwrap(), *prefix))
        .collect();
    address(peer.parse().unwrap(), &headers, &trusted).to_string()
}

#[test]
fn strangers_are_not_believed() {
    assert_eq!(client("203.0.113.9", &["1.2.3.4"], &[]), "203.0.113.9");
    assert_eq!(client("203.0.113.9", &["1.2.3.4"], &[("10.0.0.0", 8)]), "203.0.113.9");
}

#[test]
fn trusted_proxies_are_walked_from_the_right() {
    let trusted = &[("10.0.0.0", 8), ("fd00::", 8)];
    assert_eq!(client("10.0.0.1", &["1.2.3.4"], trusted), "1.2.3.4");
    assert_eq!(client("10.0.0.1", &["6.6.6.6, 1.2.3.4"], trusted), "1.2.3.4");
    assert_eq!(client("10.0.0.1", &["6.6.6.6, 1.2.3.4,10.9.9.9"], trusted), "1.2.3.4");
    assert_eq!(
        client("10.0.0.1", &["6.6.6.6", "1.2.3.4", "10.9.9.9"], trusted),
        "1.2.3.4"
    );
    assert_eq!(client("fd00::1", &["[2001:db8::7]"], trusted), "2001:db8::7");
    assert_eq!(client("::ffff:10.0.0.1", &["::ffff:1.2.3.4"], trusted), "1.2.3.4");
}

#[test]
fn walk_ends_at_what_is_no_address() {
    let trusted = &[("10.0.0.0", 8)];
    assert_eq!(client("10.0.0.1", &[], trusted), "10.0.0.1");
    assert_eq!(client("10.0.0.1", &["1.2.3.4, unknown"], trusted), "10.0.0.1");
    assert_eq!(client("10.0.0.1", &["1.2.3.4, unknown, 10.0.0.2"], trusted), "10.0.0.2");
}

#[test]
fn prefixes_of_any_length_are_understood() {
    assert_eq!(client("10.0.0.1", &["1.2.3.4"], &[("10.0.0.1", 32)]), "1.2.3.4");
    assert_eq!(client("10.0.0.2", &["1.2.3.4"], &[("10.0.0.1", 32)]), "10.0.0.2");
    assert_eq!(client("99.0.0.2", &["1.2.3.4"], &[("0.0.0.0", 0)]), "1.2.3.4");
    assert_eq!(client("::1", &["2001:db8::7"], &[("::1", 128)]), "2001:db8::7");
}
