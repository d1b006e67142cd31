//! JSON in and out: a strict reader, and a writer without detours.

use std::{fmt, io::Write as _};

use doorbook_domain::time::Timestamp;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads JSON, and refuses what readers disagree about: a key that comes twice at any depth, and U+0000. (Lone surrogates
/// and bad UTF-8 are refused by `serde_json` itself.)
///
/// # Errors
///
/// What is wrong, and where.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let Strict(value) = Strict::deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        if value.contains('\0') {
            return Err(E::custom("U+0000 is not accepted"));
        }
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if key.contains('\0') {
                return Err(A::Error::custom("U+0000 is not accepted"));
            }
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom("a key comes twice"));
            }
        }
        Ok(map.into())
    }
}

/// Appends a JSON string.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| matches!(byte, ..b' ' | b'"' | b'\\')) {
        let (clean, tail) = rest.split_at(at);
        out.extend_from_slice(clean);
        let Some((&byte, tail)) = tail.split_first() else { break };
        if matches!(byte, b'"' | b'\\') {
            out.extend([b'\\', byte]);
        } else {
            // Writing to a `Vec` cannot fail.
            let _ = write!(out, "\\u{byte:04x}");
        }
        rest = tail;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Appends an instant as a JSON string: RFC 3339 in UTC with microseconds, as [`Timestamp`] shows itself but many times
/// faster; the session check writes five of them.
pub(crate) fn push_instant(out: &mut Vec<u8>, instant: Timestamp) {
    const DAY: i64 = 86_400_000_000;
    let (year, month, day) = civil(instant.micros().div_euclid(DAY));
    let micros = instant.micros().rem_euclid(DAY);
    if !(0..=9999).contains(&year) {
        // Writing to a `Vec` cannot fail.
        let _ = write!(out, "\"{instant}\"");
        return;
    }
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    let ([y1, y2], [y3, y4]) = (digits(year / 100), digits(year % 100));
    let ([m1, m2], [d1, d2]) = (digits(month), digits(day));
    let ([h1, h2], [i1, i2]) = (digits(seconds / 3600), digits(seconds / 60 % 60));
    let ([s1, s2], [f1, f2]) = (digits(seconds % 60), digits(micros / 10_000));
    let ([f3, f4], [f5, f6]) = (digits(micros / 100 % 100), digits(micros % 100));
    out.extend_from_slice(&[
        b'"', y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', i1, i2, b':', s1, s2, b'.', f1, f2, f3,
        f4, f5, f6, b'Z', b'"',
    ]);
}

/// Year, month and day of a count of days since 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date
/// algorithms", `civil_from_days`).
const fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// The numbers below 100, two digits each.
const PAIRS: &[u8; 200] =
    b"0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

/// A number below 100 as two digits, looked up: half as long as dividing.
fn digits(number: i64) -> [u8; 2] {
    let (pairs, _) = PAIRS.as_chunks();
    let pair = usize::try_from(number).ok().and_then(|number| pairs.get(number));
    pair.copied().unwrap_or(*b"00")
}

#[cfg(test)]
mod tests;
