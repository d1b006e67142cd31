use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::*;

fn parse(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn canonical(text: &str) -> String {
    parse(text).canonical().to_owned()
}

#[test]
fn ordinary_addresses_are_accepted() {
    for address in [
        "ada@example.org",
        "a@b.co",
        "ada.lovelace+tag@mail.example.org",
        "o'neil_&_sons!#$%*/=?^`{|}~@example.org",
        "用户@例子.公司",
        "ada@xn--bcher-kva.example",
        "1@2.example",
        "χρήστης@παράδειγμα.ελ",
    ] {
        parse(address);
    }
}

#[test]
fn spellings_of_one_address_are_equal() {
    let one = canonical("mikis@bücher.example");
    assert_eq!(one, "mikis@xn--bcher-kva.example");
    for spelling in [
        "  mikis@bücher.example\n",
        "MIKIS@BÜCHER.EXAMPLE",
        "mikis@bu\u{308}cher.example",
        "mikis@xn--bcher-kva.example",
        "Mikis@XN--BCHER-KVA.Example",
        "ｍｉｋｉｓ＠ｂüｃｈｅｒ．ｅｘａｍｐｌｅ",
        "mıkıs@bücher.example",
        "MİKİS@bücher.example",
        "mi\u{307}kis@bücher.example",
        "mi\u{212a}is@bücher.example",
        "mikiſ@bücher.example",
        "mikis@bücher。example",
    ] {
        assert_eq!(canonical(spelling), one, "{spelling:?}");
        assert_eq!(parse(spelling), parse("mikis@bücher.example"));
    }
}

#[test]
fn full_case_folding_joins_what_capitals_join() {
    assert_eq!(canonical("straße@example.org"), "strasse@example.org");
    assert_eq!(canonical("STRAẞE@example.org"), "strasse@example.org");
    assert_eq!(canonical("ὈΔΥΣΣΕΎΣ@example.org"), canonical("ὀδυσσεύς@example.org"));
    assert_eq!(canonical("ﬁn@example.org"), "fin@example.org");
}

#[test]
fn different_addresses_stay_different() {
    for (one, other) in [
        ("ada@example.org", "eda@example.org"),
        ("ada@example.org", "ada@example.com"),
        ("ada@example.org", "a.da@example.org"),
        ("ada@example.org", "ada+tag@example.org"),
        ("ada@example.org", "adä@example.org"),
        ("ada@example.org", "аdа@example.org"),
        ("ada@strasse.example", "ada@straße.example"),
        ("ada@gmail.example", "ada@gmaıl.example"),
    ] {
        assert_ne!(parse(one), parse(other), "{one} and {other}");
    }
}

#[test]
fn text_that_is_no_address_is_refused() {
    for text in [
        "",
        " ",
        "@",
        "ada",
        "ada@",
        "@example.org",
        "ada@@example.org",
        "ada@b@example.org",
        "ada@localhost",
        "ada@example",
        "ada@example.",
        "ada@example.org.",
        "ada@.org",
        "ada@a..org",
        "ada@-a.org",
        "ada@a-.org",
        "ada@exa_mple.org",
        "ada@[192.0.2.1]",
        "ada@192.0.2.1",
        "ada@xn--.org",
        "ada@xn--0.org",
        ".ada@example.org",
        "ada.@example.org",
        "a..da@example.org",
        "ada l@example.org",
        "ada\u{a0}l@example.org",
        "ada\u{3000}l@example.org",
        "a¨da@example.org",
        "\"ada\"@example.org",
        "ada<b@example.org",
        "ada,bob@example.org",
    ] {
        assert!(EmailAddress::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn characters_that_do_not_show_are_refused_anywhere() {
    for hidden in [
        '\0',
        '\u{1}',
        '\n',
        '\r',
        '\t',
        '\u{7f}',
        '\u{85}',
        '\u{ad}',
        '\u{200b}',
        '\u{200d}',
        '\u{200e}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{3164}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{ffa0}',
        '\u{e0041}',
    ] {
        for text in [format!("a{hidden}da@example.org"), format!("ada@exa{hidden}mple.org")] {
            assert!(EmailAddress::parse(&text).is_err(), "{text:?}");
        }
    }
}

#[test]
fn part_before_the_at_has_at_most_64_bytes() {
    parse(&format!("{}@example.org", "a".repeat(64)));
    for local in ["a".repeat(65), "é".repeat(33), "ŉ".repeat(32)] {
        assert!(EmailAddress::parse(&format!("{local}@example.org")).is_err(), "{local}");
    }
}

#[test]
fn whole_address_has_at_most_254_bytes() {
    let address = |last: usize| {
        let label = "b".repeat(61);
        format!("{}@{label}.{label}.{label}.{}", "a".repeat(64), "c".repeat(last))
    };
    assert_eq!(address(3).len(), 254);
    parse(&address(3));
    assert!(EmailAddress::parse(&address(4)).is_err());
}

#[test]
fn address_is_shown_as_it_was_typed() {
    let address = parse(" Ada.Lovelace@Bücher.example ");
    assert_eq!(address.as_typed(), "Ada.Lovelace@Bücher.example");
    assert_eq!(address.canonical(), "ada.lovelace@xn--bcher-kva.example");
}

#[test]
fn debug_form_keeps_the_name_to_itself() {
    let shown = format!("{:?}", parse("Ada@Example.org"));
    assert_eq!(shown, "EmailAddress(…@example.org)");
}

#[test]
fn every_letter_has_one_form_whatever_its_case() {
    let mut letters = 0;
    for letter in ('\0'..=char::MAX).filter(|letter| letter.is_alphabetic()) {
        let text = letter.to_string();
        let folded = fold(&text).unwrap_or_else(|| panic!("{text} does not settle"));
        assert_eq!(fold(&folded).as_ref(), Some(&folded), "{text} twice");
        assert_eq!(fold(&text.to_uppercase()).as_ref(), Some(&folded), "{text} in capitals");
        assert_eq!(
            fold(&text.to_lowercase()).as_ref(),
            Some(&folded),
            "{text} in small letters"
        );
        letters += 1;
    }
    assert!(letters > 100_000);
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "\\PC*|.*@.*|\\PC{0,20}@\\PC{0,20}\\.\\PC{0,5}") {
        let _ = EmailAddress::parse(&text);
    }

    #[test]
    fn canonical_form_is_its_own_canonical_form(text in "[\\p{L}\\p{M}\\p{N}._+-]{1,8}@[\\p{L}\\p{M}0-9-]{1,8}\\.[a-zA-Z]{2,3}") {
        if let Ok(address) = EmailAddress::parse(&text) {
            prop_assert_eq!(canonical(address.canonical()), address.canonical());
            prop_assert_eq!(canonical(address.as_typed()), address.canonical());
        }
    }

    #[test]
    fn case_and_composition_make_no_other_address(local in "[\\p{L}\\p{M}\\p{N}+]{1,6}") {
        let Ok(address) = EmailAddress::parse(&format!("{local}@example.org")) else { return Ok(()) };
        let spellings = [
            local.to_uppercase(),
            local.to_lowercase(),
            local.nfc().collect(),
            local.nfd().collect(),
            local.nfkc().collect(),
            local.nfkd().collect(),
        ];
        for spelling in spellings {
            if let Ok(other) = EmailAddress::parse(&format!("{spelling}@EXAMPLE.org")) {
                prop_assert_eq!(other.canonical(), address.canonical(), "{:?} and {:?}", spelling, local);
            }
        }
    }
}

#[test]
fn equal_addresses_are_one_mailbox_only_where_they_are_spelled_alike() {
    let address = |text| EmailAddress::parse(text).unwrap();
    let ada = address("Ada@bücher.example");
    for same in ["ada@bücher.example", "ADA@xn--bcher-kva.example", "ada＠BÜCHER.Example"] {
        assert!(ada.is_same_mailbox(&address(same)), "{same}");
    }
    let mike = address("mike@example.org");
    for other in ["mıke@example.org", "ｍike@example.org", "mike@example.net"] {
        assert!(!mike.is_same_mailbox(&address(other)), "{other}");
    }
}
