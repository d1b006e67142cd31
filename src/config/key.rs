//! Every key: the single source of names, defaults and documentation.

/// A key of the configuration.
#[derive(Debug)]
pub struct Key {
    /// Dotted: `http.listen`.
    pub name: &'static str,
    /// What holds where nobody says otherwise.
    pub default: Preset,
    /// Whether the value may contain a password: it is then never shown in full.
    pub secret: bool,
    /// What it means, for the template: sentences.
    pub doc: &'static str,
}

/// A default.
#[derive(Debug)]
pub enum Preset {
    /// A TOML value.
    Fixed(&'static str),
    /// Follows from other keys; the text shows what it is when those have their defaults.
    Derived(&'static str),
    /// Nothing: the key belongs to something that the operator names. The text shows what one may write.
    Example(&'static str),
}

const fn key(name: &'static str, default: &'static str, doc: &'static str) -> Key {
    Key {
        name,
        default: Preset::Fixed(default),
        secret: false,
        doc,
    }
}

const fn derived(name: &'static str, default: &'static str, doc: &'static str) -> Key {
    Key {
        name,
        default: Preset::Derived(default),
        secret: false,
        doc,
    }
}

const fn each(name: &'static str, example: &'static str, doc: &'static str) -> Key {
    Key {
        name,
        default: Preset::Example(example),
        secret: false,
        doc,
    }
}

const fn secret(key: Key) -> Key {
    Key { secret: true, ..key }
}

impl Key {
    /// Finds a key by its name. Where a key has a place for a name, any name fits that is one.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| match key.name.split_once(NAME) {
            Some((before, after)) => name
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after))
                .is_some_and(is_name),
            None => key.name == name,
        })
    }

    /// Whether it has a place for a name: `social.<name>.kind`.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        self.name.contains(NAME)
    }

    /// The key with the name that `like` has in its place, so that both can be compared.
    pub(crate) fn beside(&self, like: &str) -> String {
        let name = self
            .name
            .split_once(NAME)
            .and_then(|(before, _)| like.strip_prefix(before)?.split('.').next());
        name.map_or_else(|| self.name.to_owned(), |name| self.name.replace(NAME, name))
    }

    /// The key that a variable sets, and its name: `DOORBOOK__SOCIAL__GITHUB__KIND` sets `social.github.kind`.
    pub(crate) fn of_variable(variable: &str) -> Option<(&'static Self, String)> {
        if let Some(key) = KEYS.iter().find(|key| key.variable() == variable) {
            return Some((key, key.name.to_owned()));
        }
        let name = variable.strip_prefix(PREFIX)?.replace("__", ".").to_lowercase();
        let key = Self::find(&name).filter(|key| key.is_pattern())?;
        (variable == variable.to_uppercase()).then_some((key, name))
    }

    /// The section it stands in and its name there: `password.argon2`, `iterations`.
    #[must_use]
    pub fn parts(&self) -> (&'static str, &'static str) {
        self.name.rsplit_once('.').unwrap_or(("", self.name))
    }

    /// The environment variable that sets it: `DOORBOOK__HTTP__LISTEN`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.replace('.', "__").to_uppercase())
    }
}

/// What every variable begins with.
pub(crate) const PREFIX: &str = "DOORBOOK__";
/// Stands in a key for a name that the operator chooses.
const NAME: &str = "<name>";

/// Whether `text` can name something: a small letter, then up to 31 small letters, digits, `-` and `_`.
pub(crate) fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    text.len() <= 32 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(fits)
}

