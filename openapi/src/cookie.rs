//! Cookies, byte for byte: no decoding of names or values. A name that comes twice is refused where only one can be right.

use poem::http::{HeaderMap, HeaderValue, header::COOKIE};

/// A cookie's name came more than once. Which of them to believe, nobody can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Twice;

/// Every value of a cookie over all `Cookie` headers of a request. Other cookies may hold any bytes.
pub(crate) fn all<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let headers = headers.get_all(COOKIE).into_iter();
    let pairs = headers.flat_map(|header| header.as_bytes().split(|&byte| byte == b';'));
    pairs.filter_map(move |pair| {
        let rest = pair.trim_ascii().strip_prefix(name.as_bytes())?;
        rest.strip_prefix(b"=")
    })
}

/// The value of a cookie that may be there once.
///
/// # Errors
///
/// [`Twice`].
pub(crate) fn find<'a>(headers: &'a HeaderMap, name: &'a str) -> Result<Option<&'a [u8]>, Twice> {
    let mut values = all(headers, name);
    let found = values.next();
    match values.next() {
        None => Ok(found),
        Some(_) => Err(Twice),
    }
}

/// How a cookie is set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attributes {
    /// Whether script may not read it.
    pub(crate) http_only: bool,
    /// Whether it is sent over https only.
    pub(crate) secure: bool,
}

impl Attributes {
    /// Sets a cookie: for so many seconds, or until the browser closes.
    pub(crate) fn set(self, name: &str, value: &str, max_age: Option<u64>) -> HeaderValue {
        let age = max_age
            .map(|seconds| format!("; Max-Age={seconds}"))
            .unwrap_or_default();
        self.finish(format!("{name}={value}{age}; Path=/; SameSite=Lax"))
    }

    /// Removes a cookie.
    pub(crate) fn remove(self, name: &str) -> HeaderValue {
        self.finish(format!(
            "{name}=; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax"
        ))
    }

    fn finish(self, mut text: String) -> HeaderValue {
        if self.http_only {
            text.push_str("; HttpOnly");
        }
        if self.secure {
            text.push_str("; Secure");
        }
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

#[cfg(test)]
mod tests;
