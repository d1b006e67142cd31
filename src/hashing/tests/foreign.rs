//! Hashes of other systems: each form once, made elsewhere.

use std::time::{Duration, Instant};

use super::*;

/// [`PASSWORD`] by Django 5, Werkzeug 3, passlib 1.7, hashlib and OpenSSL.
const HASHES: [&str; 36] = [
    "scrypt$1024$seasalt1234567890$8$2$Gfos+j9FU8z56mWWknerqgBsNR7uxyy/i4wvnKD/Kx5iSOcw/mga4gUmdsEC7SY7ANEx+4DqiOHXkkgm/PvlCg==",
    "md5$seasalt1234567890$871d9f0dba5506a166a59ea09bbaba6b",
    "sha1$seasalt1234567890$972665c738fefe4be262e617386dc06f0f00a94b",
    "scrypt:1024:8:1$ERbrnjGINyQipe3y$6e472d4f32626daf96a72a5319ec172f553185c934039bd7f40ec74784eb394b99eb6d1b5ccf00b7e0d1839a86b3182783c224c0f774d78cf4af3b3908df0171",
    "pbkdf2:sha256:1000$fEaTFCGSSBHHq90o$df6986b17f0da5f39be7553e43f5b4df5c433962b1d2c41a80d106b03ef1cc1e",
    "pbkdf2:sha1:1000$GEEnQoNB3HolsZ21$382ca7c93dff2b43115cb283c7f721b4c944dfd4",
    "pbkdf2:sha512:1000$bJncPU2y7dvYcpgW$25c79745f418a4f3549f87db7f016579d4bfba5704bcc72e293bcb87b19818d1f77308d0eae447ae9846768203f55d97ffb0d3ca70f4527a028ec02a695af100",
    "$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$gs8+V3u08CJ04vbCqHZ4ZqgULKMjUk5UF2dYEaCoZsc",
    "{MD5}9XCnJ3nQKt8vvbwzJi8GHA==",
    "{SMD5}x0fGrub3ut1ODDasglWEKsR4z9k=",
    "{SHA}+45/llhv551M+ljZoHTQJ8Os1aE=",
    "{SSHA}zf6wFa8k+NO4MLgvh84txeS4Eq8I4Zyz",
    "{SSHA256}B/JVz8VAVV7jIhl05d4rZEFhVr4fLJdPzr9+pM6D4t917r239v7/Hw==",
    "{SSHA512}ZCQZCB3tJ8eJBq9sgA9nMCtaheuPQwYUeDfX8fTDevU6JmPKmLRt1c0xsvcdaPu82HfIbppGYJRErXlTurhtFsEYQ6iVklKK",
    "{SHA256}sUagY6aHIjItP57UhnX5CFZtXraGZRwRUm5rsA0IvWM=",
    "{SHA512}qM2O8ZslvUHrimNSZFY8QXJZHoZ5DhrHG7pBWF8kboCsPctogjFTMIbd3JuUqIJhU/KNtaay3HxgLksFwp94Yw==",
    "$1$UGyCJ6H9$ZCRP28Xu1EYRf83oj.Omr0",
    "$5$0aPtGORJsD3p1euK$jbEQk.C4h4KaM6IXUs0kMrE51B3hvTIY9jUx3Pr8dT5",
    "$6$DKQ/F3kGfiLOSjxK$NPgQFPDlrKRI4wascWb4Cr0WWyHJ0qxirGif0iWeVDuPKwzpz/dX3GnlBoqAR7li5u.sj8g7rf/bFGpzgklCc.",
    "$6$rounds=1000$ab$A9hq4vaTa/7ZXnEEIFtZgslSZk8LmDvE3D4N9FjBNYga8./ojFf9VaHmu6mYlc/GgoTjqK1Wk8aMSgxTPecg80",
    "$5$rounds=12345$62duZ4/FwNkUT0BS$Z3SIk0m082EynJDQ6C2nlOhI4LkDDX6mO1H/RmMJq./",
    "$sha256-crypt$YvAcNXiF8PU7kHKn$dog3lFDCBSoRwFaQLVBYUJz1CC/LZaFgrDHryuNRAJ2",
    "$sha512-crypt$rounds=5001$ammGLgRz78dfWlQP$qiiHD2P9gDqkXbca5wwxIUPKdFQvJHZR2ewvZ/luBtKT/eaPSgaHpi1B7bFnD1Yr2kycaQmkOFCzs4zCQ4tqW.",
    "$md5-crypt$wwnn/CoG$ekvqalFNSG.BKzTK9wd4a1",
    "$pbkdf2-sha1$i=1000,l=20$MDEyMzQ1Njc4OWFiY2RlZg$2AveOWI3fPN6eN0Gq0Zdam0CdsU",
    "$scrypt$ln=1024,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg==$gs8+V3u08CJ04vbCqHZ4ZqgULKMjUk5UF2dYEaCoZsc=",
    "$md5$pf=e1NBTFR9JCR7UEFTU1dPUkR9$cGVwcGVy$UTC5FzkTBN5G6293Wt0tEw==",
    "$hmac-md5$ZDYwMTViOWZlZWE2NzMyNmEwM2M1NzM5NWRiYWZlOWI=$YSBrZXkgb2YgdGhlIG90aGVyIHN5c3RlbQ==",
    "$sha1$pf=e1NBTFR9JCR7UEFTU1dPUkR9$cGVwcGVy$NT7NXALl4NbYMjrgvVIOWeyxZiQ=",
    "$hmac-sha1$NmE4NjBjODY4NDRkOTc0NjFmOGVlMmNkMjU1NjhmZDE5NjJhNzIwOA==$YSBrZXkgb2YgdGhlIG90aGVyIHN5c3RlbQ==",
    "$sha256$pf=e1NBTFR9JCR7UEFTU1dPUkR9$cGVwcGVy$Yl/3Eu51ZqE2GQtH1AeWAEcfawWvHuQhN5OU7qiUCWs=",
    "$hmac-sha256$MTFjNDljNTlmMjIzZjcwMjQyNmJjMTM5ZGIzMzgyYmJmODgyYmNkNWU3NmJkMDc1ZTM0ZGQ4ZDYxMmU5MzViMw==$YSBrZXkgb2YgdGhlIG90aGVyIHN5c3RlbQ==",
    "$sha512$pf=e1NBTFR9JCR7UEFTU1dPUkR9$cGVwcGVy$jF1Fp4jWVSUZTB4e4s9GD72w0SR9TxN/1FUw4LBzRKEKdeoB43j2WQ2B9ucxajdYygZL/AUXgVOAa7wUq86Orw==",
    "$hmac-sha512$M2U0OGUwOTM3YmQyNGEwNTljMmM1MTdmZjZmYzExYzUzOTNiMmRjYjk2NGNlYThkNjA1ODE5NzMyNTA2MzRlNjQ5MTNjMGFiNzQyOTNiZWZkMDBkYzM0YmM1Yjk3NDk4Y2YyN2E4MTczZDA3Mzk5NjMyM2IwMGFjNzZiZWNhYTg=$YSBrZXkgb2YgdGhlIG90aGVyIHN5c3RlbQ==",
    "$md5$9XCnJ3nQKt8vvbwzJi8GHA==",
    "$firescrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OQ==$SvAL3RhHvmQDIZuJlvSLP6w9onMw2gVoBekCDkWgcmSGWbIpnCDFnLNhBzV/Pt2gmVeNhl/HoH+szrv8jWBFiA==$Bw==$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==",
];
/// The example that Firebase gives: `user1password`.
const FIREBASE: &str = "$firescrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==$Bw==$jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";
/// From the specification of SHA-crypt: `Hello world!`.
const SHA_CRYPT: [&str; 2] = [
    "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
    "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
];

