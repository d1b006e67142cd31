//! Which new passwords are refused, and why.
//!
//! No composition rules, no expiry (NIST SP 800-63B-4 §3.1.1.2). Eight characters with a strength estimate are the default;
//! a service without second factors that must satisfy NIST's AAL1 sets `password.min_length` to 15.
//!
//! A character is a Unicode code point of the password as it was received: nothing is normalized, trimmed or cut, neither
//! for counting nor for hashing (ASVS 6.2.8). Only the comparison with lists of common passwords folds case and form.

use zxcvbn::{Score, zxcvbn};

use super::common::Blocklist;

/// Most characters. NIST asks for 64 at least; hashing takes no longer for these, and a form has to end somewhere.
pub const MAX_LENGTH: usize = 1024;
/// Most bytes that so many characters have. Nothing longer is ever the password of anybody.
pub const MAX_BYTES: usize = 4 * MAX_LENGTH;
/// How much of a password is estimated. The cost grows with the square: 92 characters made for it took 0.4 s, and 100 overflow.
const ESTIMATED_CHARACTERS: usize = 32;
/// What is too easily thought of anywhere.
const OWN_NAME: &str = "doorbook";

/// A rule that a new password breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Too few characters.
    #[error("at least {0} characters are needed")]
    TooShort(usize),
    /// Too many characters.
    #[error("at most {MAX_LENGTH} characters are possible")]
    TooLong,
    /// On a list of common passwords.
    #[error("this password is on a list of common ones, which are tried first")]
    TooCommon,
    /// Guessed too soon.
    #[error("this password would be guessed too soon: {}", uncapped(.0))]
    TooWeak(String),
    /// Known from a breach somewhere.
    #[error("this password has appeared in a data breach: use it nowhere any more")]
    Breached,
}

impl Broken {
    /// Stable name of the rule: `too_short`, `too_long`, `too_common`, `too_weak`, `breached`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooShort(_) => "too_short",
            Self::TooLong => "too_long",
            Self::TooCommon => "too_common",
            Self::TooWeak(_) => "too_weak",
            Self::Breached => "breached",
        }
    }
}

/// A sentence that goes on after a colon.
fn uncapped(sentence: &str) -> String {
    let mut chars = sentence.chars();
    let first = chars.next().map(char::to_lowercase);
    first.into_iter().flatten().chain(chars).collect()
}

/// What one service asks of new passwords, beside their length.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Words that everybody connects with the service, such as the host of its address (ASVS 6.2.11).
    pub context: Vec<String>,
    /// Passwords that the operator refuses.
    pub blocklist: Blocklist,
}

impl Rules {
    /// Every rule that a new password breaks. `words` are the person's own: address, name.
    #[must_use]
    pub fn check(&self, password: &str, min_length: usize, words: &[&str]) -> Vec<Broken> {
        let length = password.chars().count();
        if length > MAX_LENGTH {
            return vec![Broken::TooLong];
        }
        let mut broken = Vec::new();
        if length < min_length {
            broken.push(Broken::TooShort(min_length));
        }
        if self.blocklist.has(password) {
            broken.push(Broken::TooCommon);
        }
        broken.extend(self.weakness(password, words).map(Broken::TooWeak));
        broken
    }

    /// Why the password would be guessed in fewer than 10^8 attempts; `None` when it would not (zxcvbn score 3).
    fn weakness(&self, password: &str, words: &[&str]) -> Option<String> {
        let head: String = password.chars().take(ESTIMATED_CHARACTERS).collect();
        let of_service = self.context.iter().map(String::as_str);
        let words: Vec<&str> = words.iter().copied().chain(of_service).collect();
        let parts = words.iter().flat_map(|word| word.split(|c: char| !c.is_alphanumeric()));
        let known: Vec<&str> = words
            .iter()
            .copied()
            .chain(parts)
            .chain([OWN_NAME])
            .filter(|word| word.len() > 2)
            .collect();
        let estimate = zxcvbn(&head, &known);
        if estimate.score() >= Score::Three {
            return None;
        }
        let warning = estimate.feedback().and_then(zxcvbn::feedback::Feedback::warning);
        Some(warning.map_or_else(|| "use a few unrelated words".to_owned(), |warning| warning.to_string()))
    }
}
