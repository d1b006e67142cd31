//! Rules between keys, and limits of single ones. Each complaint names the key and the remedy.

use std::time::Duration;

use super::{
    Argon2, Carrier, Config, Encryption, Http, Password, Sessions, audit, checkpoints, layers::Layers, raw::Source,
    social, throttle,
};

/// Longest life of a cookie in browsers (RFC 6265bis): 400 days.
const LONGEST_SESSION: Duration = Duration::from_hours(400 * 24);
/// Memory in KiB and iterations that OWASP's password storage cheat sheet holds to be equally strong, at least.
const ARGON2_FLOOR: [(u32, u32); 5] = [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];
/// Most memory of one hash, in KiB: 4 GiB.
const ARGON2_MEMORY_MAX: u32 = 4 * 1024 * 1024;

/// Complains about everything that does not fit.
pub(crate) fn check(config: &Config, layers: &mut Layers) {
    http(&config.http, layers);
    sessions(&config.session, layers);
    password(&config.password, layers);
    csrf(config, layers);
    throttle::check(&config.throttle, layers);
    let http = &config.http;
    social::check(&config.social, &http.public_url, &http.allowed_origins, layers);
    mail(config, layers);
    audit::check(&config.audit, layers);
    checkpoints::check(&config.checkpoints, layers);
    if cfg!(not(feature = "test-clock"))
        && layers
            .get("clock.offset")
            .is_some_and(|(_, source)| !matches!(source, Source::Derived(_)))
    {
        layers.complain(
            "clock.offset",
            "this build keeps the system's time; remove the key, or build with the feature `test-clock`",
        );
    }
    if config.shutdown.grace > Duration::from_hours(1) {
        layers.complain("shutdown.grace", "write at most `1h`");
    }
}

fn http(http: &Http, layers: &mut Layers) {
    let own = &http.public_url;
    if !own.is_https() && !own.is_local() {
        layers.complain(
            "http.public_url",
            "over plain http anybody on the way could take the sessions over; write an `https://` URL (http is for localhost only)",
        );
    }
    if let Some(foreign) = http.allowed_origins.iter().find(|origin| !origin.same_site(own)) {
        layers.complain(
            "http.allowed_origins",
            &format!(
                "`{foreign}` is another site than `http.public_url` ({own}), where the session cookie would never arrive; \
                 serve both under one domain and one scheme, or remove it"
            ),
        );
    }
    if let Some(page) = &http.login_page
        && !http.allowed_origins.iter().chain([own]).any(|origin| origin.has(page))
    {
        layers.complain(
            "http.login_page",
            &format!(
                "people would be sent to a foreign place; write a page of `http.public_url` ({own}) or of one of \
                 `http.allowed_origins`"
            ),
        );
    }
    if http.listen == http.admin_listen && http.listen.port() != 0 {
        layers.complain("http.admin_listen", "`http.listen` is the same; write another port");
    }
    if !(1024..=16 * 1024 * 1024).contains(&http.body_limit) {
        layers.complain("http.body_limit", "write a number of bytes from 1024 to 16777216");
    }
}

fn sessions(sessions: &Sessions, layers: &mut Layers) {
    let pairs = [
        ("session.absolute", sessions.absolute, "session.idle", sessions.idle),
        (
            "session.staff_absolute",
            sessions.staff_absolute,
            "session.staff_idle",
            sessions.staff_idle,
        ),
    ];
    for (absolute_key, absolute, idle_key, idle) in pairs {
        for (key, span) in [(absolute_key, absolute), (idle_key, idle)] {
            if span < Duration::from_secs(1) {
                layers.complain(key, "every session would be dead at once; write at least `1s`");
            }
        }
        if absolute > LONGEST_SESSION {
            layers.complain(
                absolute_key,
                "browsers keep no cookie longer than `400d`; write at most that",
            );
        }
        if idle > absolute {
            layers.complain(
                idle_key,
                &format!("it is longer than `{absolute_key}`; write at most that"),
            );
        }
    }
    if !(1..=1000).contains(&sessions.max_per_user) {
        layers.complain("session.max_per_user", "write a number from 1 to 1000");
    }
    if sessions.directory_capacity < 1000 {
        layers.complain("session.directory_capacity", "write at least 1000");
    }
}

fn password(password: &Password, layers: &mut Layers) {
    if !(8..=64).contains(&password.min_length) {
        layers.complain("password.min_length", "write a number from 8 to 64");
    }
    let Argon2 {
        memory_kib,
        iterations,
        parallelism,
    } = password.argon2;
    if memory_kib > ARGON2_MEMORY_MAX {
        layers.complain("password.argon2.memory_kib", "write at most 4194304, which is 4 GiB");
    }
    if !(1..=100).contains(&iterations) {
        layers.complain("password.argon2.iterations", "write a number from 1 to 100");
    }
    if !(1..=16).contains(&parallelism) {
        layers.complain("password.argon2.parallelism", "write a number from 1 to 16");
    }
    let floor = ARGON2_FLOOR
        .iter()
        .filter(|(_, least)| iterations >= *least)
        .map(|(kib, _)| *kib)
        .min();
    if let Some(floor) = floor
        && memory_kib < floor
    {
        layers.complain(
            "password.argon2.memory_kib",
            &format!("with {iterations} iterations that is weaker than OWASP's floor; write at least {floor}"),
        );
    }
}

fn mail(config: &Config, layers: &mut Layers) {
    let (http, base) = (&config.http, &config.mail.link_base);
    if *base != http.public_url && !http.allowed_origins.contains(base) {
        layers.complain(
            "mail.link_base",
            "links with tokens would lead to a foreign place; write `http.public_url` or one of `http.allowed_origins`",
        );
    }
    let Carrier::Smtp(server) = &config.mail.url else {
        return;
    };
    let open = matches!(server.encryption, Encryption::None | Encryption::Opportunistic);
    if server.credentials.is_some() && open && !server.is_local() {
        layers.complain(
            "mail.url",
            "the password could travel in the clear; remove `?tls=…`, or the user and the password",
        );
    }
}

fn csrf(config: &Config, layers: &mut Layers) {
    let cookie = config.csrf.cookie.as_str();
    if ["sessionid", "__Host-sessionid"].contains(&cookie) {
        layers.complain("csrf.cookie", "this is the session's cookie; write another name");
    }
    if ["doorbook_device", "__Host-doorbook_device"].contains(&cookie) {
        layers.complain(
            "csrf.cookie",
            "this is the cookie of known browsers; write another name",
        );
    }
    if cookie.starts_with("__") && !config.http.public_url.is_https() {
        layers.complain(
            "csrf.cookie",
            "browsers take a name with such a prefix over https only; write one without it",
        );
    }
}
