//! `/dev/mailbox`: mail that was sent, for developers. Where the service has no such mailbox, or somebody asks who is not at
//! this machine, none of this is found.
//!
//! A mail is shown as text, and as HTML in a frame without rights: nothing in it is loaded, run, submitted or followed.

use std::{collections::HashMap, fmt::Write as _};

use poem::{
    Endpoint, EndpointExt as _, Request, Response,
    endpoint::BoxEndpoint,
    http::{
        HeaderValue, Method,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    },
};

use crate::{
    app::{Mail, MailEntry, Mailbox},
    gate::Visit,
    problem::{Kind, Problem},
};

mod near;

/// For the pages around a mail.
const PAGE: &str = "default-src 'none'; style-src 'self'; frame-src 'self'; object-src 'none'; base-uri 'none'; \
                    form-action 'none'; frame-ancestors 'none'";
/// For the HTML of a mail, which others may have a hand in.
const FOREIGN: &str = "sandbox; default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; \
                       frame-ancestors 'self'";

/// What is shown.
#[derive(Clone, Copy)]
enum View {
    List,
    One,
    Html,
}

impl Endpoint for View {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let gate = &Visit::of(&request)?.gate;
        let mailbox = gate.app.mailbox().filter(|_| near::is_near(&request, gate));
        let mailbox = mailbox.ok_or(Problem::new(Kind::NotFound))?;
        let answer = match self {
            Self::List => {
                let mails = mailbox.mails().await.map_err(Problem::from)?;
                html(PAGE, list(&mails))
            }
            Self::One => html(PAGE, one(&wanted(mailbox, &request).await?)),
            Self::Html => {
                let mail = wanted(mailbox, &request).await?;
                html(FOREIGN, mail.html.ok_or(Problem::new(Kind::NotFound))?)
            }
        };
        Ok(answer)
    }
}

/// Paths and what is there.
pub(crate) fn routes() -> impl Iterator<Item = (String, HashMap<Method, BoxEndpoint<'static>>)> {
    let views = [
        ("/dev/mailbox", View::List),
        ("/dev/mailbox/:id", View::One),
        ("/dev/mailbox/:id/html", View::Html),
    ];
    views
        .into_iter()
        .map(|(path, view)| (path.to_owned(), HashMap::from([(Method::GET, view.boxed())])))
}

async fn wanted(mailbox: &dyn Mailbox, request: &Request) -> Result<Mail, Problem> {
    let id = request.raw_path_param("id").unwrap_or_default();
    mailbox.mail(id).await?.ok_or(Problem::new(Kind::NotFound))
}

fn html(policy: &'static str, body: String) -> Response {
    let mut response = Response::default();
    response.set_body(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn list(mails: &[MailEntry]) -> String {
    let mut body = String::from("<h1>Mailbox</h1>\n");
    if mails.is_empty() {
        body.push_str("<p>No mail was sent yet.</p>\n");
    }
    for mail in mails {
        // Writing to a String cannot fail.
        let _ = writeln!(
            body,
            "<p><a href=\"/dev/mailbox/{}\">{}</a><br>{} <span class=\"quiet\">{}</span></p>",
            escaped(&mail.id),
            escaped(&mail.subject),
            escaped(&mail.to),
            escaped(&mail.date)
        );
    }
    page("Mailbox", &body)
}

fn one(mail: &Mail) -> String {
    let MailEntry { id, to, subject, date } = &mail.entry;
    let mut body = format!(
        "<p><a href=\"/dev/mailbox\">Mailbox</a></p>\n<h1>{}</h1>\n<dl><dt>To</dt><dd>{}</dd><dt>Date</dt><dd>{}</dd></dl>\n",
        escaped(subject),
        escaped(to),
        escaped(date)
    );
    if let Some(text) = &mail.text {
        body.extend(["<h2>Text</h2>\n<pre>", &linked(text), "</pre>\n"]);
    }
    if mail.html.is_some() {
        body.extend([
            "<h2>HTML</h2>\n<iframe sandbox title=\"The mail as HTML\" width=\"100%\" height=\"480\" src=\"/dev/mailbox/",
            &escaped(id),
            "/html\"></iframe>\n",
        ]);
    }
    page(subject, &body)
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n\
         <link rel=\"stylesheet\" href=\"/api/docs.css\">\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        escaped(title)
    )
}

/// Text in which addresses of pages can be followed, which is what a developer came for.
fn linked(text: &str) -> String {
    let word = |word: &str| {
        let shown = escaped(word);
        let bare = word.trim_end();
        if bare.starts_with("http://") || bare.starts_with("https://") {
            format!("<a href=\"{}\">{shown}</a>", escaped(bare))
        } else {
            shown
        }
    };
    text.split_inclusive(char::is_whitespace).map(word).collect()
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
