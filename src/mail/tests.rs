//! The words of letters, and what no letter may do.

use std::{fs, path::Path};

use doorbook_domain::time::Timestamp;
use uuid::Uuid;

use super::{
    Addressed, Circumstances, Letter, Locale,
    eml::Eml,
    post::MailError,
    templates::{Templates, samples},
    writer::Writer,
};

const HOME: &str = "https://auth.example.org";
const AT: Timestamp = Timestamp::from_micros(1_772_441_070_000_000);

fn templates() -> Templates {
    Templates::load(None, HOME).unwrap()
}

fn writer() -> Writer {
    let from = "Doorbook <no-reply@auth.example.org>".parse().unwrap();
    Writer::new(templates(), from, "auth.example.org".to_owned())
}

fn addressed(to: &str, letter: Letter) -> Addressed {
    Addressed {
        to: to.to_owned(),
        locale: Locale::German,
        letter,
        key: Uuid::from_u128(7),
        caused_at: AT,
    }
}

fn message(to: &str, letter: Letter) -> Result<String, MailError> {
    let message = writer().write(&addressed(to, letter), AT)?;
    Ok(String::from_utf8(message.formatted()).unwrap())
}

#[test]
fn every_letter_reads_well_in_both_languages_and_forms() {
    let templates = templates();
    for locale in Locale::ALL {
        let mut seen: Vec<&str> = Vec::new();
        for letter in samples() {
            let bare = seen.contains(&letter.name());
            let name = format!("{}_{}{}", locale.code(), letter.name(), if bare { "_bare" } else { "" });
            let written = templates.write(&letter, locale).unwrap();
            insta::assert_snapshot!(
                name,
                format!("Subject: {}\n\n{}\n{}", written.subject, written.text, written.html)
            );
            seen.push(letter.name());
        }
        assert!(Letter::NAMES.iter().all(|name| seen.contains(name)));
    }
}

#[test]
fn letters_load_nothing_and_keep_to_their_links() {
    let templates = templates();
    for (letter, locale) in samples()
        .iter()
        .flat_map(|letter| Locale::ALL.map(|locale| (letter, locale)))
    {
        let written = templates.write(letter, locale).unwrap();
        for way in ["<img", "<script", "src=", "style", "url(", "http:"] {
            assert!(!written.html.contains(way), "{letter:?}: {way}");
        }
        let links = written.html.split("href=\"").skip(1);
        let own = |link: &str| link.starts_with("https:&#x2f;&#x2f;auth.example.org");
        assert!(links.into_iter().all(own), "{}", written.html);
    }
}

#[test]
fn what_strangers_write_stays_text() {
    let evil = "<b>\r\nBcc: eve@example.org\r\n\r\n\"'&";
    let seen = Circumstances {
        at: AT,
        ip: Some(evil.to_owned()),
        user_agent: Some(format!("{evil} Firefox/1")),
    };
    let letters = [
        Letter::NewDevice { seen },
        Letter::SocialLinked {
            provider: evil.to_owned(),
            at: AT,
        },
    ];
    for letter in letters {
        let message = message("ada@example.org", letter.clone()).unwrap();
        let (head, _) = message.split_once("\r\n\r\n").unwrap();
        assert!(!head.to_lowercase().contains("\nbcc"), "{head}");
        let html = Eml::parse(message.as_bytes()).part("text/html").unwrap();
        assert!(!html.contains("<b>"), "{html}");
    }
}

#[test]
fn addresses_cannot_bring_commands_or_headers() {
    for to in [
        "ada@example.org\r\nBcc: eve@example.org",
        "ada@example.org>\r\nRCPT TO:<eve@example.org",
        "ada@example.org, eve@example.org",
        "ada@example.org,eve@example.org",
        "<ada@example.org>",
        "Ada <ada@example.org>",
        "\"ada\r\n\"@example.org",
        "ada @example.org",
        "@example.org",
        "",
    ] {
        assert!(
            matches!(message(to, Letter::Test { at: AT }), Err(MailError::Address)),
            "{to:?}"
        );
    }
}