async fn is_match(hasher: &PasswordHasher, password: &str, hash: &str) -> bool {
    let verdict = hasher.verify(password.as_bytes(), hash).await.unwrap();
    verdict == Verdict::Match { needs_upgrade: true }
}

#[tokio::test]
async fn every_form_verifies_its_password_and_asks_for_an_upgrade() {
    let hasher = hasher();
    for hash in HASHES {
        assert_eq!(recognise(hash), Ok(()), "{hash}");
        assert!(is_match(&hasher, PASSWORD, hash).await, "{hash}");
    }
}

#[tokio::test]
async fn no_form_verifies_another_password() {
    let hasher = hasher();
    for hash in HASHES {
        for wrong in ["", "correct horse battery staple", "Correct horse battery staple λ"] {
            assert!(!is_match(&hasher, wrong, hash).await, "{wrong:?} for {hash}");
        }
    }
}

#[tokio::test]
async fn published_examples_verify() {
    let hasher = hasher();
    assert!(is_match(&hasher, "user1password", FIREBASE).await);
    for hash in SHA_CRYPT {
        assert!(is_match(&hasher, "Hello world!", hash).await, "{hash}");
    }
}

#[test]
fn altered_texts_are_no_hashes() {
    let none = [
        // Too short, too long, or nothing at all: it would match too much.
        "{SHA}",
        "{SSHA}+45/llhv551M+ljZoHTQJ8Os1aE=",
        "{SHA}vF18A/WtuhgsJlw80ZUD92RVP4q2dg7B",
        "{CRYPT}x",
        "{SHA",
        "md5$salt$",
        "md5$salt$871d9f0dba5506a166a59ea09bbaba6",
        "md5$salt$zz1d9f0dba5506a166a59ea09bbaba6b",
        "sha1$salt",
        "$md5$",
        "$1$saltsalt1$t7wkuKc5HpcS03slbGSyD0",
        "$1$salt$t7wkuKc5HpcS03slbGSyD",
        "$5$rounds=999$salt$CDPZcfO17rEFfMTWO8Epb/NNfo1QYsw4hIr03EbVu39",
        "$5$rounds=x$salt$CDPZcfO17rEFfMTWO8Epb/NNfo1QYsw4hIr03EbVu39",
        "$5$saltsaltsaltsalt1$CDPZcfO17rEFfMTWO8Epb/NNfo1QYsw4hIr03EbVu39",
        "$6$salt$CDPZcfO17rEFfMTWO8Epb/NNfo1QYsw4hIr03EbVu39",
        "$scrypt$ln=10,r=8$MDEyMzQ1Njc4OWFiY2RlZg$gs8+V3u08CJ04vbCqHZ4ZqgULKMjUk5UF2dYEaCoZsc",
        "$scrypt$ln=1000,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$gs8+V3u08CJ04vbCqHZ4ZqgULKMjUk5UF2dYEaCoZsc",
        "$scrypt$ln=0,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$gs8+V3u08CJ04vbCqHZ4ZqgULKMjUk5UF2dYEaCoZsc",
        "$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$",
        "scrypt:1000:8:1$salt$aa903621e715c0e66ef2eec8a3349e74",
        "scrypt$1024$salt$8$1",
        "$firescrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OQ==$$Bw==$",
        // A pattern without the password would match every one.
        "$sha1$pf=e1NBTFR9$NW9wbWtnejAzcg==$2qU2SGWP8viTM1md3FiI3+rjWXQ=",
        "$sha1$pf=$NW9wbWtnejAzcg==$2qU2SGWP8viTM1md3FiI3+rjWXQ=",
        "$hmac-sha256$MTFj$YSBrZXk=",
        "$hmac-sha256$sUagY6aHIjItP57UhnX5CFZtXraGZRwRUm5rsA0IvWM=$",
        "$hmac-md4$9XCnJ3nQKt8vvbwzJi8GHA==$YSBrZXk=",
        "$pbkdf2-md5$i=1000,l=16$MDEyMzQ1Njc4OWFiY2RlZg$9XCnJ3nQKt8vvbwzJi8GHA",
        "5f4dcc3b5aa765d61d8327deb882cf99",
    ];
    for text in none {
        assert_eq!(recognise(text), Err(UnknownHash::Form), "{text}");
    }
    assert_eq!(recognise(&"$".repeat(5000)), Err(UnknownHash::Form));
}

