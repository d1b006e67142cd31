use std::time::Duration;

use super::*;

mod foreign;

/// What every hash below was made of, by Django 5, argon2-cffi, bcrypt and hashlib.
const PASSWORD: &str = "correct horse battery staple λ";
const FOREIGN: [&str; 11] = [
    "pbkdf2_sha256$1000$seasalt1234567890$WiFIuJogmc15oJhA+PWISVTJYPsm1lmQdHqPJiOX5XE=",
    "pbkdf2_sha1$1000$seasalt1234567890$OEvRtjSEjnFesGC9rCocbp6I6ik=",
    "argon2$argon2id$v=19$m=64,t=1,p=1$c2Vhc2FsdDEyMzQ1Njc4OTA$8Tg5Jesu/ARAMKDwFAhkIw1fPX/BeM3loLy45AeMi1c",
    "bcrypt_sha256$$2b$04$enHsom6Pm27vrs5ID1//xuk2JjC3Xuab/sUQBjqgn5cRQXD9h6KPa",
    "bcrypt$$2b$04$FVME.RGEBf6jkmRKHde2w.TyaY1QcqDD4Fy1YfqFUGxze9wjyzH6O",
    "$2b$04$21AfXaBd26V8wkIi1HORie8H0ACxHkUYItyweAaCQcy/5VTbm7KS6",
    "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$TSEnnSiWMvy7vkBn/k43oMVCHFgqI/gH1s3QKf47rJE",
    "$pbkdf2-sha512$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$Y8zYLsW4sEqTvbBcpCjGiTUX5UYhiGDMMoI/rpJDPq8",
    "$argon2i$v=19$m=64,t=1,p=2$S12KRO3hXEVNZFZlrBvnLA$3p5N9dJK9Anywt/8AjP7bBD8mnRgooImkuhb1E9smCc",
    "$argon2d$v=19$m=64,t=1,p=2$EzVPkc7g1CpjVLuWdjU3NA$+UA82FWjE4DLhfWjdOToLWo/83DoUSMzdOkNXQlhtQM",
    "$argon2id$v=19$m=64,t=1,p=2$6KXV5yWE/61nRUdOqls2Sg$EtchWpEXkDRV94u0FvYn4KcAv8U+piZguV5bR2q7noY",
];
/// The same, at the cost of [`COST`].
const CURRENT: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$xHD8JTJfexEpCqSlF/tG2g$SK2XgzPWHMUD7PgC7UqBOsWEbvSKpe6Xhv/gWA4bW6o";
/// Of 80 times `a`; by bcrypt.
const LONG_BCRYPT: &str = "$2b$04$f3nyxrswKc53mgh9LgH6G.yVx9kZU00FP3q4aXN6t./kcLMFy/ypm";
/// The same through Django's SHA-256.
const LONG_BCRYPT_SHA256: &str = "bcrypt_sha256$$2b$04$GglUKiu4zijymCjFtf.DTeHccZ/Q1P8rYpHjSEUPZhjOIC4zA7UrW";
/// [`PASSWORD`] under older names of bcrypt and the first version of Argon2.
const OLD: [&str; 4] = [
    "$2a$04$4MFuPlI5PauUB.8Y/zphquXR0ZmMXjiWTQQ4Fty0h.vu13LCd1z.K",
    "$2y$04$tMEX2iJM7g07t4NeWo7Ch.sHTSyJEVZcRfVxTxRsl71r6jg.Qyeke",
    "$argon2i$v=16$m=64,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$jBg49SdTxoRP6nrTEdU1ypwHLwZ8gPoMtyUcsOE0tak",
    "$argon2id$v=16$m=64,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$T0hfe2OX7RywOEiJmnITV/R7cDPHbAj/COmLsNwDlcg",
];
const COST: Argon2Cost = Argon2Cost {
    memory_kib: 19456,
    iterations: 2,
    parallelism: 1,
};

fn hasher() -> PasswordHasher {
    PasswordHasher::new(COST).unwrap()
}

#[tokio::test]
async fn hashes_of_other_systems_verify_and_ask_for_an_upgrade() {
    let hasher = hasher();
    for hash in FOREIGN {
        assert_eq!(recognise(hash), Ok(()), "{hash}");
        let verdict = hasher.verify(PASSWORD.as_bytes(), hash).await.unwrap();
        assert_eq!(verdict, Verdict::Match { needs_upgrade: true }, "{hash}");
    }
}

#[tokio::test]
async fn another_password_matches_no_hash() {
    let hasher = hasher();
    for hash in FOREIGN.into_iter().chain([CURRENT]) {
        for wrong in ["", "correct horse battery staple", "Correct horse battery staple λ"] {
            let verdict = hasher.verify(wrong.as_bytes(), hash).await.unwrap();
            assert_eq!(verdict, Verdict::Mismatch, "{wrong:?} for {hash}");
        }
    }
}

