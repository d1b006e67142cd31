use super::refusal;

/// A file, the key that is wrong in it, and words of the remedy.
const WRONG: &[(&str, &str, &str)] = &[
    ("password.blocklist = 3", "password.blocklist", "a path"),
    ("audit.retention = '400'", "audit.retention", "`400d`"),
    ("audit.retention = '23h'", "audit.retention", "from `1d`"),
    ("audit.retention = '40000d'", "audit.retention", "`36500d`"),
    ("audit.geoip_file = true", "audit.geoip_file", "a path"),
    (
        "password.hibp.url = 'http://api.pwnedpasswords.com/range/'",
        "password.hibp.url",
        "`https://`",
    ),
    (
        "password.hibp.url = 'https://api.pwnedpasswords.com/range'",
        "password.hibp.url",
        "ends with `/`",
    ),
    ("password.hibp.enabled = 'yes'", "password.hibp.enabled", "`true`"),
    ("http.listen = 'here'", "http.listen", "an address and a port"),
    ("http.listen = 8080", "http.listen", "an address and a port"),
    (
        "http.admin_listen = '127.0.0.1:8080'",
        "http.admin_listen",
        "another port",
    ),
    (
        "http.public_url = 'auth.example.org'",
        "http.public_url",
        "a scheme, a host",
    ),
    (
        "http.public_url = 'https://a.org/door'",
        "http.public_url",
        "without path",
    ),
    (
        "http.public_url = 'https://a.org?x=1'",
        "http.public_url",
        "without path or query",
    ),
    ("http.public_url = 'http://a.org'", "http.public_url", "`https://`"),
    (
        "http.allowed_origins = ['*']",
        "http.allowed_origins",
        "list each origin",
    ),
    (
        "http.allowed_origins = ['https://evil.net']",
        "http.allowed_origins",
        "another site",
    ),
    (
        "http.allowed_origins = ['http://127.0.0.1:5173']",
        "http.allowed_origins",
        "another site",
    ),
    (
        "http.allowed_origins = 'http://localhost:1'",
        "http.allowed_origins",
        "a list",
    ),
    (
        "http.trusted_proxies = ['10.0.0.0/40']",
        "http.trusted_proxies",
        "10.0.0.0/8",
    ),
    ("http.body_limit = 10", "http.body_limit", "from 1024"),
    ("http.body_limit = 'big'", "http.body_limit", "a whole number"),
    ("store.url = 'mysql://db'", "store.url", "`postgres://"),
    ("store.url = 'esdb://db'", "store.url", "not built yet"),
    ("session.idle = '0s'", "session.idle", "at least `1s`"),
    ("session.idle = 7", "session.idle", "a span"),
    ("session.idle = '15d'", "session.idle", "session.absolute"),
    (
        "session.staff_idle = '25h'",
        "session.staff_idle",
        "session.staff_absolute",
    ),
    ("session.absolute = '401d'", "session.absolute", "400d"),
    ("session.max_per_user = 0", "session.max_per_user", "from 1"),
    ("session.max_per_user = 1001", "session.max_per_user", "to 1000"),
    ("session.directory_capacity = 0", "session.directory_capacity", "1000"),
    ("signup.enabled = 'yes'", "signup.enabled", "`true` or `false`"),
    ("password.min_length = 7", "password.min_length", "from 8"),
    (
        "password.argon2.memory_kib = 19455",
        "password.argon2.memory_kib",
        "19456",
    ),
    ("password.argon2.iterations = 0", "password.argon2.iterations", "from 1"),
    (
        "password.argon2.parallelism = 0",
        "password.argon2.parallelism",
        "from 1",
    ),
    ("mail.url = 'imap://mail.example.org'", "mail.url", "`smtps://"),
    (
        "mail.url = 'smtp://ada:hush@mail.example.org?tls=none'",
        "mail.url",
        "in the clear",
    ),
    (
        "mail.url = 'smtp://ada:hush@mail.example.org?tls=opportunistic'",
        "mail.url",
        "in the clear",
    ),
    ("mail.from = 'nobody'", "mail.from", "a name and an address"),
    ("mail.link_base = 'https://evil.net'", "mail.link_base", "foreign place"),
    (
        "mail.link_base = 'http://localhost:8080/x'",
        "mail.link_base",
        "without path",
    ),
    (
        "http.login_page = 'https://evil.net/login'",
        "http.login_page",
        "foreign place",
    ),
    ("http.login_page = '/login'", "http.login_page", "a page such as"),
    ("mail.templates = 7", "mail.templates", "a directory"),
    ("mail.locale = 'fr'", "mail.locale", "`en` or `de`"),
    ("csrf.cookie = 'sessionid'", "csrf.cookie", "another name"),
    ("csrf.cookie = '__Host-csrf'", "csrf.cookie", "without it"),
    ("csrf.header = 'X CSRF'", "csrf.header", "letters"),
    ("log.format = 'xml'", "log.format", "`json`"),
    ("log.level = 'a=b=c'", "log.level", "directives"),
    ("shutdown.grace = '2h'", "shutdown.grace", "`1h`"),
    ("data.dir = ''", "data.dir", "a path"),
    ("clock.offset = 'later'", "clock.offset", "`+15d`"),
];

#[test]
fn every_wrong_value_is_refused_with_its_key_and_what_to_write() {
    for (file, key, remedy) in WRONG {
        let sentence = refusal(file);
        assert!(sentence.contains(&format!("`{key}` in ")), "{file}: {sentence}");
        assert!(sentence.contains(remedy), "{file}: {sentence}");
    }
}
