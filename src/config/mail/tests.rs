use super::{super::setting::Setting as _, Carrier, Encryption, Sender, SmtpServer, usual_sender};
use crate::config::raw::Raw;

fn read(text: &str) -> Result<Carrier, String> {
    Carrier::read(&Raw::Text(text.to_owned()))
}

fn server(text: &str) -> SmtpServer {
    match read(text) {
        Ok(Carrier::Smtp(server)) => server,
        other => panic!("{text} is no mail server: {other:?}"),
    }
}

#[test]
fn servers_are_reached_encrypted_unless_they_are_here_or_somebody_says_so() {
    for (text, encryption, port) in [
        ("smtp://mail.example.org", Encryption::Required, 587),
        ("smtp://mail.example.org:25", Encryption::Required, 25),
        ("smtp://mail.example.org?tls=none", Encryption::None, 587),
        (
            "smtp://mail.example.org?tls=opportunistic",
            Encryption::Opportunistic,
            587,
        ),
        ("smtp://localhost:2525", Encryption::None, 2525),
        ("smtp://127.0.0.1", Encryption::None, 587),
        ("smtp://[::1]", Encryption::None, 587),
        ("smtp://localhost?tls=required", Encryption::Required, 587),
        ("smtps://mail.example.org", Encryption::Implicit, 465),
    ] {
        let server = server(text);
        assert_eq!((server.encryption, server.port), (encryption, port), "{text}");
    }
}

#[test]
fn user_and_password_are_decoded_and_never_shown() {
    let server = server("smtps://door%40example.org:h%75sh%2F@mail.example.org");
    let pair = ("door@example.org".to_owned(), "hush/".to_owned());
    assert_eq!(server.credentials, Some(pair));
    assert!(!format!("{server:?}").contains("hush"));
}

#[test]
fn directories_are_paths() {
    assert_eq!(read("file:./mail"), Ok(Carrier::Directory("./mail".into())));
    assert_eq!(read("file:///var/mail"), Ok(Carrier::Directory("/var/mail".into())));
}

#[test]
fn what_is_neither_is_refused_with_what_to_write() {
    for (text, remedy) in [
        ("", "smtps://"),
        ("mail.example.org", "smtps://"),
        ("file:", "a directory"),
        ("smtp://", "without a path"),
        ("smtp://host/path", "without a path"),
        ("smtp://host?tls=maybe", "tls=required"),
        ("smtp://host?timeout=1", "tls=required"),
        ("smtps://host?tls=none", "always encrypted"),
        ("smtp://user@host", "user:password@"),
        ("smtp://:password@host", "user:password@"),
        ("smtp://user:%ff@host", "user:password@"),
    ] {
        let refused = read(text).unwrap_err();
        assert!(refused.contains(remedy), "{text}: {refused}");
    }
}

#[test]
fn usual_sender_can_be_used_whatever_the_public_url_is() {
    for (url, sender) in [
        ("https://auth.example.org:8443", "Doorbook <no-reply@auth.example.org>"),
        ("http://localhost:8080", "Doorbook <no-reply@localhost>"),
        ("http://127.0.0.1", "Doorbook <no-reply@localhost>"),
        ("http://[::1]", "Doorbook <no-reply@localhost>"),
        ("no url", "Doorbook <no-reply@localhost>"),
    ] {
        assert_eq!(usual_sender(url), sender);
        sender.parse::<lettre::message::Mailbox>().unwrap();
    }
}

#[test]
fn sender_is_one_address_and_brings_no_header() {
    for text in [
        "a@b.org\r\nBcc: c@d.org",
        "A\nBcc: c@d.org <a@b.org>",
        "a@b.org, c@d.org",
        "nobody",
        "",
    ] {
        assert!(Sender::read(&Raw::Text(text.to_owned())).is_err(), "{text:?}");
    }
}
