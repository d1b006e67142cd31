use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use doorbook_domain::{id::UserId, seal::Sealed, time::Timestamp};
use doorbook_projections::{
    keyring::{Keyring as _, Place, Unsealed},
    log::Position,
};
use sqlx::{Connection, Executor, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::{clock::Clock, config::Database, ids};

const HOME: Place<'static> = Place {
    stream: "user-1",
    event_type: "user.registered",
    field: "email",
};
const SECRET: &[u8] = b"ada@example.org";

/// A directory with a master key, and a key database of the kind asked for.
struct Bed {
    directory: TempDir,
    database: Database,
    server: Option<(String, String)>,
}

impl Bed {
    fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(directory.path().join("keys.db"));
        Self {
            directory,
            database,
            server: None,
        }
    }

    async fn postgres() -> Self {
        let server = std::env::var("DOORBOOK_TEST_POSTGRES")
            .expect("DOORBOOK_TEST_POSTGRES is not set: `cargo xtask test` starts a server");
        let name = format!("keys_{}", ids::uuid_v4().simple());
        let mut connection = PgConnection::connect(&server).await.unwrap();
        connection
            .execute(format!("create database {name}").as_str())
            .await
            .unwrap();
        let (before, _) = server.rsplit_once('/').unwrap();
        let database = Database::Postgres(format!("{before}/{name}"));
        Self {
            directory: tempfile::tempdir().unwrap(),
            database,
            server: Some((server.clone(), name)),
        }
    }

    async fn both() -> [Self; 2] {
        [Self::sqlite(), Self::postgres().await]
    }

    fn file(&self) -> std::path::PathBuf {
        self.directory.path().join("master.key")
    }

    async fn open(&self, fresh: bool) -> Result<Keyring, KeysError> {
        let master = MasterKey::load_or_make(&self.file(), fresh)?;
        Keyring::open(&self.database, &master, fresh, Clock::system()).await
    }

    async fn end(self) {
        if let Some((server, name)) = self.server {
            let mut connection = PgConnection::connect(&server).await.unwrap();
            connection
                .execute(format!("drop database {name} with (force)").as_str())
                .await
                .unwrap();
        }
    }
}

fn user() -> KeyName {
    KeyName::user(UserId(Uuid::from_u128(1)))
}

async fn opened(keyring: &Keyring, sealed: &Sealed) -> Unsealed {
    keyring.open(sealed, &HOME).await.unwrap()
}

#[tokio::test]
async fn sealed_value_is_read_in_its_place_also_after_a_restart() {
    for bed in Bed::both().await {
        let keyring = bed.open(true).await.unwrap();
        keyring.create(&user()).await.unwrap();
        let sealed = keyring.seal(&user(), &HOME, SECRET).await.unwrap();
        assert!(!sealed.as_str().contains("ada"), "{}", sealed.as_str());
        assert_eq!(sealed.key(), user().as_str());
        drop(keyring);
        let keyring = bed.open(false).await.unwrap();
        assert_eq!(opened(&keyring, &sealed).await, Unsealed::Value(SECRET.to_vec()));
        drop(keyring);
        bed.end().await;
    }
}

#[tokio::test]
async fn same_value_is_never_sealed_to_the_same_text() {
    let bed = Bed::sqlite();
    let keyring = bed.open(true).await.unwrap();
    keyring.create(&user()).await.unwrap();
    let one = keyring.seal(&user(), &HOME, SECRET).await.unwrap();
    assert_ne!(one, keyring.seal(&user(), &HOME, SECRET).await.unwrap());
}

#[tokio::test]
async fn moved_or_altered_value_is_a_fault() {
    let bed = Bed::sqlite();
    let keyring = bed.open(true).await.unwrap();
    keyring.create(&user()).await.unwrap();
    let sealed = keyring.seal(&user(), &HOME, SECRET).await.unwrap();
    let elsewhere = [
        Place {
            stream: "user-2",
            ..HOME
        },
        Place {
            event_type: "user.profile_changed",
            ..HOME
        },
        Place { field: "name", ..HOME },
        // The parts are the same text, cut elsewhere.
        Place {
            stream: "user-1user",
            event_type: ".registered",
            ..HOME
        },
    ];
    for place in elsewhere {
        assert!(keyring.open(&sealed, &place).await.is_err(), "{place:?}");
    }
    let mut altered = sealed.as_str().to_owned();
    let last = if altered.ends_with('A') { 'B' } else { 'A' };
    altered.replace_range(altered.len() - 6..altered.len() - 5, &last.to_string());
    if altered != sealed.as_str() {
        assert!(keyring.open(&Sealed::new(altered), &HOME).await.is_err());
    }
}

#[tokio::test]
async fn destroyed_key_erases_for_good_and_a_missing_one_is_a_fault() {
    for bed in Bed::both().await {
        let keyring = bed.open(true).await.unwrap();
        keyring.create(&user()).await.unwrap();
        let sealed = keyring.seal(&user(), &HOME, SECRET).await.unwrap();
        keyring.destroy(&user()).await.unwrap();
        keyring.destroy(&user()).await.unwrap();
        assert_eq!(opened(&keyring, &sealed).await, Unsealed::Erased);
        keyring.create(&user()).await.unwrap();
        assert_eq!(
            opened(&keyring, &sealed).await,
            Unsealed::Erased,
            "a tombstone is not made alive"
        );
        assert!(keyring.seal(&user(), &HOME, SECRET).await.is_err());
        let nobody = Sealed::new("user-unknown:AAAA");
        assert!(keyring.open(&nobody, &HOME).await.is_err(), "lost is not erased");
        drop(keyring);
        bed.end().await;
    }
}

