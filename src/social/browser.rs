//! Which browser began a flow.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use doorbook_domain::seal::hex;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::ids;

/// What the flow cookie holds: 256 random bits. Only this browser knows them; Doorbook keeps their SHA-256.
#[derive(Clone, PartialEq, Eq)]
pub struct Browser(Zeroizing<[u8; 32]>);

/// Shows nothing.
impl std::fmt::Debug for Browser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Browser(…)")
    }
}

impl Browser {
    /// One that was not seen before.
    #[must_use]
    pub fn random() -> Self {
        Self(Zeroizing::new(ids::random()))
    }

    /// Reads the cookie.
    #[must_use]
    pub fn read(cookie: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cookie).map(Zeroizing::new).ok()?;
        let bytes = <[u8; 32]>::try_from(bytes.as_slice()).ok()?;
        Some(Self(Zeroizing::new(bytes)))
    }

    /// Writes the cookie.
    #[must_use]
    pub fn cookie(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0.as_slice())
    }

    /// What is kept of it.
    pub(super) fn hash(&self) -> String {
        digest("browser", &self.cookie())
    }
}

/// SHA-256 of a secret of one sort: a secret of another sort never has the same.
pub(super) fn digest(sort: &str, secret: &str) -> String {
    hex(&Sha256::digest(format!("{sort}:{secret}")))
}

#[cfg(test)]
mod tests {
    use super::Browser;

    #[test]
    fn cookie_is_read_as_it_was_written() {
        let browser = Browser::random();
        assert_eq!(Browser::read(&browser.cookie()), Some(browser.clone()));
        assert_ne!(browser, Browser::random());
        assert!(!browser.cookie().contains(&browser.hash()));
    }

    #[test]
    fn what_is_no_cookie_of_ours_is_none() {
        for text in ["", "abc", "A", &"A".repeat(42), &"A".repeat(44), "ÄÄÄÄ"] {
            assert_eq!(Browser::read(text), None, "{text}");
        }
    }
}
