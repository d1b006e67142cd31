use doorbook_domain::seal::{ClaimId, Sealed};
use doorbook_projections::keyring::{Keyring as _, Place, Unsealed};

use super::bed::{Bed, NOVEMBER, PLACE, on_both, user};
use crate::keys::KeyName;

async fn opens_what_it_sealed_also_after_a_restart(bed: &Bed) {
    let keyring = bed.keyring().await;
    keyring.create(&user(1)).await.unwrap();
    let sealed = keyring.seal(&user(1), &PLACE, b"ada@example.org").await.unwrap();
    assert_eq!(sealed.key(), user(1).as_str());
    assert_eq!(
        keyring.open(&sealed, &PLACE).await.unwrap(),
        Unsealed::Value(b"ada@example.org".to_vec())
    );
    keyring.close().await;
    assert_eq!(
        bed.again().await.open(&sealed, &PLACE).await.unwrap(),
        Unsealed::Value(b"ada@example.org".to_vec())
    );
}

async fn keys_of_many_values_are_fetched_at_once(bed: &Bed) {
    let keyring = bed.keyring().await;
    let mut sealed = Vec::new();
    for number in 0..5 {
        keyring.create(&user(number)).await.unwrap();
        let month = user(number).of_month(NOVEMBER);
        sealed.push(keyring.seal(&month, &PLACE, b"203.0.113.7").await.unwrap());
    }
    keyring.destroy(&user(0)).await.unwrap();
    keyring.close().await;
    let keyring = bed.again().await;
    sealed.push(Sealed::new("user-of-nobody:AAAA"));
    sealed.push(Sealed::new("nonsense"));
    let all: Vec<&Sealed> = sealed.iter().collect();
    keyring.warm(&all).await.unwrap();
    assert_eq!(keyring.open(&sealed[0], &PLACE).await.unwrap(), Unsealed::Erased);
    assert_eq!(
        keyring.open(&sealed[4], &PLACE).await.unwrap(),
        Unsealed::Value(b"203.0.113.7".to_vec())
    );
    keyring.warm(&all).await.unwrap();
    keyring.close().await;
}

async fn bucket_of_an_address_names_none(bed: &Bed) {
    let keyring = bed.keyring().await;
    let bucket = |ip: &str| keyring.ip_bucket(ip.parse().unwrap());
    assert_eq!(bucket("203.0.113.7"), bucket("::ffff:203.0.113.7"));
    assert_eq!(bucket("2001:db8:7::1"), bucket("2001:db8:7::ffff:1"), "a /64 is one");
    assert_ne!(bucket("2001:db8:7::1"), bucket("2001:db8:7:1::1"));
    let mut sizes = std::collections::HashMap::new();
    for ip in 0_u32..50_000 {
        let bucket = keyring.ip_bucket(std::net::Ipv4Addr::from_bits(ip * 80_000).into());
        assert!(bucket < 1 << 20);
        *sizes.entry(bucket).or_insert(0) += 1;
    }
    // 50,000 of 2^32 addresses: of 4,294,967,296 each bucket gets 4,096.
    let shared = 50_000 - sizes.len();
    assert!(
        (800..1600).contains(&shared),
        "{shared} of 50,000 share a bucket with another"
    );
    let before = bucket("203.0.113.7");
    keyring.close().await;
    assert_eq!(bed.again().await.ip_bucket("203.0.113.7".parse().unwrap()), before);
}

async fn value_opens_at_its_own_place_only(bed: &Bed) {
    let keyring = bed.keyring().await;
    keyring.create(&user(1)).await.unwrap();
    let sealed = keyring.seal(&user(1), &PLACE, b"ada@example.org").await.unwrap();
    let moved = [
        Place {
            stream: "user-2",
            ..PLACE
        },
        Place {
            event_type: "user.renamed",
            ..PLACE
        },
        Place { field: "name", ..PLACE },
        Place {
            stream: "user-1u",
            event_type: "ser.registered",
            ..PLACE
        },
    ];
    for place in moved {
        assert!(keyring.open(&sealed, &place).await.is_err(), "{place:?}");
    }
}

