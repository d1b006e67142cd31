//! Which new passwords are refused, and why.
//!
//! No composition rules, no expiry (NIST SP 800-63B-4 §3.1.1.2). Eight characters with a strength estimate are the default;
//! a service without second factors that must satisfy NIST's AAL1 sets `password.min_length` to 15.

use zxcvbn::{Score, zxcvbn};

/// Longest password, in bytes. Hashing takes no longer for it; a request body has to end somewhere.
pub const MAX_BYTES: usize = 1024;
/// How much of a password is estimated. The cost grows with the square: 92 characters made for it took 0.4 s, and 100 overflow.
const ESTIMATED_CHARACTERS: usize = 32;

/// A rule that a new password breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Too few characters.
    #[error("at least {0} characters are needed")]
    TooShort(usize),
    /// Too many bytes.
    #[error("at most {MAX_BYTES} bytes are possible")]
    TooLong,
    /// Guessed too soon.
    #[error("this password would be guessed too soon: {0}")]
    TooWeak(String),
}

impl Broken {
    /// Stable name of the rule: `too_short`, `too_long`, `too_weak`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooShort(_) => "too_short",
            Self::TooLong => "too_long",
            Self::TooWeak(_) => "too_weak",
        }
    }
}

/// Every rule that a new password breaks. `words` are the person's own: address, name.
#[must_use]
pub fn check(password: &str, min_length: usize, words: &[&str]) -> Vec<Broken> {
    let mut broken = Vec::new();
    if password.chars().count() < min_length {
        broken.push(Broken::TooShort(min_length));
    }
    if password.len() > MAX_BYTES {
        broken.push(Broken::TooLong);
    } else if let Some(reason) = weakness(password, words) {
        broken.push(Broken::TooWeak(reason));
    }
    broken
}

/// Why the password would be guessed in fewer than 10^8 attempts; `None` when it would not (zxcvbn score 3).
fn weakness(password: &str, words: &[&str]) -> Option<String> {
    let head: String = password.chars().take(ESTIMATED_CHARACTERS).collect();
    let parts = words.iter().flat_map(|word| word.split(|c: char| !c.is_alphanumeric()));
    let own: Vec<&str> = words
        .iter()
        .copied()
        .chain(parts)
        .chain(["doorbook"])
        .filter(|word| word.len() > 2)
        .collect();
    let estimate = zxcvbn(&head, &own);
    if estimate.score() >= Score::Three {
        return None;
    }
    let warning = estimate.feedback().and_then(zxcvbn::feedback::Feedback::warning);
    Some(warning.map_or_else(|| "use a few unrelated words".to_owned(), |warning| warning.to_string()))
}
