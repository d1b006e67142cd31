//! Addresses.

use std::{fmt, hash};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;

use crate::text::is_invisible;

#[cfg(test)]
mod tests;

/// An e-mail address: as it was typed, for mail and display, and in the one form that it is compared in.
///
/// Two spellings of one address are equal: case, composed and decomposed characters, full-width forms, ligatures,
/// dotless and dotted i, and internationalised hosts in Unicode or as Punycode. Whether mail can be delivered to it is
/// only known once its owner has followed a link.
///
/// Mail to an account goes to the spelling that the account was made with, never to one that a visitor typed: a mail
/// server may tell spellings apart that are equal here.
#[derive(Clone)]
pub struct EmailAddress {
    typed: Box<str>,
    canonical: Box<str>,
}

/// The text is not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an e-mail address has one `@`, a name before it, a full host name behind it, and at most 254 bytes")]
pub struct InvalidEmail;

impl EmailAddress {
    /// Longest accepted address, in bytes (RFC 5321, 4.5.3.1.3). Holds for both forms.
    pub const MAX_BYTES: usize = 254;
    /// Longest accepted text before the `@`, in bytes (RFC 5321, 4.5.3.1.1). Holds for both forms.
    pub const MAX_LOCAL_BYTES: usize = 64;

    /// Reads an address as a person typed it.
    ///
    /// The host needs a dot: `ada@localhost` names nobody outside one machine. Address literals (`ada@[192.0.2.1]`),
    /// bare numbers as hosts and quoted names (`"ada l"@example.org`) are refused too.
    ///
    /// # Errors
    ///
    /// [`InvalidEmail`] when there is not one `@` with text on both sides, when white space, a control character or an
    /// invisible character stands inside, when the host is not a name in the DNS with at least two labels, or when a
    /// part is too long.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let typed = text.trim();
        let canonical = canonical(typed).ok_or(InvalidEmail)?;
        Ok(Self {
            typed: typed.into(),
            canonical: canonical.into(),
        })
    }

    /// The address as it was typed, trimmed: for mail and display.
    #[must_use]
    pub fn as_typed(&self) -> &str {
        &self.typed
    }

    /// The form it is compared and claimed in. Not for mail.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// Whether both are certainly one mailbox: the host is the same, and the part before the `@` is spelled alike, but for
    /// the case of ASCII letters. Equal addresses need not be: to a mail server `ı` is not `i`.
    #[must_use]
    pub fn is_same_mailbox(&self, other: &Self) -> bool {
        let local = |address: &Self| address.typed.split(['@', '＠']).next().map(str::to_ascii_lowercase);
        self == other && local(self) == local(other)
    }
}

fn canonical(typed: &str) -> Option<String> {
    if typed.len() > EmailAddress::MAX_BYTES {
        return None;
    }
    // A full-width `＠` is an `@` to whoever types it.
    let composed: String = typed.nfkc().collect();
    let hidden = |character: char| character.is_control() || character.is_whitespace() || is_invisible(character);
    // Asked after composing, which turns `¨` and the like into a space and a mark.
    if composed.chars().any(hidden) {
        return None;
    }
    let (local, host) = composed.split_once('@')?;
    let local = canonical_local(local)?;
    let host = canonical_host(host)?;
    let address = format!("{local}@{host}");
    (address.len() <= EmailAddress::MAX_BYTES).then_some(address)
}

fn canonical_local(local: &str) -> Option<String> {
    /// Its capital form is a letter of its own, which other marks may then precede or follow: it has no one spelling.
    const IOTA_SUBSCRIPT: char = '\u{345}';
    if local.nfkd().any(|character| character == IOTA_SUBSCRIPT) {
        return None;
    }
    if local.is_empty() || local.len() > EmailAddress::MAX_LOCAL_BYTES {
        return None;
    }
    let folded = fold(local)?;
    let foreign = ['"', '(', ')', ',', ':', ';', '<', '>', '@', '[', '\\', ']'];
    let dots = folded.starts_with('.') || folded.ends_with('.') || folded.contains("..");
    (!dots && !folded.contains(foreign) && folded.len() <= EmailAddress::MAX_LOCAL_BYTES).then_some(folded)
}

/// Brings every spelling of `text` to one: folded until it stays as it is, then composed.
///
/// One pass does not do: the small form of `ẞ` is `ß`, and only its capital form is `SS`.
fn fold(text: &str) -> Option<String> {
    const PASSES: usize = 4;
    let mut now = text.to_owned();
    for _ in 0..PASSES {
        let next = fold_once(&now);
        if next == now {
            return Some(now.nfkc().collect());
        }
        now = next;
    }
    None
}

/// Capitalises and lowers each character, which brings `ı`, `ſ` and `ς` to `i`, `s` and `σ`, and takes the dot off `i̇`.
fn fold_once(text: &str) -> String {
    const DOT_ABOVE: char = '\u{307}';
    let mut base = None;
    let lowered = text
        .nfkd()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .filter(|&character| {
            if character == DOT_ABOVE {
                return base != Some('i');
            }
            if !unicode_normalization::char::is_combining_mark(character) {
                base = Some(character);
            }
            true
        });
    lowered.nfkd().collect()
}

/// The host as the DNS asks for it (UTS #46, non-transitional), so that `ß` and `ı` stay what they are: other hosts.
fn canonical_host(host: &str) -> Option<String> {
    let ascii = Uts46::new()
        .to_ascii(
            host.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .ok()?;
    let (_, last) = ascii.rsplit_once('.')?;
    let numeric = last.bytes().all(|byte| byte.is_ascii_digit());
    (!numeric).then(|| ascii.into_owned())
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }
}

impl Eq for EmailAddress {}

impl hash::Hash for EmailAddress {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.canonical.hash(state);
    }
}

/// Shows the host only: addresses are personal data and end up in logs.
impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.canonical.split_once('@').map_or("", |(_, host)| host);
        write!(f, "EmailAddress(…@{host})")
    }
}
