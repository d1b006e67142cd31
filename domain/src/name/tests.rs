use proptest::prelude::*;

use super::*;

fn accepted(text: &str) -> Option<String> {
    DisplayName::parse(text).ok().map(|name| name.as_str().to_owned())
}

#[test]
fn names_of_any_script_are_accepted_as_typed() {
    for name in [
        "Ada",
        "Ada Lovelace",
        "D'Arcy-O’Neil, Jr.",
        "李",
        "עדה",
        "عايدة",
        "آدا\u{200c}لاولیس",
        "👩🏽\u{200d}💻",
    ] {
        assert_eq!(accepted(name).as_deref(), Some(name));
    }
}

#[test]
fn name_is_trimmed_and_composed() {
    assert_eq!(accepted(" \u{a0}Zoe\u{308}\n").as_deref(), Some("Zoë"));
}

#[test]
fn name_that_shows_nothing_is_refused() {
    for name in ["", " ", "\t\n", "\u{3000}", "\u{200b}", "\u{3164} \u{2060}"] {
        assert_eq!(accepted(name), None, "{name:?}");
    }
}

#[test]
fn name_has_at_most_200_characters() {
    assert!(accepted(&"é".repeat(200)).is_some());
    assert!(accepted(&"e\u{301}".repeat(200)).is_some());
    assert!(accepted(&"𝔘".repeat(200)).is_some());
    assert_eq!(accepted(&"a".repeat(201)), None);
    assert_eq!(accepted(&"e\u{301}".repeat(201)), None);
}

#[test]
fn control_characters_and_line_breaks_are_refused() {
    for character in [
        '\0', '\u{1}', '\t', '\n', '\r', '\u{1b}', '\u{7f}', '\u{80}', '\u{85}', '\u{9f}', '\u{2028}', '\u{2029}',
    ] {
        let name = format!("Ada{character}Lovelace");
        assert_eq!(accepted(&name), None, "{name:?}");
    }
}

#[test]
fn characters_that_turn_the_text_around_the_name_are_refused() {
    for character in [
        '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2069}',
    ] {
        let name = format!("Ada{character}");
        assert_eq!(accepted(&name), None, "{name:?}");
    }
}

#[test]
fn debug_form_keeps_the_name_to_itself() {
    let name = DisplayName::parse("Ada").unwrap();
    assert_eq!(format!("{name:?}"), "DisplayName(3 characters)");
}

proptest! {
    #[test]
    fn name_read_again_stays_as_it_is(text in ".{0,210}|\\PC{0,210}") {
        if let Ok(name) = DisplayName::parse(&text) {
            prop_assert_eq!(DisplayName::parse(name.as_str()), Ok(name));
        }
    }
}