/// Every key, in the order of the template.
pub static KEYS: &[Key] = &[
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
    key(
        "throttle.enabled",
        "true",
        "Whether attempts are counted and, beyond the limits below, refused. `docs/throttling.md` is the table of all limits and of where the numbers come from.",
    ),
    key(
        "throttle.capacity",
        "1000000",
        "Most counters that are kept, about 100 bytes each. Beyond it those go first that mean nothing soonest.",
    ),
    key(
        "throttle.first_wait",
        r#""30s""#,
        "How long one waits after the last of the failures in a row that cost nothing. Each further failure doubles it.",
    ),
    key("throttle.longest_wait", r#""1h""#, "What that wait grows to."),
    key(
        "throttle.most_failures",
        "100",
        "Failures in a row that are let through at all: at most 100 (NIST SP 800-63B). Then only a known browser, a reset by mail or `forget_after` helps.",
    ),
    key(
        "throttle.forget_after",
        r#""30d""#,
        "How long failures in a row are remembered after the last.",
    ),
    key(
        "throttle.login_account.limit",
        "5",
        "Wrong passwords in a row at one address that cost no wait, from browsers that its owner has not used.",
    ),
    key(
        "throttle.login_device.limit",
        "5",
        "The same in one browser that the owner has used. Nothing else is counted there.",
    ),
    key(
        "throttle.proof.limit",
        "5",
        "Wrong passwords in a row, given as proof in live sessions of one user, that cost no wait.",
    ),
    key(
        "throttle.login_network.limit",
        "20",
        "Failed logins from one network: an IPv4 address or an IPv6 /64. The /48 around it may fail ten times as often; so it is with every limit of networks.",
    ),
    key(
        "throttle.login_network.window",
        r#""10m""#,
        "In which time that many become free again, one by one.",
    ),
    key(
        "throttle.login_global.limit",
        "600",
        "Failed logins of all, known browsers apart: a ceiling for an attack from everywhere. More than your people ever fail.",
    ),
    key(
        "throttle.login_global.window",
        r#""1m""#,
        "In which time that many become free again, one by one.",
    ),
    key(
        "throttle.mail_address.limit",
        "5",
        "Mails to one address that anybody may ask for: sign-up, resend, reset, change of address.",
    ),
    key(
        "throttle.mail_address.window",
        r#""1h""#,
        "In which time that many become free again, one by one.",
    ),
    key("throttle.mail_network.limit", "20", "Such mails from one network."),
    key(
        "throttle.mail_network.window",
        r#""10m""#,
        "In which time that many become free again, one by one.",
    ),
    key(
        "throttle.mail_global.limit",
        "3600",
        "Such mails of all. No more than your mail server may send.",
    ),
    key(
        "throttle.mail_global.window",
        r#""1h""#,
        "In which time that many become free again, one by one.",
    ),
    key("throttle.signup_network.limit", "10", "Sign-ups from one network."),
    key(
        "throttle.signup_network.window",
        r#""10m""#,
        "In which time that many become free again, one by one.",
    ),
    key("throttle.redeem_token.limit", "20", "Redemptions of one mailed link."),
    key(
        "throttle.redeem_token.window",
        r#""10m""#,
        "In which time that many become free again, one by one.",
    ),
    key("throttle.redeem_network.limit", "20", "Redemptions from one network."),
    key(
        "throttle.redeem_network.window",
        r#""1m""#,
        "In which time that many become free again, one by one.",
    ),
    key(
        "throttle.judge_network.limit",
        "30",
        "New passwords whose strength one network has judged.",
    ),
    key(
        "throttle.judge_network.window",
        r#""1m""#,
        "In which time that many become free again, one by one.",
    ),
    key(
        "throttle.flow_network.limit",
        "60",
        "Sign-ins at identity providers that one network begins.",
    ),
    key(
        "throttle.flow_network.window",
        r#""1m""#,
        "In which time that many become free again, one by one.",
    ),
    key(
        "throttle.work_global.limit",
        "1200",
        "Redemptions and judged passwords of all.",
    ),
    key(
        "throttle.work_global.window",
        r#""1m""#,
        "In which time that many become free again, one by one.",
    ),
    key(
        "audit.checkpoint_every",
        r#""1h""#,
        "A signed checkpoint of the log is written at least so often: 1s to 24h. See docs/proof.md.",
    ),
    key(
        "audit.checkpoint_events",
        "10000",
        "And after so many events at the latest.",
    ),
    secret(key(
        "audit.checkpoint_url",
        r#""""#,
        "Where each checkpoint goes besides `checkpoints` under `data.dir`: `https://`, which takes it by POST, or `file:` and a directory of another machine. Who can change the databases should not be able to change it.",
    )),
    key(
        "audit.geoip_file",
        r#""""#,
        "A MaxMind DB file of cities or countries, such as `GeoLite2-City.mmdb`: auditors then see where the address of a login is. Looked up when read, never stored; opened anew when the file changes. Empty: none.",
    ),
    key(
        "audit.retention",
        r#""""#,
        "How long IP addresses and user agents are known, such as `400d`; a calendar month at a time, once the whole of it is older. Then their keys are destroyed: lengthening it later brings nothing back. Empty: for ever. See docs/audit.md.",
    ),
    key(
        "log.format",
        r#""auto""#,
        "`text`, `json`, or `auto`: text on a terminal, JSON elsewhere.",
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
    key(
        "social.allow_internal",
        "false",
        "Whether the endpoints of identity providers, and the hook, may lie on this machine or in a private network, and speak plain http.",
    ),
    key(
        "social.timeout",
        r#""5s""#,
        "How long one request to an identity provider may take: 100ms to 30s.",
    ),
    derived(
        "social.page_url",
        r#""http://localhost:8080""#,
        "Where your application serves the page `/auth/<name>/callback` that providers send people back to: `http.public_url`, or one of `http.allowed_origins`. By default `http.public_url`.",
    ),
    key(
        "social.signup",
        "true",
        "Whether somebody who has no account gets one by a social login.",
    ),
    key(
        "social.link",
        r#""ask""#,
        "What happens when a provider proves the address of an existing account: `ask` for a proof of that account first, `always` link, or `never`, where people link from within their account only.",
    ),
    key(
        "social.allowed_domains",
        "[]",
        "Domains of the addresses that may sign up and in by a provider, such as `example.org`. All, where the list is empty.",
    ),
    key(
        "social.hook_url",
        r#""""#,
        "Asked before each new account and link: it may refuse, or correct the name. See docs/social.md.",
    ),
    secret(key(
        "social.hook_secret",
        r#""""#,
        "What the requests to the hook are signed with: 32 characters or more.",
    )),
    each(
        "social.<name>.kind",
        r#""github""#,
        "A provider of your own naming: `google`, `github`, `facebook`, `gitlab`, `microsoft`, `discord`, `linkedin`, `oidc` with an `issuer`, or `oauth2` with its URLs and fields. Links are kept under the name, so keep it.",
    ),
    each(
        "social.<name>.client_id",
        r#""Iv1.0123456789abcdef""#,
        "What the provider calls this service.",
    ),
    secret(each(
        "social.<name>.client_secret",
        r#""…""#,
        "The secret that the provider gave out with it.",
    )),
    each(
        "social.<name>.display_name",
        r#""GitHub""#,
        "What people call the provider.",
    ),
    each(
        "social.<name>.scopes",
        r#"["read:user", "user:email"]"#,
        "What is asked for; the least that works by default.",
    ),
    each(
        "social.<name>.issuer",
        r#""https://id.example.org""#,
        "Of `oidc`: the issuer, exactly as its discovery document says it.",
    ),
    each(
        "social.<name>.authorize_url",
        r#""https://github.com/login/oauth/authorize""#,
        "Where people are sent to.",
    ),
    each(
        "social.<name>.token_url",
        r#""https://github.com/login/oauth/access_token""#,
        "Where a code is exchanged.",
    ),
    each(
        "social.<name>.userinfo_url",
        r#""https://api.github.com/user""#,
        "Who it was.",
    ),
    each(
        "social.<name>.emails_url",
        r#""https://api.github.com/user/emails""#,
        "Of `github`: the addresses and whether they are verified.",
    ),
    each(
        "social.<name>.jwks_url",
        r#""https://id.example.org/keys""#,
        "Of `oidc`: the keys of its signatures, instead of the discovered place.",
    ),
    each(
        "social.<name>.auth_method",
        r#""post""#,
        "How the secret is sent to `token_url`: `basic` in a header, `post` in the body.",
    ),
    each(
        "social.<name>.trusted_for_proof",
        "true",
        "Whether a login there counts as a fresh proof although the provider does not say when the person showed who they are. By default it does not: docs/social.md.",
    ),
    each(
        "social.<name>.subject_field",
        r#""id""#,
        "Of `oauth2`: the field of the user-info answer that never changes for a person. Points lead into objects: `user.id`.",
    ),
    each(
        "social.<name>.email_field",
        r#""email""#,
        "Of `oauth2`: the field that holds the address.",
    ),
    each(
        "social.<name>.verified_field",
        r#""email_verified""#,
        "Of `oauth2`: the field that is `true` when the provider has verified the address. Without it no address is trusted.",
    ),
    each(
        "social.<name>.name_field",
        r#""name""#,
        "Of `oauth2`: the field that holds the name.",
    ),
    each(
        "webhooks.<name>.url",
        r#""https://crm.example.org/doorbook""#,
        "Where events are posted to, under a name of your own. See docs/webhooks.md.",
    ),
    secret(each(
        "webhooks.<name>.secret",
        r#""whsec_…""#,
        "What they are signed with: `whsec_` and 24 to 64 random bytes in base64.",
    )),
    secret(each(
        "webhooks.<name>.previous_secret",
        r#""whsec_…""#,
        "The secret of before: both sign while it stands here, so that the receiver can go over to the new one.",
    )),
    each(
        "webhooks.<name>.events",
        r#"["user.*", "session.ended"]"#,
        "Which events: types, and beginnings of types with `.*`.",
    ),
    each(
        "webhooks.<name>.allow_internal",
        "true",
        "Whether the receiver may lie on this machine or in a private network, and speak plain http. By default it may not.",
    ),
];
