//! Origins and networks.

use std::{fmt, net::IpAddr};

use url::{Host, Origin as UrlOrigin, Url};

use super::{raw::Raw, setting::Setting};

/// Scheme, host and port, as a browser writes them in `Origin`: no trailing slash, no default port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(Url);

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.origin().ascii_serialization())
    }
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let bare = matches!(url.origin(), UrlOrigin::Tuple(..))
            && matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        bare.then_some(Self(url))
    }

    /// Its host, an address in brackets: what may stand behind an `@`.
    #[must_use]
    pub fn host(&self) -> String {
        match self.0.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(ip)) => format!("[{ip}]"),
            Some(Host::Ipv6(ip)) => format!("[IPv6:{ip}]"),
            None => String::new(),
        }
    }

    /// Whether it is https.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether a page is of this origin.
    #[must_use]
    pub fn has(&self, page: &Url) -> bool {
        self.0.origin() == page.origin()
    }

    /// Whether it is this machine: `localhost`, a name under it, or a loopback address.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
    }

    /// Whether a `SameSite=Lax` cookie of one reaches the other: same scheme, same registrable domain by the public suffix
    /// list.
    #[must_use]
    pub fn same_site(&self, other: &Self) -> bool {
        self.0.scheme() == other.0.scheme() && site(&self.0) == site(&other.0)
    }
}

fn site(url: &Url) -> Option<String> {
    let Host::Domain(name) = url.host()? else {
        return url.host().map(|host| host.to_string());
    };
    let name = name.trim_end_matches('.');
    Some(psl::domain_str(name).unwrap_or(name).to_owned())
}

/// The public URL: the service's own origin.
impl Setting for Origin {
    fn read(raw: &Raw) -> Result<Self, String> {
        raw.text().and_then(Self::parse).ok_or_else(|| {
            "write a scheme, a host and, where needed, a port, without path or query, such as `https://auth.example.org`"
                .to_owned()
        })
    }
}

/// A page that need not be: the empty text is none.
impl Setting for Option<Url> {
    fn read(raw: &Raw) -> Result<Self, String> {
        let remedy =
            || "write a page such as `https://app.example.org/login`, or nothing between the quotes".to_owned();
        let text = raw.text().ok_or_else(remedy)?;
        if text.is_empty() {
            return Ok(None);
        }
        let url = Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"));
        url.map(Some).ok_or_else(remedy)
    }
}

impl Setting for Vec<Origin> {
    fn read(raw: &Raw) -> Result<Self, String> {
        let list = raw
            .list()
            .ok_or_else(|| "write a list of origins, such as `[\"https://app.example.org\"]`".to_owned())?;
        let origin = |text: &str| {
            if text.contains('*') {
                return Err(
                    "a wildcard would let any page use the sessions of its visitors: list each origin by its name"
                        .to_owned(),
                );
            }
            Origin::parse(text).ok_or_else(|| {
                format!(
                    "`{text}` is no origin: write scheme, host and port only, such as `https://app.example.org` (in a variable \
                     or a flag, several are separated by commas, without brackets)"
                )
            })
        };
        list.into_iter().map(origin).collect()
    }
}

/// A network: its address and the length of its prefix in bits.
pub type Network = (IpAddr, u8);

impl Setting for Vec<Network> {
    fn read(raw: &Raw) -> Result<Self, String> {
        let list = raw
            .list()
            .ok_or_else(|| "write a list of networks, such as `[\"10.0.0.0/8\"]`".to_owned())?;
        list.into_iter()
            .map(|text| {
                network(text).ok_or_else(|| {
                    format!("`{text}` is no network: write an address and a prefix length, such as `10.0.0.0/8`")
                })
            })
            .collect()
    }
}

fn network(text: &str) -> Option<Network> {
    let (address, prefix) = text
        .split_once('/')
        .map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let prefix: u8 = prefix.map_or(Some(width), |prefix| prefix.parse().ok())?;
    (prefix <= width).then_some((address, prefix))
}

#[cfg(test)]
mod tests {
    use super::{Origin, network};

    fn origin(text: &str) -> Origin {
        Origin::parse(text).unwrap()
    }

    #[test]
    fn origins_are_written_as_browsers_write_them() {
        assert_eq!(
            origin("HTTPS://App.Example.org:443/").to_string(),
            "https://app.example.org"
        );
        assert_eq!(origin("http://localhost:5173").to_string(), "http://localhost:5173");
        for text in [
            "https://a.org/x",
            "https://a.org?x",
            "ftp://a.org",
            "null",
            "a.org",
            "https://u@a.org",
            "https://",
        ] {
            assert_eq!(Origin::parse(text), None, "{text}");
        }
    }

    #[test]
    fn site_is_scheme_and_registrable_domain() {
        let same = |one: &str, other: &str| origin(one).same_site(&origin(other));
        assert!(same("https://app.example.org", "https://auth.example.org"));
        assert!(same("http://localhost:8080", "http://localhost:5173"));
        assert!(same("https://a.example.co.uk", "https://b.example.co.uk"));
        assert!(!same("https://a.co.uk", "https://b.co.uk"));
        assert!(!same("https://auth.github.io", "https://mallory.github.io"));
        assert!(!same("https://github.io", "https://mallory.github.io"));
        assert!(same("https://app.ada.github.io", "https://auth.ada.github.io"));
        assert!(same("https://app.intranet", "https://app.intranet:8443"));
        assert!(!same("https://example.org", "https://example.net"));
        assert!(!same("http://example.org", "https://example.org"));
        assert!(!same("http://127.0.0.1:8080", "http://localhost:8080"));
        assert!(!same("http://10.0.0.1", "http://11.0.0.1"));
    }

    #[test]
    fn networks_have_a_prefix_within_the_address() {
        assert_eq!(network("10.0.0.0/8"), Some(("10.0.0.0".parse().unwrap(), 8)));
        assert_eq!(network("::1"), Some(("::1".parse().unwrap(), 128)));
        for text in ["10.0.0.0/33", "10.0.0/8", "proxy", "::1/129", "10.0.0.0/", ""] {
            assert_eq!(network(text), None, "{text}");
        }
    }
}
