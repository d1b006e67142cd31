//! Documents that name defaults.

use super::*;

const THROTTLING: &str = include_str!("../../../docs/throttling.md");

/// The default of a key of the throttle, without quotation marks.
fn default(name: &str) -> Option<&'static str> {
    match Key::find(&format!("throttle.{name}"))?.default {
        Preset::Fixed(default) => Some(default.trim_matches('"')),
        Preset::Derived(_) | Preset::Example(_) => None,
    }
}

/// A limit and its window in the words of the table: `20 in 10 min`.
fn in_words(counter: &str) -> Option<String> {
    let limit = default(&format!("{counter}.limit"))?;
    Some(match default(&format!("{counter}.window")) {
        None => format!("{limit}, then waits"),
        Some("1m") => format!("{limit} a minute"),
        Some("1h") => format!("{limit} an hour"),
        Some(window) => format!("{limit} in {} min", window.strip_suffix('m').unwrap()),
    })
}

#[test]
fn table_of_limits_has_every_counter_with_its_default() {
    let rows = THROTTLING.lines().filter_map(|line| {
        let mut cells = line.split(" | ");
        let name = cells.next()?.strip_prefix("| `")?.strip_suffix('`')?;
        Some((name, cells.nth(1)?))
    });
    let table: Vec<(&str, &str)> = rows.filter(|(name, _)| *name != "throttle.…").collect();
    for (name, told) in &table {
        match in_words(name) {
            Some(default) => assert_eq!(*told, default, "docs/throttling.md: `{name}`"),
            None => assert!(told.ends_with(", fixed"), "docs/throttling.md: `{name}` is no counter"),
        }
    }
    for key in Key::all() {
        let counter = key
            .name
            .strip_prefix("throttle.")
            .and_then(|name| name.strip_suffix(".limit"));
        assert!(
            counter.is_none_or(|counter| table.iter().any(|(name, _)| *name == counter)),
            "docs/throttling.md lacks `{}`",
            key.name
        );
    }
}

#[test]
fn waits_of_failures_in_a_row_are_told_with_their_defaults() {
    let text = THROTTLING.split_whitespace().collect::<Vec<_>>().join(" ");
    for name in ["first_wait", "longest_wait", "most_failures", "forget_after"] {
        let default = default(name).unwrap();
        let digits = default.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len();
        let (number, unit) = default.split_at(digits);
        let told = format!("`{name}` ({}", format!("{number} {unit}").trim_end());
        assert!(text.contains(&told), "docs/throttling.md lacks `{told}`");
    }
}

#[test]
fn table_of_checkpoints_has_the_defaults() {
    let told: Vec<(&str, &str)> = include_str!("../../../docs/proof.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `audit.")?.split_once(" | "))
        .filter_map(|(name, rest)| Some((name.strip_suffix('`')?, rest.split_once(" | ")?.0.trim_matches('`'))))
        .collect();
    assert_eq!(told.len(), 3, "the table was not read");
    for (name, told) in told {
        let Preset::Fixed(default) = Key::find(&format!("audit.{name}")).unwrap().default else {
            panic!("`audit.{name}` has no default");
        };
        let default = Some(default.trim_matches('"')).filter(|default| !default.is_empty());
        assert_eq!(told, default.unwrap_or("none"), "docs/proof.md: `audit.{name}`");
    }
}