#[tokio::test]
async fn hash_of_todays_cost_needs_no_upgrade_and_one_of_another_cost_does() {
    let verdict = hasher().verify(PASSWORD.as_bytes(), CURRENT).await.unwrap();
    assert_eq!(verdict, Verdict::Match { needs_upgrade: false });
    let dearer = PasswordHasher::new(Argon2Cost { iterations: 3, ..COST }).unwrap();
    let verdict = dearer.verify(PASSWORD.as_bytes(), CURRENT).await.unwrap();
    assert_eq!(verdict, Verdict::Match { needs_upgrade: true });
}

#[tokio::test]
async fn own_hashes_verify_and_no_two_are_alike() {
    let hasher = hasher();
    let (one, other) = (hasher.hash(b"a").await.unwrap(), hasher.hash(b"a").await.unwrap());
    assert_ne!(one, other);
    assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
    assert_eq!(recognise(&one), Ok(()));
    assert_eq!(
        hasher.verify(b"a", &one).await.unwrap(),
        Verdict::Match { needs_upgrade: false }
    );
    assert_eq!(hasher.verify(b"b", &one).await.unwrap(), Verdict::Mismatch);
}

#[test]
fn texts_that_are_no_hashes_are_not_recognised() {
    let truncated = &CURRENT[..CURRENT.len() - 60];
    let none = [
        "",
        "$",
        "password",
        "pbkdf2_sha256$1000$salt",
        "pbkdf2_sha256$0$salt$WiFIuJogmc15oJhA+PWISVTJYPsm1lmQdHqPJiOX5XE=",
        "pbkdf2_sha256$-1$salt$WiFIuJogmc15oJhA+PWISVTJYPsm1lmQdHqPJiOX5XE=",
        "pbkdf2_sha256$1000$salt$",
        "pbkdf2_sha256$1000$salt$WiFI$x",
        "$2b$04$tooshort",
        "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ",
        truncated,
    ];
    for text in none {
        assert_eq!(recognise(text), Err(UnknownHash::Form), "{text}");
    }
}

#[test]
fn hashes_that_would_cost_too_much_are_refused() {
    let dear = [
        "$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$SK2XgzPWHMUD7PgC7UqBOsWEbvSKpe6Xhv/gWA4bW6o",
        "$argon2id$v=19$m=64,t=1000,p=1$c2FsdHNhbHRzYWx0c2FsdA$SK2XgzPWHMUD7PgC7UqBOsWEbvSKpe6Xhv/gWA4bW6o",
        "$argon2id$v=19$m=1048576,t=64,p=1$c2FsdHNhbHRzYWx0c2FsdA$SK2XgzPWHMUD7PgC7UqBOsWEbvSKpe6Xhv/gWA4bW6o",
        "$2b$31$21AfXaBd26V8wkIi1HORie8H0ACxHkUYItyweAaCQcy/5VTbm7KS6",
        "pbkdf2_sha256$4000000000$salt$WiFIuJogmc15oJhA+PWISVTJYPsm1lmQdHqPJiOX5XE=",
    ];
    for hash in dear {
        assert_eq!(recognise(hash), Err(UnknownHash::Cost), "{hash}");
    }
}

#[tokio::test]
async fn stored_text_that_cannot_be_read_matches_nothing() {
    assert_eq!(hasher().verify(b"", "nonsense").await.unwrap(), Verdict::Mismatch);
}

#[tokio::test]
async fn nobody_has_no_password() {
    let hasher = hasher();
    assert_eq!(hasher.verify_nothing(b"").await.unwrap(), Verdict::Mismatch);
    assert_eq!(
        hasher.verify_nothing(PASSWORD.as_bytes()).await.unwrap(),
        Verdict::Mismatch
    );
    assert_eq!(hasher.counts().hashed, 2, "it is hashed like any other");
}

#[tokio::test]
async fn beyond_the_queue_callers_are_sent_away_at_once_and_the_others_are_served() {
    let hasher = hasher();
    let many = (0..400).map(|_| hasher.verify_nothing(b"x"));
    let outcomes = futures_util::future::join_all(many).await;
    let served = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let busy = HashFailure::Busy {
        retry_after: Duration::from_secs(1),
    };
    assert!(
        outcomes
            .iter()
            .all(|outcome| *outcome == Ok(Verdict::Mismatch) || *outcome == Err(busy))
    );
    assert!((16..400).contains(&served), "{served}");
    let counts = hasher.counts();
    assert_eq!(usize::try_from(counts.hashed + counts.refused).unwrap(), 400);
    assert_eq!(counts.waiting, 0);
}

#[tokio::test]
async fn room_is_there_until_the_queue_is_full_and_again_afterwards() {
    let hasher = hasher();
    assert_eq!(hasher.must_have_room(), Ok(()));
    let asks = (0..400).map(|_| async {
        hasher.must_have_room()?;
        hasher.verify_nothing(b"x").await
    });
    let outcomes = futures_util::future::join_all(asks).await;
    let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    assert!((1..400).contains(&refused), "{refused}");
    let counts = hasher.counts();
    assert_eq!(usize::try_from(counts.hashed + counts.refused).unwrap(), 400);
    assert_eq!(hasher.must_have_room(), Ok(()));
}

