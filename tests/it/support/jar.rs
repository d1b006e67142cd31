//! A cookie jar that keeps what the service said about each cookie.

use std::collections::BTreeMap;

/// A `Set-Cookie` header, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SetCookie {
    /// The cookie's name.
    pub(crate) name: String,
    /// Its value.
    pub(crate) value: String,
    /// Attributes in lower case, with their values as sent.
    pub(crate) attributes: BTreeMap<String, String>,
}

impl SetCookie {
    /// Reads the header.
    pub(crate) fn parse(header: &str) -> Self {
        let mut parts = header.split(';');
        let (name, value) = parts
            .next()
            .unwrap()
            .split_once('=')
            .expect("a cookie has a name and a value");
        let attributes = parts
            .map(|part| {
                let (name, value) = part.split_once('=').unwrap_or((part, ""));
                (name.trim().to_lowercase(), value.trim().to_owned())
            })
            .collect();
        Self {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
            attributes,
        }
    }

    /// Whether it has this attribute.
    pub(crate) fn has(&self, attribute: &str) -> bool {
        self.attributes.contains_key(attribute)
    }

    /// What this attribute says.
    pub(crate) fn attribute(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).map(String::as_str)
    }

    /// Whether it takes the cookie away.
    pub(crate) fn removes(&self) -> bool {
        self.attribute("max-age") == Some("0")
    }
}

/// What a browser would send.
#[derive(Debug, Clone, Default)]
pub(crate) struct Jar(BTreeMap<String, String>);

impl Jar {
    /// Takes over what an answer sets.
    pub(crate) fn keep(&mut self, cookies: &[SetCookie]) {
        for cookie in cookies {
            if cookie.removes() {
                self.0.remove(&cookie.name);
            } else {
                self.0.insert(cookie.name.clone(), cookie.value.clone());
            }
        }
    }

    /// Plants a cookie, as another page on the host could.
    pub(crate) fn plant(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// The value of a cookie.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    /// The `Cookie` header, if there is anything to send.
    pub(crate) fn header(&self) -> Option<String> {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}
