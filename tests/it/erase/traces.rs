//! What would give an erased user away, and everything that is stored.

use std::{fs, path::Path};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use sqlx::{Connection as _, PgConnection, SqliteConnection};

use super::{AGENT, IP, NAME, TYPED};
use crate::support::{Database, Service};

/// What would give her away, in the forms in which it could be stored.
pub(super) fn needles(cookie: &str) -> Vec<Vec<u8>> {
    let lower = TYPED.to_lowercase();
    let mut needles: Vec<Vec<u8>> = [
        TYPED,
        &lower,
        "Grace.Canary",
        "grace.canary",
        "Canaryname",
        "canaryelsewhere",
        "7700770077",
        IP,
        "CanaryBrowser",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    for text in [TYPED, &lower, NAME, IP, AGENT] {
        needles.push(BASE64_URL_SAFE_NO_PAD.encode(text).into_bytes());
        needles.push(BASE64_STANDARD_NO_PAD.encode(text).into_bytes());
        needles.push(hex(text.as_bytes()).into_bytes());
    }
    // The secret of a cookie comes last; what is before it is an id and no secret.
    let tail = cookie.get(cookie.len() - 30..).unwrap();
    needles.push(tail.as_bytes().to_vec());
    needles.push(cookie.as_bytes().to_vec());
    needles
}

pub(super) fn hex(bytes: &[u8]) -> String {
    doorbook_domain::seal::hex(bytes)
}

/// Every key as it is stored: name, and wrapped bytes where there are any.
pub(super) async fn stored_keys(service: &Service, database: Database) -> Vec<(String, Option<Vec<u8>>)> {
    match database {
        Database::Sqlite => {
            let url = format!("sqlite:{}", service.data().join("keys.db").display());
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            let rows = sqlx::query_as("select name, wrapped from keys")
                .fetch_all(&mut connection)
                .await
                .unwrap();
            connection.close().await.unwrap();
            rows
        }
        Database::Postgres => {
            let mut connection = PgConnection::connect(service.postgres().url().as_str()).await.unwrap();
            let rows = sqlx::query_as("select name, wrapped from doorbook_keys.keys")
                .fetch_all(&mut connection)
                .await
                .unwrap();
            connection.close().await.unwrap();
            rows
        }
    }
}

/// The bytes of every file, by name.
pub(super) fn files(directory: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else {
            into.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    let first = needle[0];
    (0..bytes.len().saturating_sub(needle.len() - 1)).any(|at| bytes[at] == first && bytes[at..].starts_with(needle))
}

pub(super) async fn everything_stored(service: &Service, database: Database) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    files(&service.data(), &mut all);
    if database == Database::Postgres {
        let tables = service.postgres().tables().await;
        assert!(tables.len() > 8);
        all.extend(tables.into_iter().map(|(name, rows)| (name, rows.into_bytes())));
    }
    all
}

#[track_caller]
pub(super) fn assert_gone(stored: &[(String, Vec<u8>)], needles: &[Vec<u8>]) {
    for (name, bytes) in stored {
        for needle in needles {
            assert!(
                !contains(bytes, needle),
                "{name} still holds {}",
                String::from_utf8_lossy(needle)
            );
        }
    }
}

/// How many rows the counters of attempts have: their names are keyed hashes.
pub(super) async fn counters(service: &Service, database: Database) -> i64 {
    let query = "select count(*) from counters";
    match database {
        Database::Sqlite => {
            let url = format!("sqlite:{}", service.data().join("throttle.db").display());
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap()
        }
        Database::Postgres => {
            let mut connection = PgConnection::connect(service.postgres().url().as_str()).await.unwrap();
            let query = query.replace("counters", "doorbook_throttle.counters");
            sqlx::query_scalar(&query).fetch_one(&mut connection).await.unwrap()
        }
    }
}
