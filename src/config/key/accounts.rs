//! Keys of accounts: sessions, sign-up, passwords, mail, CSRF.

use super::{Key, derived, key, secret};

/// Sessions, sign-up, passwords, mail and what protects their forms.
pub(super) const ACCOUNTS: &[Key] = &[
    key("session.absolute", r#""14d""#, "Longest life of a session."),
    key("session.idle", r#""7d""#, "How long a session lives unused."),
    key(
        "session.staff_absolute",
        r#""24h""#,
        "Longest life of a session of a user with a role (NIST SP 800-63B: 24 hours).",
    ),
    key(
        "session.staff_idle",
        r#""1h""#,
        "How long a session of a user with a role lives unused (NIST SP 800-63B: 1 hour).",
    ),
    key(
        "session.max_per_user",
        "50",
        "Most live sessions of one user: 1 to 1000. A login beyond them ends the oldest.",
    ),
    key(
        "session.directory_capacity",
        "1000000",
        "Most sessions kept in memory, about 250 bytes each. Others are read from the log when they are used.",
    ),
    key("signup.enabled", "true", "Whether people may sign up by themselves."),
    key(
        "signup.verify_email",
        "true",
        "Whether an address must be proven by mail first. With `false`, you accept unproven addresses.",
    ),
    key(
        "password.min_length",
        "8",
        "Fewest characters of a password: 8 to 64. 15 satisfies NIST SP 800-63B without a second factor.",
    ),
    key(
        "password.blocklist",
        r#""""#,
        "A file of passwords that are refused beside the common ones that Doorbook knows: UTF-8, one a line, compared without case. Read at the start.",
    ),
    key(
        "password.argon2.memory_kib",
        "19456",
        "Memory of one hash, in KiB. Not weaker than OWASP's floor: with 2 iterations 19456, with 3 12288, with 4 9216, with 5 or more 7168, with 1 47104.",
    ),
    key("password.argon2.iterations", "2", "Passes over that memory: 1 to 100."),
    key("password.argon2.parallelism", "1", "Lanes of one hash: 1 to 16."),
    secret(derived(
        "mail.url",
        r#""file:./data/mail""#,
        "How mail leaves: `smtps://user:password@host`, `smtp://…` (encrypted by STARTTLS, except on this machine or with `?tls=none`), or `file:` and a directory that gets one `.eml` for each message. By default `mail` under `data.dir`.",
    )),
    derived(
        "mail.from",
        r#""Doorbook <no-reply@localhost>""#,
        "The sender of every mail. By default `no-reply` at the host of `http.public_url`.",
    ),
    derived(
        "mail.link_base",
        r#""http://localhost:8080""#,
        "Where links in mails lead: `http.public_url`, or one of `http.allowed_origins` that serves `/auth/verify` and `/auth/reset`.",
    ),
    key(
        "mail.templates",
        r#""""#,
        "Directory with letters of your own, such as `en/reset_password.txt`; what it lacks is taken from the program. Empty: none.",
    ),
    key(
        "mail.locale",
        r#""en""#,
        "Language of letters to people whose language is not known: `en` or `de`.",
    ),
    key(
        "password.hibp.enabled",
        "false",
        "Whether Have I Been Pwned is asked about new passwords. Five digits of their SHA-1 are sent; where it does not answer within a second, nobody is refused.",
    ),
    key(
        "password.hibp.url",
        r#""https://api.pwnedpasswords.com/range/""#,
        "Where it is asked; a mirror of your own keeps those digits with you.",
    ),
    key(
        "csrf.cookie",
        r#""csrftoken""#,
        "Name of the cookie that a page's script reads.",
    ),
    key(
        "csrf.header",
        r#""X-CSRFToken""#,
        "Name of the header that it sends the token back in.",
    ),
];
