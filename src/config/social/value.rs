//! Values of `social.*` that get a type.

use std::fmt;

use doorbook_domain::admission::LinkPolicy;
use url::Url;
use zeroize::Zeroizing;

use super::super::{raw::Raw, setting::Setting};

/// A secret of the configuration. Never shown, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// The secret itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Shows nothing.
impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl Setting for Password {
    fn read(raw: &Raw) -> Result<Self, String> {
        raw.text()
            .map(|text| Self(Zeroizing::new(text.to_owned())))
            .ok_or_else(|| "write a text".to_owned())
    }
}

impl Setting for LinkPolicy {
    fn read(raw: &Raw) -> Result<Self, String> {
        match raw.text() {
            Some("ask") => Ok(Self::Ask),
            Some("always") => Ok(Self::Always),
            Some("never") => Ok(Self::Never),
            _ => Err("write `ask`, `always` or `never`".to_owned()),
        }
    }
}

/// How a client shows its secret (RFC 6749, 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    /// In the header `Authorization`.
    Basic,
    /// In the body.
    Post,
}

impl Setting for AuthMethod {
    fn read(raw: &Raw) -> Result<Self, String> {
        match raw.text() {
            Some("basic") => Ok(Self::Basic),
            Some("post") => Ok(Self::Post),
            _ => Err("write `basic` or `post`".to_owned()),
        }
    }
}

/// A text with something in it.
pub(super) struct Text(pub(super) String);

impl Setting for Text {
    fn read(raw: &Raw) -> Result<Self, String> {
        raw.text()
            .filter(|text| !text.is_empty() && !text.contains(char::is_control))
            .map(|text| Self(text.to_owned()))
            .ok_or_else(|| "write a text of one line".to_owned())
    }
}

/// Words without spaces in between.
pub(super) struct Words(pub(super) Vec<String>);

impl Setting for Words {
    fn read(raw: &Raw) -> Result<Self, String> {
        // RFC 6749, 3.3: printable characters but `"` and `\`.
        let fits = |word: &&str| {
            let mut letters = word.chars();
            !word.is_empty() && letters.all(|c| c.is_ascii_graphic() && c != '"' && c != '\\')
        };
        let list = raw.list().filter(|list| list.iter().all(fits));
        list.map(|list| Self(list.into_iter().map(str::to_owned).collect()))
            .ok_or_else(|| "write a list of words, such as `[\"openid\", \"email\"]`".to_owned())
    }
}

/// An endpoint, or none.
pub(in crate::config) struct Address(pub(in crate::config) Option<Url>);

impl Setting for Address {
    fn read(raw: &Raw) -> Result<Self, String> {
        let remedy = || "write an `https://` URL without a name, a password and a fragment".to_owned();
        let text = raw.text().ok_or_else(remedy)?;
        if text.is_empty() {
            return Ok(Self(None));
        }
        let url = Url::parse(text).ok().filter(is_endpoint);
        url.map(|url| Self(Some(url))).ok_or_else(remedy)
    }
}

/// Whether a URL can be called: http, with a host, and nothing in it that would be sent where nobody expects it.
pub(super) fn is_endpoint(url: &Url) -> bool {
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    matches!(url.scheme(), "http" | "https") && url.has_host() && bare
}

/// Domains in the form that addresses have: small letters, no dot at the end.
pub(super) struct Domains(pub(super) Vec<String>);

impl Setting for Domains {
    fn read(raw: &Raw) -> Result<Self, String> {
        let remedy = || "write a list of domains, such as `[\"example.org\"]`".to_owned();
        let domain = |text: &str| {
            let parsed = Url::parse(&format!("https://{text}/")).ok()?;
            let host = parsed.host_str()?;
            let fits = !text.contains(['/', '@', ':', '*', '?', '#']) && host.contains('.');
            fits.then(|| host.trim_end_matches('.').to_owned())
        };
        let list = raw.list().ok_or_else(remedy)?;
        let domains = list.into_iter().map(domain).collect::<Option<Vec<_>>>();
        domains.map(Self).ok_or_else(remedy)
    }
}
