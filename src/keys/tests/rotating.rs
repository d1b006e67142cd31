use std::fs;

use doorbook_projections::keyring::{Keyring as _, Unsealed};

use super::bed::{Bed, NOVEMBER, PLACE, occurrences, on_both, user};
use crate::keys::{
    MasterKey,
    database::Database,
    master::beside,
    rotate::{self, NEXT},
};

async fn values_open_under_the_next_master_key_and_not_under_the_old(bed: &Bed) {
    let keyring = bed.keyring().await;
    let old = fs::read(bed.file()).unwrap();
    keyring
        .create_all(&(0..600).map(user).collect::<Vec<_>>())
        .await
        .unwrap();
    keyring.destroy(&user(2)).await.unwrap();
    let sealed = keyring.seal(&user(1).of_month(NOVEMBER), &PLACE, b"ada").await.unwrap();
    let claim = keyring.claim("email", "ada@example.org");
    keyring.rotate().await.unwrap();
    assert_ne!(fs::read(bed.file()).unwrap(), old);
    assert!(!beside(&bed.file(), NEXT).exists());
    assert_eq!(occurrences(bed.directory.path(), &old[23..]), 0);
    let again = bed.again().await;
    for keyring in [&keyring, &again] {
        assert_eq!(
            keyring.open(&sealed, &PLACE).await.unwrap(),
            Unsealed::Value(b"ada".to_vec())
        );
        assert_eq!(keyring.claim("email", "ada@example.org"), claim);
        assert!(keyring.create(&user(2)).await.is_err(), "a tombstone stays");
        keyring.create(&user(1000)).await.unwrap();
    }
    again.rotate().await.unwrap();
    fs::write(bed.file(), old).unwrap();
    assert!(bed.open(false).await.is_err());
}

async fn crash_before_the_commit_leaves_the_old_pair(bed: &Bed) {
    bed.keyring().await.create(&user(1)).await.unwrap();
    MasterKey::random(&bed.file())
        .write(&beside(&bed.file(), NEXT))
        .unwrap();
    let again = bed.again().await;
    again.seal(&user(1), &PLACE, b"ada").await.unwrap();
    again.rotate().await.unwrap();
    bed.again().await.seal(&user(1), &PLACE, b"ada").await.unwrap();
}

async fn crash_after_the_commit_leaves_the_next_pair(bed: &Bed) {
    let keyring = bed.keyring().await;
    keyring.create(&user(1)).await.unwrap();
    let sealed = keyring.seal(&user(1), &PLACE, b"ada").await.unwrap();
    keyring.close().await;
    let old = MasterKey::read(&bed.file()).unwrap().unwrap();
    let new = MasterKey::random(&bed.file());
    let database = Database::open(&bed.database, false).await.unwrap();
    rotate::rewrap(&database, &old, &new).await.unwrap();
    database.close().await;
    for _ in 0..2 {
        let again = bed.again().await;
        assert_eq!(
            again.open(&sealed, &PLACE).await.unwrap(),
            Unsealed::Value(b"ada".to_vec())
        );
        assert!(!beside(&bed.file(), NEXT).exists());
    }
    assert!(MasterKey::read(&bed.file()).unwrap().unwrap().proves(new.proof()));
}

async fn process_with_an_outdated_master_key_changes_nothing(bed: &Bed) {
    let (here, there) = (bed.keyring().await, bed.again().await);
    there.rotate().await.unwrap();
    let file = fs::read(bed.file()).unwrap();
    assert!(here.create(&user(1)).await.is_err());
    assert!(here.rotate().await.is_err());
    assert_eq!(fs::read(bed.file()).unwrap(), file);
    assert!(!beside(&bed.file(), NEXT).exists());
    there.create(&user(1)).await.unwrap();
    assert!(here.seal(&user(1), &PLACE, b"ada").await.is_err());
}

on_both! {
    values_open_under_the_next_master_key_and_not_under_the_old:
        super::values_open_under_the_next_master_key_and_not_under_the_old;
    crash_before_the_commit_leaves_the_old_pair: super::crash_before_the_commit_leaves_the_old_pair;
    crash_after_the_commit_leaves_the_next_pair: super::crash_after_the_commit_leaves_the_next_pair;
    process_with_an_outdated_master_key_changes_nothing: super::process_with_an_outdated_master_key_changes_nothing;
}