#[tokio::test]
async fn key_of_a_month_dies_with_its_owner_and_with_its_month() {
    let at = Timestamp::from_micros(1_790_000_000_000_000);
    for victim in ["owner", "month"] {
        let bed = Bed::sqlite();
        let keyring = bed.open(true).await.unwrap();
        keyring.create(&user()).await.unwrap();
        let name = user().of_month(at);
        let sealed = keyring.seal(&name, &HOME, SECRET).await.unwrap();
        assert_eq!(opened(&keyring, &sealed).await, Unsealed::Value(SECRET.to_vec()));
        let (owner, month) = name.parents().unwrap();
        keyring
            .destroy(if victim == "owner" { &owner } else { &month })
            .await
            .unwrap();
        assert_eq!(opened(&keyring, &sealed).await, Unsealed::Erased, "{victim}");
    }
}

/// Every file of the directory holds none of the bytes.
fn assert_nowhere(directory: &Path, needle: &[u8]) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let found = bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!found, "{} still holds the key", path.display());
    }
}

#[tokio::test]
async fn destroyed_key_is_gone_from_the_files() {
    let bed = Bed::sqlite();
    let keyring = bed.open(true).await.unwrap();
    keyring.create(&user()).await.unwrap();
    let Some(database::Stored::Wrapped(wrapped)) = keyring.table().get(&user()).await.unwrap() else {
        panic!("the key is stored")
    };
    keyring.destroy(&user()).await.unwrap();
    assert_nowhere(bed.directory.path(), wrapped.as_bytes());
}

#[tokio::test]
async fn claims_and_purpose_keys_are_the_same_after_a_restart_and_differ_by_kind() {
    let bed = Bed::sqlite();
    let keyring = bed.open(true).await.unwrap();
    let (claim, csrf) = (keyring.claim("email", "ada@example.org"), keyring.purpose_key("csrf"));
    assert_ne!(claim, keyring.claim("phone", "ada@example.org"));
    assert_ne!(csrf, keyring.purpose_key("session-cookie"));
    assert_eq!(claim.to_string().len(), "email-".len() + 64);
    drop(keyring);
    let keyring = bed.open(false).await.unwrap();
    assert_eq!(
        (keyring.claim("email", "ada@example.org"), keyring.purpose_key("csrf")),
        (claim, csrf)
    );
    let other = Bed::sqlite();
    let other = other.open(true).await.unwrap();
    assert_ne!(
        other.claim("email", "ada@example.org"),
        keyring.claim("email", "ada@example.org")
    );
}

#[tokio::test]
async fn cursor_is_kept_and_never_moves_back() {
    for bed in Bed::both().await {
        let keyring = bed.open(true).await.unwrap();
        assert_eq!(keyring.cursor("shredder").await.unwrap(), Position::START);
        keyring.set_cursor("shredder", Position::new(7)).await.unwrap();
        keyring.set_cursor("shredder", Position::new(5)).await.unwrap();
        assert_eq!(keyring.cursor("shredder").await.unwrap(), Position::new(7));
        assert_eq!(keyring.cursor("finisher").await.unwrap(), Position::START);
        drop(keyring);
        bed.end().await;
    }
}

#[tokio::test]
async fn foreign_master_key_is_refused_and_changes_nothing() {
    let bed = Bed::sqlite();
    drop(bed.open(true).await.unwrap());
    let own = fs::read(bed.file()).unwrap();
    fs::remove_file(bed.file()).unwrap();
    assert!(matches!(bed.open(true).await, Err(KeysError::MasterWrong)));
    fs::write(bed.file(), own).unwrap();
    bed.open(false).await.unwrap();
}

#[tokio::test]
async fn beside_a_log_nothing_is_made_anew() {
    let bed = Bed::sqlite();
    assert!(matches!(bed.open(false).await, Err(KeysError::MasterMissing(_))));
    assert!(!bed.file().exists());
    MasterKey::load_or_make(&bed.file(), true).unwrap();
    assert!(matches!(bed.open(false).await, Err(KeysError::KeysMissing)));
    assert!(!bed.directory.path().join("keys.db").exists());
}

#[test]
fn master_key_is_its_owners_alone_and_whole() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("master.key");
    MasterKey::load_or_make(&file, true).unwrap();
    let mode = |file: &Path| fs::metadata(file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    let form = "doorbook-master-key-v1";
    let wrong = [
        String::new(),
        "secret\n".to_owned(),
        format!("{form}\n"),
        format!("{form}\nc2hvcnQ\n"),
        format!("{form}\n{}\n", "A".repeat(43)),
        format!("{form}\nnot base64!\n"),
    ];
    for text in wrong {
        fs::write(&file, &text).unwrap();
        let refused = MasterKey::load_or_make(&file, true).err();
        assert!(matches!(refused, Some(KeysError::MasterMalformed { .. })), "{text:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "a wrong file is not replaced");
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let refused = MasterKey::load_or_make(&file, true).err();
    assert!(matches!(refused, Some(KeysError::MasterExposed { mode: 0o640, .. })));
}