#[tokio::test]
async fn callers_that_went_away_cost_no_hash() {
    let hasher = hasher();
    let gone: Vec<_> = (0..16).map(|_| Box::pin(hasher.verify_nothing(b"x"))).collect();
    for mut caller in gone {
        // One look puts the job into the queue; then the caller is dropped.
        assert!(futures_util::poll!(caller.as_mut()).is_pending());
    }
    hasher.verify_nothing(b"x").await.unwrap();
    let width = std::thread::available_parallelism().unwrap().get();
    let done = usize::try_from(hasher.counts().hashed).unwrap();
    assert!(done <= 1 + width * 2, "{done} hashes for one caller that stayed");
}

#[tokio::test]
async fn hash_that_fails_costs_the_pool_no_thread() {
    let hasher = hasher();
    let width = std::thread::available_parallelism().unwrap().get();
    for _ in 0..=width {
        assert_eq!(hasher.panic().await, Err(HashFailure::Broken));
    }
    let verdict = hasher.verify(PASSWORD.as_bytes(), CURRENT).await.unwrap();
    assert_eq!(verdict, Verdict::Match { needs_upgrade: false });
}

#[tokio::test]
async fn bcrypt_reads_72_bytes_and_no_password_is_cut_elsewhere() {
    let hasher = hasher();
    let (whole, cut) = ("a".repeat(80), "a".repeat(72));
    let match_ = async |password: &str, hash: &str| {
        hasher.verify(password.as_bytes(), hash).await.unwrap() == Verdict::Match { needs_upgrade: true }
    };
    assert!(match_(&whole, LONG_BCRYPT).await && match_(&cut, LONG_BCRYPT).await);
    assert!(!match_(&cut[1..], LONG_BCRYPT).await);
    assert!(match_(&whole, LONG_BCRYPT_SHA256).await && !match_(&cut, LONG_BCRYPT_SHA256).await);
    let own = hasher.hash(whole.as_bytes()).await.unwrap();
    assert_eq!(hasher.verify(cut.as_bytes(), &own).await.unwrap(), Verdict::Mismatch);
}

#[tokio::test]
async fn bcrypt_of_every_age_and_argon2_of_the_first_version_verify() {
    let hasher = hasher();
    for hash in OLD {
        let verdict = hasher.verify(PASSWORD.as_bytes(), hash).await.unwrap();
        assert_eq!(verdict, Verdict::Match { needs_upgrade: true }, "{hash}");
    }
}

#[test]
fn cost_out_of_range_is_refused() {
    let none = Argon2Cost { iterations: 0, ..COST };
    assert_eq!(PasswordHasher::new(none).err(), Some(HashFailure::Cost));
}

fn codes(password: &str, words: &[&str]) -> Vec<&'static str> {
    rules::Rules::default()
        .check(password, 8, words)
        .iter()
        .map(rules::Broken::code)
        .collect()
}

#[test]
fn all_broken_rules_are_told_at_once() {
    assert_eq!(codes("abc", &[]), ["too_short", "too_weak"]);
    assert_eq!(codes("password", &[]), ["too_common", "too_weak"]);
    assert_eq!(codes(&"x7§".repeat(400), &[]), ["too_long"]);
    assert_eq!(
        codes(&format!("{PASSWORD} {}", "λ".repeat(rules::MAX_LENGTH - 31)), &[]),
        [""; 0]
    );
    assert_eq!(codes(PASSWORD, &[]), [""; 0]);
}

#[test]
fn characters_are_counted_not_bytes() {
    assert_eq!(codes("ωλμξπφψ", &[]).first(), Some(&"too_short"));
    assert_eq!(
        rules::Rules::default()
            .check("ωλμξπφψχ", 8, &[])
            .iter()
            .filter(|rule| rule.code() == "too_short")
            .count(),
        0
    );
}

#[test]
fn own_address_and_name_make_a_weak_password() {
    assert_eq!(codes("vexzorblim81", &[]), [""; 0]);
    assert_eq!(codes("vexzorblim81", &["vexzorblim@example.org"]), ["too_weak"]);
    assert_eq!(codes("ada@example.org", &["ada@example.org"]), ["too_weak"]);
}

#[test]
fn estimate_of_a_long_password_ends() {
    assert_eq!(codes(&"ab1!".repeat(256), &[]), ["too_weak"]);
}

#[test]
fn words_of_the_service_make_a_weak_password() {
    let service = rules::Rules {
        context: vec!["vexzorblim.example".to_owned()],
        ..rules::Rules::default()
    };
    let broken = service.check("vexzorblim81", 8, &[]);
    assert!(matches!(broken.as_slice(), [rules::Broken::TooWeak(_)]), "{broken:?}");
    assert_eq!(codes("doorbook2024!", &[]), ["too_weak"]);
}

#[test]
fn common_password_is_refused_even_where_the_estimate_accepts_it() {
    // A Russian name, typed on the keys of a Latin keyboard.
    for spelling in ["fgjkbyfhbz", "FGJKBYFHBZ"] {
        assert_eq!(codes(spelling, &[]), ["too_common"]);
    }
}
