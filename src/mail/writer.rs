//! From a letter to a message (RFC 5322).

use std::time::{Duration, SystemTime};

use doorbook_domain::{email::EmailAddress, time::Timestamp};
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
};

use unicode_normalization::UnicodeNormalization as _;

use super::{Addressed, post::MailError, templates::Templates};

/// Writes messages.
pub(super) struct Writer {
    templates: Templates,
    from: Mailbox,
    /// What stands behind the `@` of message ids.
    domain: String,
}

/// `Auto-Submitted: auto-generated` (RFC 3834): nobody's absence note answers.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Writer {
    pub(super) fn new(templates: Templates, from: Mailbox, domain: String) -> Self {
        Self {
            templates,
            from,
            domain,
        }
    }

    /// Writes the message. Everything that comes from outside is parsed or encoded: neither an address nor a subject can
    /// bring a header of its own (ASVS 1.3.11).
    pub(super) fn write(&self, addressed: &Addressed, at: Timestamp) -> Result<Message, MailError> {
        let Addressed {
            to,
            locale,
            letter,
            key,
            caused_at: _,
        } = addressed;
        let written = self.templates.write(letter, *locale)?;
        let id = format!("<{}.{}@{}>", key.simple(), letter.name(), self.domain);
        Message::builder()
            .from(self.from.clone())
            .to(mailbox(to)?)
            .subject(written.subject)
            .message_id(Some(id))
            .date(system_time(at))
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(written.text, written.html))
            .map_err(|error| MailError::Message(error.to_string()))
    }
}

/// The address as it was typed, composed as mail wants it (RFC 6532, 3.1), with its host in the form that the DNS knows.
pub(super) fn mailbox(typed: &str) -> Result<Mailbox, MailError> {
    let parsed = EmailAddress::parse(typed).map_err(|_| MailError::Address)?;
    let local = parsed.as_typed().rsplit_once('@').map(|(local, _)| local);
    let host = parsed.canonical().rsplit_once('@').map(|(_, host)| host);
    let address = match (local, host) {
        (Some(local), Some(host)) => Address::new(local.nfc().collect::<String>(), host),
        // A full-width `＠`.
        _ => parsed.canonical().parse(),
    };
    Ok(Mailbox::new(None, address.map_err(|_| MailError::Address)?))
}

fn system_time(at: Timestamp) -> SystemTime {
    let micros = u64::try_from(at.micros()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
}
