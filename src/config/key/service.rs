//! Keys of the service itself: addresses, places, how it runs.

use super::{Key, derived, key, secret};

/// Where it listens, and where its data are.
pub(super) const PLACES: &[Key] = &[
    key(
        "http.listen",
        r#""127.0.0.1:8080""#,
        "Address and port of the API and the pages.",
    ),
    key(
        "http.admin_listen",
        r#""127.0.0.1:8081""#,
        "Address and port of health and metrics. Keep it out of reach of the public.",
    ),
    key(
        "http.public_url",
        r#""http://localhost:8080""#,
        "What people see in the address bar: the only source of links and of the own origin. `https`, except on localhost.",
    ),
    key(
        "http.allowed_origins",
        "[]",
        "Other origins of the same site that may call the API from a browser, such as `https://app.example.org`.",
    ),
    key(
        "http.login_page",
        r#""""#,
        "Where a proxy sends a browser that is not signed in (docs/proxies.md): a page of `http.public_url` or of one of `http.allowed_origins`. Empty: the proxy gets 401.",
    ),
    key(
        "http.trusted_proxies",
        "[]",
        "Networks of the proxies in front, such as `10.0.0.0/8`. Only their `X-Forwarded-For` counts.",
    ),
    key(
        "http.body_limit",
        "65536",
        "Largest accepted request body, in bytes: 1024 to 16777216.",
    ),
    key(
        "data.dir",
        r#""./data""#,
        "Directory of what the embedded databases and the keys need. One running service each.",
    ),
    derived(
        "data.erasures",
        r#""./data/erasures.ndjson""#,
        "List of erased users, which `doorbook restore` applies again. Put it on another disk than the databases. By default `erasures.ndjson` under `data.dir`.",
    ),
    secret(derived(
        "store.url",
        r#""sqlite:./data/log.db""#,
        "The log: `sqlite:` and a file, or `postgres://`. By default `log.db` under `data.dir`.",
    )),
    secret(derived(
        "read.url",
        r#""sqlite:./data/read""#,
        "The read models: `sqlite:` and a directory, or `postgres://`. By default the database of `store.url` where that is PostgreSQL, else `read` under `data.dir`.",
    )),
    secret(derived(
        "keys.url",
        r#""sqlite:./data/keys.db""#,
        "The key table, always fully durable: `sqlite:` and a file, or `postgres://`. By default the database of `read.url` where that is PostgreSQL, else `keys.db` under `data.dir`.",
    )),
    derived(
        "keys.file",
        r#""./data/master.key""#,
        "The master key, a file of mode 0600. Made at the first start, while there is no log. Back it up: without it the log is unreadable. By default `master.key` under `data.dir`.",
    ),
];

/// How it runs: what it logs, its clock, its end.
pub(super) const RUNNING: &[Key] = &[
    key(
        "log.format",
        r#""auto""#,
        "`text`, `json`, or `auto`: text on a terminal and of other commands than `serve`, JSON elsewhere.",
    ),
    key(
        "log.level",
        r#""info""#,
        "What is logged: `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,sqlx=warn`. RUST_LOG overrides it.",
    ),
    derived(
        "clock.offset",
        r#""0s""#,
        "Moves the clock of the service, such as `+15d` or `-2h`. Only in builds with the feature `test-clock`.",
    ),
    key(
        "shutdown.grace",
        r#""20s""#,
        "How long requests in flight may take to finish at shutdown.",
    ),
];
