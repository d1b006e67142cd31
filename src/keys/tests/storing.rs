use doorbook_projections::log::Position;

use super::bed::{Bed, PLACE, on_both, user};
use crate::keys::{KeyName, cache::Cache, cache::Held, secret::Secret};

async fn making_a_key_twice_keeps_the_first(bed: &Bed) {
    use doorbook_projections::keyring::{Keyring as _, Unsealed};
    let (here, there) = (bed.keyring().await, bed.again().await);
    here.create(&user(1)).await.unwrap();
    let sealed = here.seal(&user(1), &PLACE, b"ada").await.unwrap();
    there.create(&user(1)).await.unwrap();
    here.create(&user(1)).await.unwrap();
    assert_eq!(
        there.open(&sealed, &PLACE).await.unwrap(),
        Unsealed::Value(b"ada".to_vec())
    );
}

async fn many_keys_are_made_in_one_transaction(bed: &Bed) {
    let keyring = bed.keyring().await;
    let names: Vec<KeyName> = (0..1001).map(user).collect();
    keyring.create(&user(500)).await.unwrap();
    keyring.create_all(&names).await.unwrap();
    keyring.create_all(&[]).await.unwrap();
    let again = bed.again().await;
    for name in [user(0), user(500), user(1000)] {
        again.seal(&name, &PLACE, b"ada").await.unwrap();
    }
    assert!(again.seal(&user(1001), &PLACE, b"ada").await.is_err());
}

async fn cursor_starts_at_the_start_and_never_moves_back(bed: &Bed) {
    let keyring = bed.keyring().await;
    assert_eq!(keyring.cursor("shredder").await.unwrap(), Position::START);
    for (number, kept) in [(7, 7), (12, 12), (9, 12)] {
        keyring.set_cursor("shredder", Position::new(number)).await.unwrap();
        assert_eq!(bed.again().await.cursor("shredder").await.unwrap(), Position::new(kept));
    }
    assert_eq!(keyring.cursor("finisher").await.unwrap(), Position::START);
}

on_both! {
    making_a_key_twice_keeps_the_first: super::making_a_key_twice_keeps_the_first;
    many_keys_are_made_in_one_transaction: super::many_keys_are_made_in_one_transaction;
    cursor_starts_at_the_start_and_never_moves_back: super::cursor_starts_at_the_start_and_never_moves_back;
}

#[test]
fn memory_holds_no_more_keys_than_it_may_and_keeps_those_in_use() {
    let cache = Cache::new(10);
    let key = || Held::Key(Secret::new([7; 32]));
    cache.keep(cache.begin(), "in use", key());
    for number in 0..100 {
        cache.keep(cache.begin(), &number.to_string(), key());
        assert!(cache.find("in use").is_ok());
        assert!(cache.len() <= 10);
    }
    assert!(cache.find("0").is_err());
}

#[test]
fn key_that_is_destroyed_while_it_is_read_is_not_kept() {
    let cache = Cache::new(10);
    let Err(began) = cache.find("user-1") else {
        panic!("the cache is empty")
    };
    cache.forget("user-1");
    cache.keep(began, "user-1", Held::Key(Secret::new([7; 32])));
    assert!(cache.find("user-1").is_err());
}

#[test]
fn nothing_prints_a_key() {
    let secret = Secret::new([7; 32]);
    assert_eq!(
        format!("{secret:?} {:?}", Held::Key(secret.clone())),
        "Secret(…) Key(Secret(…))"
    );
}
