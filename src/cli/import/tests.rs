use std::io::Write as _;

use super::*;

#[test]
fn line_has_defaults_for_all_but_the_address() {
    let found = newcomer(r#"{"email": "ada@example.org"}"#).unwrap();
    assert_eq!(found.email, "ada@example.org");
    assert!(found.active && found.email_verified && found.roles.is_empty());
    assert!(found.password_hash.is_none() && found.created_at.is_none() && found.name.is_none());
    let full = r#"{"email":"a@b.c","name":"Ada","password_hash":"x","roles":["admin"],"active":false,"email_verified":false,"created_at":"2024-01-31T12:00:00+01:00"}"#;
    let found = newcomer(full).unwrap();
    assert_eq!(found.created_at.unwrap().to_string(), "2024-01-31T11:00:00.000000Z");
    assert!(!found.active && !found.email_verified && !found.roles.is_empty());
}

#[test]
fn reason_names_what_is_wrong_and_repeats_no_value() {
    let wrong = [
        ("{", "no JSON"),
        ("[]", "a value at column"),
        ("{}", "missing field `email`"),
        (r#"{"email":"a@b.c","password":"secret1"}"#, "unknown field `password`"),
        (r#"{"email":"a@b.c","email":"secret1"}"#, "duplicate field `email`"),
        (r#"{"email":"a@b.c","active":"secret1"}"#, "a boolean"),
        (r#"{"email":"a@b.c","password_hash":["secret1"]}"#, "a string"),
        (r#"{"email":"a@b.c","roles":"secret1"}"#, "a sequence"),
        (r#"{"email":"a@b.c","roles":["secret1"]}"#, "`auditor` or `admin`"),
        (r#"{"email":"a@b.c","created_at":"secret1"}"#, "`created_at`"),
        (r#"{"email":"a@b.c","password_hash":secret1}"#, "no JSON"),
    ];
    for (line, words) in wrong {
        let reason = newcomer(line).unwrap_err();
        assert!(
            reason.contains(words) && !reason.contains("secret1"),
            "{line}: {reason}"
        );
    }
}

#[tokio::test]
async fn lines_are_numbered_bounded_and_read_to_the_end() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let long = "x".repeat(100_000);
    write!(file, "one\r\n\n  \n{long}\nfive").unwrap();
    let mut lines = Lines::open(file.path()).await.unwrap();
    let first = lines.batch(2).await.unwrap();
    assert_eq!(first[0], (1, Ok("one\r".to_owned())));
    assert_eq!(first[1], (4, Err("is longer than 16384 bytes".to_owned())));
    assert_eq!(lines.batch(2).await.unwrap(), [(5, Ok("five".to_owned()))]);
    assert!(lines.batch(2).await.unwrap().is_empty());
    assert_eq!(lines.read(), lines.length());
}