#[test]
fn addresses_keep_their_spelling_and_hosts_become_what_the_dns_knows() {
    let to = |typed: &str| {
        let message = message(typed, Letter::Test { at: AT }).unwrap();
        Eml::parse(message.as_bytes()).to().unwrap()
    };
    assert_eq!(to("Ada.L+mail@Example.ORG"), "Ada.L+mail@example.org");
    assert_eq!(to("ada@bücher.example"), "ada@xn--bcher-kva.example");
    assert_eq!(to("äda@example.org"), "äda@example.org");
    assert_eq!(to("a\u{308}da@example.org"), "äda@example.org");
    assert_eq!(to("ａda＠example.org"), "ada@example.org");
}

#[test]
fn message_id_names_event_and_letter_and_stays_the_same() {
    let id = |letter: Letter| {
        let message = message("ada@example.org", letter).unwrap();
        Eml::parse(message.as_bytes()).header("message-id").unwrap()
    };
    let test = id(Letter::Test { at: AT });
    assert_eq!(test, "<00000000000000000000000000000007.test@auth.example.org>");
    assert_eq!(id(Letter::Test { at: AT }), test);
    assert_ne!(id(Letter::Deactivated { at: AT }), test);
}

#[test]
fn nobody_answers_and_everything_can_be_read_back() {
    let message = message("ada@example.org", Letter::PasswordChanged { at: AT }).unwrap();
    let eml = Eml::parse(message.as_bytes());
    assert_eq!(eml.header("auto-submitted").as_deref(), Some("auto-generated"));
    assert_eq!(eml.header("subject").as_deref(), Some("Ihr Passwort wurde geändert"));
    assert_eq!(eml.header("date").as_deref(), Some("Mon, 02 Mar 2026 08:44:30 +0000"));
    let written = templates()
        .write(&Letter::PasswordChanged { at: AT }, Locale::German)
        .unwrap();
    assert_eq!(eml.part("text/plain"), Some(written.text));
    assert_eq!(eml.part("text/html"), Some(written.html));
}

#[test]
fn debug_shows_neither_address_nor_link() {
    let letter = Letter::ConfirmAddress {
        link: "https://x/#token=hush".to_owned(),
        until: AT,
    };
    let shown = format!("{:?}", addressed("ada@example.org", letter));
    assert!(!shown.contains("hush") && !shown.contains("ada"), "{shown}");
}

fn own(files: &[(&str, &str)]) -> Result<Templates, String> {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Templates::load(Some(directory.path()), HOME).map_err(|error| error.to_string())
}

#[test]
fn templates_of_the_operator_take_the_place_of_built_in_ones() {
    let text =
        "{% extends \"layout.txt\" %}{% block subject %}Hi{% endblock %}{% block body %}Own: {{ at }}{% endblock %}";
    let templates = own(&[("en/test.txt", text)]).unwrap();
    let written = templates.write(&Letter::Test { at: AT }, Locale::English).unwrap();
    assert_eq!(written.subject, "Hi");
    assert!(written.text.contains("Own: 2 March 2026") && written.text.contains("automatically"));
    assert!(
        written.html.contains("<h1>Hi</h1>"),
        "the built-in form takes the new subject"
    );
}

#[test]
fn template_that_cannot_work_is_named_with_the_reason() {
    let block = |body: &str| format!("{{% block subject %}}x{{% endblock %}}{body}");
    for (name, text, reason) in [
        ("en/test.txt", block("{{ at "), "syntax error"),
        ("en/test.txt", block("{{ link }}"), "`link`"),
        ("de/test.html", block("{% if false %}{{ name }}{% endif %}"), "`name`"),
        ("en/test.txt", "no subject".to_owned(), "subject"),
        ("en/test.txt", block("{{ at|shout }}"), "unknown filter"),
        ("en/test.txt", block("{% include 'elsewhere.txt' %}"), "elsewhere.txt"),
        ("en/layout.html", block("{{ link }}"), "`link`"),
        ("en/tset.txt", String::new(), "no such letter"),
    ] {
        let refused = own(&[(name, &text)])
            .err()
            .unwrap_or_else(|| panic!("{name} was taken: {text}"));
        let file = name.rsplit('/').next().unwrap();
        assert!(refused.contains(file) && refused.contains(reason), "{refused}");
        assert!(
            refused.starts_with("mail.templates: ") && !refused.contains('\n'),
            "{refused}"
        );
    }
    let missing = Templates::load(Some(Path::new("/nowhere/letters")), HOME)
        .err()
        .unwrap();
    assert!(missing.to_string().contains("/nowhere/letters"), "{missing}");
}