async fn altered_value_and_value_under_another_name_are_refused(bed: &Bed) {
    let keyring = bed.keyring().await;
    keyring.create_all(&[user(1), user(2)]).await.unwrap();
    let sealed = keyring.seal(&user(1), &PLACE, b"ada@example.org").await.unwrap();
    let (_, text) = sealed.as_str().split_once(':').unwrap();
    let last = if text.ends_with('A') { "E" } else { "A" };
    for forged in [
        format!("{}:{text}", user(2)),
        format!("{}:{}{last}", user(1), &text[..text.len() - 1]),
        format!("{}:", user(1)),
        format!("{}:!", user(1)),
        format!("system-index:{text}"),
        text.to_owned(),
    ] {
        assert!(
            keyring.open(&Sealed::new(forged.clone()), &PLACE).await.is_err(),
            "{forged}"
        );
    }
}

async fn nothing_is_sealed_under_a_key_that_is_not_there(bed: &Bed) {
    let keyring = bed.keyring().await;
    assert!(keyring.seal(&user(1), &PLACE, b"ada").await.is_err());
    assert!(keyring.seal(&user(1).of_month(NOVEMBER), &PLACE, b"ada").await.is_err());
}

async fn month_key_is_made_when_it_is_needed(bed: &Bed) {
    let keyring = bed.keyring().await;
    keyring.create(&user(1)).await.unwrap();
    let name = user(1).of_month(NOVEMBER);
    assert_eq!(name.as_str(), format!("{}/2026-11", user(1)));
    let sealed = keyring.seal(&name, &PLACE, b"192.0.2.1").await.unwrap();
    assert_eq!(sealed.key(), name.as_str());
    assert_eq!(
        bed.again().await.open(&sealed, &PLACE).await.unwrap(),
        Unsealed::Value(b"192.0.2.1".to_vec())
    );
    let bare = Sealed::new(sealed.as_str().replace("/2026-11", ""));
    assert!(
        keyring.open(&bare, &PLACE).await.is_err(),
        "the owner's key alone must not open it"
    );
}

async fn claims_and_purpose_keys_are_the_same_after_a_restart(bed: &Bed) {
    let first = bed.keyring().await;
    let again = bed.again().await;
    let claim = first.claim("email", "ada@example.org");
    assert_eq!(claim, again.claim("email", "ada@example.org"));
    assert_ne!(claim, first.claim("email", "bob@example.org"));
    assert_ne!(claim.0[6..], first.claim("github", "ada@example.org").0[7..]);
    assert_eq!(claim.0.len(), "email-".len() + 64);
    assert_eq!(first.csrf_key(), again.csrf_key());
    assert_eq!(first.cookie_tag(b"cookie"), again.cookie_tag(b"cookie"));
    assert_ne!(first.cookie_tag(b"cookie"), first.cookie_tag(b"Cookie"));
    assert_ne!(first.purpose_key("reset"), first.purpose_key("verify"));
}

on_both! {
    opens_what_it_sealed_also_after_a_restart: super::opens_what_it_sealed_also_after_a_restart;
    keys_of_many_values_are_fetched_at_once: super::keys_of_many_values_are_fetched_at_once;
    bucket_of_an_address_names_none: super::bucket_of_an_address_names_none;
    value_opens_at_its_own_place_only: super::value_opens_at_its_own_place_only;
    altered_value_and_value_under_another_name_are_refused: super::altered_value_and_value_under_another_name_are_refused;
    nothing_is_sealed_under_a_key_that_is_not_there: super::nothing_is_sealed_under_a_key_that_is_not_there;
    month_key_is_made_when_it_is_needed: super::month_key_is_made_when_it_is_needed;
    claims_and_purpose_keys_are_the_same_after_a_restart: super::claims_and_purpose_keys_are_the_same_after_a_restart;
}

#[tokio::test]
async fn two_services_have_nothing_in_common() {
    let (left, right) = (Bed::sqlite(), Bed::sqlite());
    let (left, right) = (left.keyring().await, right.keyring().await);
    assert_ne!(
        left.claim("email", "ada@example.org"),
        right.claim("email", "ada@example.org")
    );
    assert_ne!(left.csrf_key(), right.csrf_key());
}

#[test]
fn names_are_frozen() {
    let id = uuid::Uuid::from_u128(1);
    let claim = ClaimId("email-00ff".into());
    let names = [
        user(1),
        KeyName::password(id),
        KeyName::attempts(&claim, 0),
        KeyName::month(NOVEMBER),
        KeyName::attempts(&claim, 2).of_month(NOVEMBER),
    ];
    let text: Vec<_> = names.iter().map(KeyName::as_str).collect();
    assert_eq!(
        text,
        [
            "user-00000000-0000-0000-0000-000000000001",
            "password-00000000-0000-0000-0000-000000000001",
            "attempts-email-00ff",
            "month-2026-11",
            "attempts-email-00ff.2/2026-11",
        ]
    );
}