#[test]
fn dear_ones_are_refused_when_they_come_in() {
    let dear = [
        "$scrypt$ln=24,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$gs8+V3u08CJ04vbCqHZ4ZqgULKMjUk5UF2dYEaCoZsc",
        "$scrypt$ln=10,r=4294967295,p=1$MDEyMzQ1Njc4OWFiY2RlZg$gs8+V3u08CJ04vbCqHZ4ZqgULKMjUk5UF2dYEaCoZsc",
        "$scrypt$ln=17,r=8,p=1000$MDEyMzQ1Njc4OWFiY2RlZg$gs8+V3u08CJ04vbCqHZ4ZqgULKMjUk5UF2dYEaCoZsc",
        "scrypt:9223372036854775808:8:1$salt$aa903621e715c0e66ef2eec8a3349e74",
        "$firescrypt$ln=30,r=8,p=1$MDEyMzQ1Njc4OQ==$9XCnJ3nQKt8vvbwzJi8GHA==$Bw==$9XCnJ3nQKt8vvbwzJi8GHA==",
        "$6$rounds=999999999$salt$7NIf9Qy05be4UNZGjUSIfRvtFebnuQJh33V2n1mfBUE2G4KC4tsA3b/X8mBv7v9DboiH5Qdic5oCX3vN5.H/u/",
        "pbkdf2:sha256:4000000000$salt$e75148916192b62b3bce3065df9692be04b5ab742064a5e0e6b5b78a7b8da20c",
    ];
    for hash in dear {
        assert_eq!(recognise(hash), Err(UnknownHash::Cost), "{hash}");
    }
}

