//! Reads messages back: as much of MIME as `writer` makes.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use quoted_printable::ParseMode;

/// A message, read.
pub(super) struct Eml<'a> {
    head: &'a str,
    body: &'a str,
}

impl<'a> Eml<'a> {
    /// Reads a message. What is no text has no parts.
    pub(super) fn parse(message: &'a [u8]) -> Self {
        let text = std::str::from_utf8(message).unwrap_or_default();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        Self { head, body }
    }

    /// The value of a header, unfolded and decoded.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.raw(name).map(|value| decode_words(&value))
    }

    fn raw(&self, name: &str) -> Option<String> {
        let mut value: Option<String> = None;
        for line in self.head.split("\r\n") {
            match &mut value {
                Some(value) if line.starts_with([' ', '\t']) => value.push_str(line),
                Some(_) => break,
                None => {
                    let found = line
                        .split_once(':')
                        .filter(|(known, _)| known.eq_ignore_ascii_case(name));
                    value = found.map(|(_, value)| value.trim_start().to_owned());
                }
            }
        }
        value
    }

    /// The address in `To`.
    pub(super) fn to(&self) -> Option<String> {
        let to = self.header("to")?;
        let address = to.rsplit_once('<').map_or(to.as_str(), |(_, address)| address);
        Some(address.trim_end_matches('>').trim().to_owned())
    }

    /// The first part of a type, decoded.
    pub(super) fn part(&self, media_type: &str) -> Option<String> {
        let content = self.raw("content-type")?;
        if content.starts_with(media_type) {
            return Some(self.decoded());
        }
        let (_, boundary) = content.split_once("boundary=")?;
        let boundary = format!("--{}", boundary.split(';').next()?.trim_matches('"'));
        let mut parts = self.body.split(boundary.as_str()).skip(1);
        parts.find_map(|part| {
            let part = part.strip_prefix("\r\n")?;
            Eml::parse(part.strip_suffix("\r\n").unwrap_or(part).as_bytes()).part(media_type)
        })
    }

    fn decoded(&self) -> String {
        let encoding = self.raw("content-transfer-encoding").unwrap_or_default();
        let bytes = match encoding.trim() {
            "quoted-printable" => quoted_printable::decode(self.body, ParseMode::Robust).ok(),
            "base64" => BASE64_STANDARD.decode(self.body.replace("\r\n", "")).ok(),
            _ => Some(self.body.as_bytes().to_vec()),
        };
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        text.unwrap_or_default().replace("\r\n", "\n")
    }
}

/// Decodes encoded words (RFC 2047): `=?utf-8?b?…?=`. White space between two of them belongs to neither.
fn decode_words(value: &str) -> String {
    let mut decoded = String::new();
    let mut rest = value;
    let mut after_word = false;
    while let Some((before, found)) = rest.split_once("=?") {
        if !(after_word && before.trim().is_empty()) {
            decoded.push_str(before);
        }
        let Some((word, behind)) = word(found) else {
            decoded.push_str("=?");
            (rest, after_word) = (found, false);
            continue;
        };
        decoded.push_str(&word);
        (rest, after_word) = (behind, true);
    }
    decoded.push_str(rest);
    decoded
}

/// An encoded word behind its `=?`, and what follows it.
fn word(text: &str) -> Option<(String, &str)> {
    let (_, text) = text.split_once('?')?;
    let (encoding, text) = text.split_once('?')?;
    let (word, behind) = text.split_once("?=")?;
    let bytes = match encoding {
        "b" | "B" => BASE64_STANDARD.decode(word).ok()?,
        "q" | "Q" => quoted_printable::decode(word.replace('_', " "), ParseMode::Robust).ok()?,
        _ => return None,
    };
    Some((String::from_utf8(bytes).ok()?, behind))
}
