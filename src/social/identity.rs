//! What a provider says about somebody.

use doorbook_domain::{email::EmailAddress, name::DisplayName};
use serde_json::Value;

use super::error::ProviderError;

/// Longest subject, in bytes (OpenID Connect Core 1.0, 2: at most 255).
const SUBJECT_MAX: usize = 255;

/// Somebody, as a provider knows them.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// What the provider calls them, for ever.
    pub subject: String,
    /// Their address, where there is one that mail can be sent to.
    pub email: Option<EmailAddress>,
    /// Whether the provider says, in its own way, that it has verified the address.
    pub verified: bool,
    /// Their name.
    pub name: Option<DisplayName>,
}

/// Shows nothing: all of it is personal.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(…)")
    }
}

impl Identity {
    /// Takes in what a provider said. An address or a name that cannot be one is left out.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Untrusted`] when the subject cannot be one.
    pub(super) fn new(
        subject: String,
        email: Option<&str>,
        verified: bool,
        name: Option<&str>,
    ) -> Result<Self, ProviderError> {
        if subject.is_empty() || subject.len() > SUBJECT_MAX || subject.contains(char::is_control) {
            return Err(ProviderError::unreadable("the subject"));
        }
        let email = email.and_then(|text| EmailAddress::parse(text).ok());
        Ok(Self {
            verified: verified && email.is_some(),
            subject,
            email,
            name: name.and_then(|text| DisplayName::parse(text).ok()),
        })
    }

    /// The address, where the provider has verified it.
    #[must_use]
    pub fn verified_email(&self) -> Option<&EmailAddress> {
        self.email.as_ref().filter(|_| self.verified)
    }
}

/// A subject: a text, or a whole number.
pub(super) fn subject(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Identity, subject};

    #[test]
    fn address_that_cannot_be_one_is_left_out_and_not_verified() {
        let identity = Identity::new("1".to_owned(), Some("nobody"), true, Some("\u{0}")).unwrap();
        assert_eq!(
            (identity.email.clone(), identity.verified, identity.name.clone()),
            (None, false, None)
        );
        assert_eq!(identity.verified_email(), None);
    }

    #[test]
    fn unverified_address_does_not_count() {
        let identity = Identity::new("1".to_owned(), Some("ada@example.org"), false, None).unwrap();
        assert!(identity.email.is_some());
        assert_eq!(identity.verified_email(), None);
    }

    #[test]
    fn subject_is_a_text_or_a_whole_number() {
        assert_eq!(subject(&json!(583_231)), Some("583231".to_owned()));
        assert_eq!(subject(&json!("10")), Some("10".to_owned()));
        for value in [json!(null), json!(true), json!(1.5), json!(-1), json!([1]), json!({})] {
            assert_eq!(subject(&value), None, "{value}");
        }
        for text in ["", "a\nb", &"x".repeat(256)] {
            assert!(Identity::new(text.to_owned(), None, false, None).is_err());
        }
    }
}
