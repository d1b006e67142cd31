//! `mail.*`: how mail leaves, and what it says of where it comes from.

use std::{fmt, net::IpAddr, path::PathBuf};

use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::{
    Origin, get,
    layers::Layers,
    raw::{Raw, Source},
    setting::Setting,
};
use crate::mail::Locale;

/// `mail.*`.
#[derive(Debug)]
pub struct Mail {
    /// How mail leaves.
    pub url: Carrier,
    /// The sender.
    pub from: Mailbox,
    /// Where links lead.
    pub link_base: Origin,
    /// A directory with letters of the operator's own.
    pub templates: Option<PathBuf>,
    /// Language of letters to people whose language is not known.
    pub locale: Locale,
}

/// How mail leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carrier {
    /// Into a directory, one file a message.
    Directory(PathBuf),
    /// To a mail server.
    Smtp(SmtpServer),
}

/// A mail server.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpServer {
    /// Its name, or its address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub encryption: Encryption,
    /// User and password.
    pub credentials: Option<(String, String)>,
}

/// How the connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// From the first byte: `smtps://` (RFC 8314).
    Implicit,
    /// By STARTTLS, or nothing is sent (RFC 3207).
    Required,
    /// By STARTTLS where the server offers it.
    Opportunistic,
    /// Not at all.
    None,
}

/// Shows no password.
impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpServer({}:{}, {:?})", self.host, self.port, self.encryption)
    }
}

impl SmtpServer {
    /// Whether it runs on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let loopback = self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        loopback || self.host == "localhost"
    }
}

/// Reads the section. A link base that follows from the public URL is not read: what is wrong with it is said once.
pub(super) fn read(layers: &mut Layers, public_url: Option<&Origin>) -> Option<Mail> {
    let (url, from) = (get(layers, "mail.url"), get::<Sender>(layers, "mail.from"));
    let link_base = match layers.get("mail.link_base") {
        Some((_, Source::Derived(_))) => public_url.cloned(),
        _ => get(layers, "mail.link_base"),
    };
    let templates = get::<Letters>(layers, "mail.templates");
    let locale = get(layers, "mail.locale");
    Some(Mail {
        url: url?,
        from: from?.0,
        link_base: link_base?,
        templates: templates?.0,
        locale: locale?,
    })
}

/// The sender where nobody says otherwise: `no-reply` at the host of the public URL.
pub(super) fn usual_sender(public_url: &str) -> String {
    let url = Url::parse(public_url).ok();
    let host = match url.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name,
        Some(Host::Ipv4(_) | Host::Ipv6(_)) | None => "localhost",
    };
    format!("Doorbook <no-reply@{host}>")
}

impl Setting for Carrier {
    fn read(raw: &Raw) -> Result<Self, String> {
        let text = raw.text().unwrap_or_default();
        match text.split_once(':') {
            Some(("file", path)) => directory(path),
            Some(("smtp" | "smtps", _)) => server(text).map(Self::Smtp),
            _ => Err("write `smtps://user:password@host`, `smtp://host`, or `file:` and a directory".to_owned()),
        }
    }
}

fn directory(path: &str) -> Result<Carrier, String> {
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.contains('\0') {
        return Err("write `file:` and a directory, such as `file:./data/mail`".to_owned());
    }
    Ok(Carrier::Directory(path.into()))
}

fn server(text: &str) -> Result<SmtpServer, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.path(), "" | "/"));
    let url = url.filter(|url| url.fragment().is_none());
    let host = url.as_ref().and_then(Url::host_str).filter(|host| !host.is_empty());
    let (Some(url), Some(host)) = (&url, host) else {
        return Err("write `smtps://user:password@host:port`, without a path".to_owned());
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let mut server = SmtpServer {
        host,
        port: 0,
        encryption: Encryption::Implicit,
        credentials: credentials(url)?,
    };
    server.encryption = encryption(url, server.is_local())?;
    let usual = if server.encryption == Encryption::Implicit {
        465
    } else {
        587
    };
    server.port = url.port().unwrap_or(usual);
    Ok(server)
}

fn encryption(url: &Url, local: bool) -> Result<Encryption, String> {
    let implicit = url.scheme() == "smtps";
    let mut wish = None;
    for (name, value) in url.query_pairs() {
        wish = Some(match (&*name, &*value) {
            ("tls", "required") if !implicit => Encryption::Required,
            ("tls", "opportunistic") if !implicit => Encryption::Opportunistic,
            ("tls", "none") if !implicit => Encryption::None,
            _ if implicit => return Err("`smtps://` is always encrypted; remove what stands behind `?`".to_owned()),
            _ => return Err("behind `?` write `tls=required`, `tls=opportunistic` or `tls=none`".to_owned()),
        });
    }
    Ok(match wish {
        Some(wish) => wish,
        None if implicit => Encryption::Implicit,
        None if local => Encryption::None,
        None => Encryption::Required,
    })
}

fn credentials(url: &Url) -> Result<Option<(String, String)>, String> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(String::from);
    let complaint = "write user and password as `user:password@`, special characters as `%40` and the like";
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        (user, Some(password)) if !user.is_empty() && !password.is_empty() => {
            let pair = (decoded(user), decoded(password));
            match pair {
                (Ok(user), Ok(password)) => Ok(Some((user, password))),
                (Err(_), _) | (_, Err(_)) => Err(complaint.to_owned()),
            }
        }
        _ => Err(complaint.to_owned()),
    }
}

struct Sender(Mailbox);

impl Setting for Sender {
    fn read(raw: &Raw) -> Result<Self, String> {
        raw.text()
            .and_then(|text| text.parse().ok())
            .map(Self)
            .ok_or_else(|| "write a name and an address, such as `Doorbook <no-reply@example.org>`".to_owned())
    }
}

struct Letters(Option<PathBuf>);

impl Setting for Letters {
    fn read(raw: &Raw) -> Result<Self, String> {
        let text = raw
            .text()
            .ok_or_else(|| "write a directory such as `./letters`".to_owned())?;
        Ok(Self((!text.is_empty()).then(|| text.into())))
    }
}

impl Setting for Locale {
    fn read(raw: &Raw) -> Result<Self, String> {
        raw.text()
            .and_then(Self::find)
            .ok_or_else(|| "write `en` or `de`".to_owned())
    }
}

#[cfg(test)]
mod tests;
