//! What was sent, with everything in it that a page must not run.

use async_trait::async_trait;
use doorbook_openapi::app::{Mail, MailEntry, Mailbox};
use doorbook_projections::fault::Fault;

use super::{Broken, StandIn};

/// A hostile mail, and one without HTML.
#[async_trait]
impl Mailbox for StandIn {
    async fn mails(&self) -> Result<Vec<MailEntry>, Fault> {
        if *self.broken.lock().unwrap() == Broken::Log {
            return Err(Fault::plain("the mail directory cannot be used"));
        }
        Ok(vec![hostile("m1").entry, hostile("m2").entry])
    }

    async fn mail(&self, id: &str) -> Result<Option<Mail>, Fault> {
        Ok(match id {
            "m1" => Some(hostile(id)),
            "m2" => Some(Mail {
                html: None,
                ..hostile(id)
            }),
            _ => None,
        })
    }
}

fn hostile(id: &str) -> Mail {
    Mail {
        entry: MailEntry {
            id: id.to_owned(),
            to: "\"<i>@example.org".to_owned(),
            subject: "<script>alert(1)</script>".to_owned(),
            date: "Mon, 23 Nov 2026 12:00:00 +0000".to_owned(),
        },
        text: Some("<b> & http://localhost:8080/auth/verify#token=\"x javascript:alert(1)\n".to_owned()),
        html: Some("<p onclick='alert(1)'>hello</p>".to_owned()),
    }
}
