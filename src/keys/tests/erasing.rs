use doorbook_domain::seal::Sealed;
use doorbook_projections::keyring::{Keyring as _, Unsealed};
use sqlx::{Connection, SqliteConnection};

use super::bed::{Bed, NOVEMBER, PLACE, occurrences, on_both, user};
use crate::keys::KeyName;

async fn value_under_a_destroyed_key_is_erased_here_and_after_a_restart(bed: &Bed) {
    let keyring = bed.keyring().await;
    keyring.create_all(&[user(1), user(2)]).await.unwrap();
    let gone = keyring.seal(&user(1), &PLACE, b"ada").await.unwrap();
    let kept = keyring.seal(&user(2), &PLACE, b"bob").await.unwrap();
    for _ in 0..2 {
        keyring.destroy(&user(1)).await.unwrap();
        for keyring in [&keyring, &bed.again().await] {
            assert_eq!(keyring.open(&gone, &PLACE).await.unwrap(), Unsealed::Erased);
            assert_eq!(
                keyring.open(&kept, &PLACE).await.unwrap(),
                Unsealed::Value(b"bob".to_vec())
            );
        }
    }
}

async fn value_under_a_lost_key_is_a_fault_and_not_erased(bed: &Bed) {
    let keyring = bed.keyring().await;
    let lost = Sealed::new(format!("{}:AAAA", user(1)));
    assert_eq!(
        keyring.open(&lost, &PLACE).await.unwrap_err().to_string(),
        "the key is missing"
    );
}

async fn destroyed_key_never_comes_back(bed: &Bed) {
    let keyring = bed.keyring().await;
    keyring.create(&user(1)).await.unwrap();
    keyring.destroy(&user(1)).await.unwrap();
    assert!(keyring.create(&user(1)).await.is_err());
    assert!(keyring.seal(&user(1), &PLACE, b"ada").await.is_err());
    assert!(bed.again().await.create(&user(1)).await.is_err());
}

async fn origin_dies_with_its_owner_and_with_its_month(bed: &Bed) {
    let keyring = bed.keyring().await;
    keyring.create_all(&[user(1), user(2)]).await.unwrap();
    let december = NOVEMBER.plus(std::time::Duration::from_hours(24 * 30));
    let seal = async |name: KeyName, at| keyring.seal(&name.of_month(at), &PLACE, b"192.0.2.1").await.unwrap();
    let opened = async |sealed| keyring.open(sealed, &PLACE).await.unwrap();
    let value = Unsealed::Value(b"192.0.2.1".to_vec());
    let ada = seal(user(1), NOVEMBER).await;
    let bob = seal(user(2), NOVEMBER).await;
    let bob_later = seal(user(2), december).await;

    keyring.destroy(&user(1)).await.unwrap();
    assert_eq!(
        (opened(&ada).await, opened(&bob).await),
        (Unsealed::Erased, value.clone())
    );
    keyring.destroy(&KeyName::month(NOVEMBER)).await.unwrap();
    assert_eq!(
        (opened(&bob).await, opened(&bob_later).await),
        (Unsealed::Erased, value)
    );
    assert!(
        keyring
            .seal(&user(2).of_month(NOVEMBER), &PLACE, b"192.0.2.1")
            .await
            .is_err()
    );
}

async fn key_destroyed_by_another_node_is_gone_once_it_is_forgotten_here(bed: &Bed) {
    let (here, there) = (bed.keyring().await, bed.again().await);
    here.create(&user(1)).await.unwrap();
    let sealed = here.seal(&user(1), &PLACE, b"ada").await.unwrap();
    there.destroy(&user(1)).await.unwrap();
    here.forget(&user(1));
    assert_eq!(here.open(&sealed, &PLACE).await.unwrap(), Unsealed::Erased);
}

on_both! {
    value_under_a_destroyed_key_is_erased_here_and_after_a_restart:
        super::value_under_a_destroyed_key_is_erased_here_and_after_a_restart;
    value_under_a_lost_key_is_a_fault_and_not_erased: super::value_under_a_lost_key_is_a_fault_and_not_erased;
    destroyed_key_never_comes_back: super::destroyed_key_never_comes_back;
    origin_dies_with_its_owner_and_with_its_month: super::origin_dies_with_its_owner_and_with_its_month;
    key_destroyed_by_another_node_is_gone_once_it_is_forgotten_here:
        super::key_destroyed_by_another_node_is_gone_once_it_is_forgotten_here;
}

/// Keys are made in an order that splits pages, so that their bytes were moved about before they are destroyed.
#[tokio::test]
async fn bytes_of_destroyed_keys_are_in_no_file() {
    let bed = Bed::sqlite();
    let keyring = bed.keyring().await;
    let names: Vec<KeyName> = (0..3000_u128)
        .map(|number| user(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    for names in names.chunks(97) {
        keyring.create_all(names).await.unwrap();
    }
    let mut connection = SqliteConnection::connect(&bed.database.url()).await.unwrap();
    let wrapped: Vec<(String, Vec<u8>)> = sqlx::query_as("select name, wrapped from keys where name like 'user-%'")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let (gone, kept) = names.split_at(1500);
    for names in gone.chunks(31) {
        keyring.destroy_all(names).await.unwrap();
    }
    let left = |names: &[KeyName]| {
        let of = |name: &KeyName| &wrapped.iter().find(|(stored, _)| stored == name.as_str()).unwrap().1;
        let found = |name| occurrences(bed.directory.path(), &of(name)[..16]);
        names.iter().step_by(15).filter(|name| found(name) > 0).count()
    };
    assert_eq!(left(gone), 0, "of {} destroyed keys", gone.len());
    assert_eq!(left(kept), kept.len() / 15);
}
