//! Languages of letters.

use doorbook_domain::time::Timestamp;

/// A language that letters are written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Locale {
    /// English.
    #[default]
    English,
    /// German.
    German,
}

impl Locale {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Its code (BCP 47): `en`, `de`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// The language with this code.
    #[must_use]
    pub fn find(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|locale| locale.code() == code)
    }

    /// An instant in words, in UTC, to the minute.
    #[must_use]
    pub fn instant(self, at: Timestamp) -> String {
        let at = at.to_utc();
        match self {
            Self::English => at.format("%-d %B %Y at %H:%M UTC").to_string(),
            Self::German => {
                let month = MONATE.get(month_index(&at)).copied().unwrap_or_default();
                at.format(&format!("%-d. {month} %Y um %H:%M Uhr (UTC)")).to_string()
            }
        }
    }
}

fn month_index(at: &chrono::DateTime<chrono::Utc>) -> usize {
    usize::try_from(chrono::Datelike::month0(at)).unwrap_or_default()
}

const MONATE: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

#[cfg(test)]
mod tests {
    use doorbook_domain::time::Timestamp;

    use super::Locale;

    #[test]
    fn instants_read_as_people_write_them() {
        let at = Timestamp::from_micros(1_772_441_070_000_000);
        assert_eq!(Locale::English.instant(at), "2 March 2026 at 08:44 UTC");
        assert_eq!(Locale::German.instant(at), "2. März 2026 um 08:44 Uhr (UTC)");
    }

    #[test]
    fn codes_lead_back_to_their_language() {
        for locale in Locale::ALL {
            assert_eq!(Locale::find(locale.code()), Some(locale));
        }
        assert_eq!(Locale::find("fr"), None);
    }
}