/// How long a hash takes, and nobody's: the best of several of each, by turns, which the machine's other work disturbs
/// least and alike. Goes on while that work may be all that tells them apart.
async fn fastest(hasher: &PasswordHasher, hash: &str) -> (Duration, Duration) {
    let (mut took, mut nobody) = (Duration::MAX, Duration::MAX);
    for turn in 1..=80 {
        let began = Instant::now();
        hasher.verify(b"another password", hash).await.unwrap();
        took = took.min(began.elapsed());
        let began = Instant::now();
        hasher.verify_nothing(b"another password").await.unwrap();
        nobody = nobody.min(began.elapsed());
        if turn >= 8 && took * 2 >= nobody {
            break;
        }
    }
    (took, nobody)
}

#[tokio::test]
async fn cheap_hash_is_verified_no_faster_than_nobodys() {
    let hasher = hasher();
    for hash in HASHES.into_iter().chain(["unreadable"]) {
        // Unpadded, most of these take a hundredth; what else runs here makes either slower.
        let (took, nobody) = fastest(&hasher, hash).await;
        assert!(took * 2 >= nobody, "{took:?} against {nobody:?}: {hash}");
    }
}

#[tokio::test]
async fn password_beyond_every_limit_costs_what_others_cost_and_matches_nothing() {
    let hasher = hasher();
    let long = "x".repeat(rules::MAX_BYTES + 1);
    let own = hasher.hash(long.as_bytes()).await.unwrap();
    assert!(!is_match(&hasher, &long, &own).await);
    let (_, nobody) = fastest(&hasher, "unreadable").await;
    let dear = "$6$rounds=656000$fOITBg1HNRuCIGuO$7NIf9Qy05be4UNZGjUSIfRvtFebnuQJh33V2n1mfBUE2G4KC4tsA3b/X8mBv7v9DboiH5Qdic5oCX3vN5.H/u/";
    let began = Instant::now();
    let megabyte = vec![b'x'; 1 << 20];
    assert_eq!(hasher.verify(&megabyte, dear).await.unwrap(), Verdict::Mismatch);
    assert!(
        began.elapsed() < nobody * 10,
        "{:?} against {nobody:?}",
        began.elapsed()
    );
}
