//! `password.*`.

use std::path::PathBuf;

use url::{Host, Url};

use super::{get, layers::Layers, raw::Raw, setting::Setting};

/// `password.*`.
#[derive(Debug)]
pub struct Password {
    /// Fewest characters.
    pub min_length: usize,
    /// Passwords that are refused, one a line.
    pub blocklist: Option<PathBuf>,
    /// Cost of a hash.
    pub argon2: Argon2,
    /// `password.hibp.*`.
    pub hibp: Hibp,
}

/// `password.argon2.*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2 {
    /// Memory of one hash, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

/// `password.hibp.*`: Have I Been Pwned.
#[derive(Debug)]
pub struct Hibp {
    /// Whether it is asked about new passwords.
    pub enabled: bool,
    /// Where; the digits follow.
    pub url: Url,
}

pub(super) fn read(layers: &mut Layers) -> Option<Password> {
    let (min_length, blocklist) = (get(layers, "password.min_length"), get(layers, "password.blocklist"));
    let (memory_kib, iterations) = (
        get(layers, "password.argon2.memory_kib"),
        get(layers, "password.argon2.iterations"),
    );
    let parallelism = get(layers, "password.argon2.parallelism");
    let (enabled, url) = (
        get(layers, "password.hibp.enabled"),
        get::<RangeUrl>(layers, "password.hibp.url"),
    );
    Some(Password {
        min_length: min_length?,
        blocklist: blocklist?,
        argon2: Argon2 {
            memory_kib: memory_kib?,
            iterations: iterations?,
            parallelism: parallelism?,
        },
        hibp: Hibp {
            enabled: enabled?,
            url: url?.0,
        },
    })
}

/// A file that need not be: the empty text is none.
impl Setting for Option<PathBuf> {
    fn read(raw: &Raw) -> Result<Self, String> {
        raw.text()
            .map(|text| (!text.is_empty()).then(|| text.into()))
            .ok_or_else(|| "write a path such as `/etc/doorbook/file`, or nothing between the quotes".to_owned())
    }
}

/// What is sent there must not be readable on the way.
struct RangeUrl(Url);

impl Setting for RangeUrl {
    fn read(raw: &Raw) -> Result<Self, String> {
        let local = |url: &Url| match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        let fits = |url: &Url| {
            let safe = url.scheme() == "https" || (url.scheme() == "http" && local(url));
            safe && url.path().ends_with('/') && url.query().is_none() && url.fragment().is_none()
        };
        raw.text()
            .and_then(|text| Url::parse(text).ok())
            .filter(fits)
            .map(Self)
            .ok_or_else(|| {
                "write an `https://` URL that ends with `/`, such as `https://api.pwnedpasswords.com/range/`".to_owned()
            })
    }
}
