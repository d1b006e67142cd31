use super::*;

#[test]
fn headers_hold_printable_ascii_only() {
    for (text, expected) in [
        ("", ""),
        ("ada@example.org", "ada@example.org"),
        ("Ada Lovelace", "Ada Lovelace"),
        ("100%", "100%25"),
        ("Zoë", "Zo%C3%AB"),
        ("a\r\nRemote-Groups: admin", "a%0D%0ARemote-Groups: admin"),
        ("\u{7f}", "%7F"),
    ] {
        assert_eq!(encode(text), expected);
    }
}
