//! Where people go when a flow is over: never to a page that somebody else put into a link (ASVS 5.0, 3.7.2).

use serde::{Deserialize, Serialize};
use url::Url;

/// Longest target, in bytes.
const LENGTH_MAX: usize = 2048;

/// A path of this service's, or a URL of a listed origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// Takes a target that may be gone to: an own path, or a URL whose origin is one of `origins`, each as a browser
    /// writes it in `Origin`.
    #[must_use]
    pub fn read(text: &str, origins: &[String]) -> Option<Self> {
        // Browsers drop tabs and line ends, and take a backslash for a slash: neither has a place in a target.
        let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
        if text.len() > LENGTH_MAX || text.contains(odd) {
            return None;
        }
        let own = text.starts_with('/') && !text.starts_with("//");
        (own || listed(text, origins)).then(|| Self(text.to_owned()))
    }

    /// Fit for the header `Location`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn listed(text: &str, origins: &[String]) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let bare = url.username().is_empty() && url.password().is_none();
    let origin = url.origin().ascii_serialization();
    bare && text.starts_with(&origin) && origins.contains(&origin)
}

#[cfg(test)]
mod tests {
    use super::ReturnTo;

    fn read(text: &str) -> bool {
        let origins = ["https://app.example.org".to_owned(), "http://localhost:5173".to_owned()];
        ReturnTo::read(text, &origins).is_some()
    }

    #[test]
    fn own_paths_and_listed_origins_are_gone_to() {
        for text in [
            "/",
            "/settings?tab=2#x",
            "/a//b",
            "https://app.example.org",
            "https://app.example.org/x?y",
            "http://localhost:5173/",
        ] {
            assert!(read(text), "{text}");
        }
    }

    #[test]
    fn anywhere_else_is_not() {
        for text in [
            "",
            "settings",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/a\nb",
            "https://evil.example",
            "https://app.example.org.evil.example",
            "https://app.example.org@evil.example",
            "https://evil@app.example.org",
            "http://app.example.org",
            "https://app.example.org:444",
            "javascript:alert(1)",
            "data:text/html,x",
            "https:/app.example.org",
            "https:app.example.org/x",
            " /x",
            "HTTPS://app.example.org\\@evil",
        ] {
            assert!(!read(text), "{text}");
        }
        assert!(!read(&format!("/{}", "x".repeat(2048))));
    }
}
