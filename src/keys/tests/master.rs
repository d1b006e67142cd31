use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::bed::{Bed, on_both, user};
use crate::{config::Database, keys::MasterKey};

fn write(bed: &Bed, text: &str, mode: u32) {
    fs::write(bed.file(), text).unwrap();
    fs::set_permissions(bed.file(), Permissions::from_mode(mode)).unwrap();
}

async fn refusal(bed: &Bed, fresh: bool) -> String {
    bed.open(fresh).await.unwrap_err().to_string()
}

async fn first_start_makes_a_file_that_only_its_owner_reads(bed: &Bed) {
    bed.keyring().await;
    let mode = fs::metadata(bed.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(bed.file()).unwrap();
    assert!(text.starts_with("doorbook-master-key-v1\n"));
    bed.keyring().await;
    assert_eq!(fs::read_to_string(bed.file()).unwrap(), text);
}

async fn log_without_its_master_key_stops_the_start(bed: &Bed) {
    assert!(
        refusal(bed, false)
            .await
            .starts_with("keys.file: there is a log but no master key at ")
    );
    assert!(!bed.file().exists());
    bed.keyring().await;
    fs::remove_file(bed.file()).unwrap();
    assert!(
        refusal(bed, false)
            .await
            .starts_with("keys.file: there is a log but no master key at ")
    );
    assert!(!bed.file().exists());
}

async fn log_without_its_keys_stops_the_start(bed: &Bed) {
    MasterKey::random(&bed.file()).write(&bed.file()).unwrap();
    assert!(
        refusal(bed, false)
            .await
            .starts_with("keys.url: there is a log but the key database is empty")
    );
}

async fn start_that_was_killed_before_the_keys_were_made_goes_on(bed: &Bed) {
    MasterKey::random(&bed.file()).write(&bed.file()).unwrap();
    bed.keyring().await.create(&user(1)).await.unwrap();
    bed.again().await;
}

async fn other_master_key_stops_the_start(bed: &Bed) {
    bed.keyring().await;
    MasterKey::random(&bed.file()).write(&bed.file()).unwrap();
    for fresh in [true, false] {
        assert!(
            refusal(bed, fresh)
                .await
                .contains(" is not the master key of the keys in keys.url: ")
        );
    }
}

on_both! {
    first_start_makes_a_file_that_only_its_owner_reads: super::first_start_makes_a_file_that_only_its_owner_reads;
    log_without_its_master_key_stops_the_start: super::log_without_its_master_key_stops_the_start;
    log_without_its_keys_stops_the_start: super::log_without_its_keys_stops_the_start;
    start_that_was_killed_before_the_keys_were_made_goes_on: super::start_that_was_killed_before_the_keys_were_made_goes_on;
    other_master_key_stops_the_start: super::other_master_key_stops_the_start;
}

#[tokio::test]
async fn file_that_others_may_read_stops_the_start() {
    let bed = Bed::sqlite();
    bed.keyring().await;
    let text = fs::read_to_string(bed.file()).unwrap();
    for mode in [0o640, 0o604, 0o644, 0o620, 0o700] {
        write(&bed, &text, mode);
        let refusal = refusal(&bed, false).await;
        assert!(
            refusal.contains(&format!("has mode {mode:04o}: ")) && refusal.contains("chmod 600"),
            "{refusal}"
        );
    }
    for mode in [0o600, 0o400] {
        write(&bed, &text, mode);
        bed.again().await;
    }
}

#[tokio::test]
async fn file_without_a_random_key_of_32_bytes_stops_the_start() {
    let bed = Bed::sqlite();
    let line = |bytes: &[u8]| format!("doorbook-master-key-v1\n{}\n", BASE64_URL_SAFE_NO_PAD.encode(bytes));
    let counting: Vec<u8> = (0..32).collect();
    let cases = [
        (String::new(), "it is not two lines"),
        (
            "secret\nsecret\n".to_owned(),
            "its first line is not `doorbook-master-key-v1`",
        ),
        (
            "doorbook-master-key-v1\n{}\n".to_owned(),
            "its second line is not base64url without padding",
        ),
        (line(&[7; 16]), "the key is not 32 bytes long"),
        (line(&[7; 33]), "the key is not 32 bytes long"),
        (line(&[]), "the key is not 32 bytes long"),
        (line(&[0; 32]), "the key is not random"),
        (line(b"changemechangemechangemechangeme"), "the key is not random"),
        (line(&counting), "the key is not random"),
    ];
    for (text, reason) in cases {
        write(&bed, &text, 0o600);
        let refusal = refusal(&bed, true).await;
        assert!(
            refusal.starts_with("keys.file: ") && refusal.contains(reason),
            "{refusal}"
        );
        assert!(!refusal.contains("changeme") && !refusal.contains('\n'), "{refusal}");
    }
}

#[tokio::test]
async fn unusable_settings_are_named() {
    let postgres = |url: &str| Database::Postgres(url.to_owned());
    let cases = [
        (
            postgres("postgres://x:y:z@/"),
            "keys.url: this is no address of PostgreSQL",
        ),
        (
            postgres("postgres://nobody@127.0.0.1:1/none"),
            "keys.url: the key database cannot be used (",
        ),
        (
            Database::Sqlite("/nowhere/at/all/keys.db".into()),
            "keys.url: the key database cannot be used (",
        ),
    ];
    for (database, sentence) in cases {
        let mut bed = Bed::sqlite();
        bed.database = database;
        let refusal = refusal(&bed, true).await;
        assert!(refusal.starts_with(sentence), "{refusal}");
    }
}

#[tokio::test]
async fn file_that_cannot_be_read_or_made_stops_the_start() {
    let bed = Bed::sqlite();
    fs::create_dir(bed.file()).unwrap();
    fs::set_permissions(bed.file(), Permissions::from_mode(0o600)).unwrap();
    assert!(refusal(&bed, true).await.contains(" cannot be read ("));
    fs::remove_dir(bed.file()).unwrap();
    fs::create_dir(bed.directory.path().join("master.key.draft")).unwrap();
    assert!(refusal(&bed, true).await.contains(" cannot be written ("));
}

#[tokio::test]
async fn beside_a_log_no_key_database_is_made() {
    let bed = Bed::sqlite();
    MasterKey::load_or_make(&bed.file(), true).unwrap();
    assert!(bed.open(false).await.is_err());
    assert!(!bed.directory.path().join("keys.db").exists());
}
