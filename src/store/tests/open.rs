use super::fixture::{Database, Fixture};
use crate::store::{InvalidStoreUrl, Migrated, OpenError, Store, StoreOptions, StoreUrl};

async fn refusal(url: &StoreUrl) -> OpenError {
    match Store::open(url, StoreOptions::default()).await {
        Ok(_) => panic!("the store opened"),
        Err(error) => error,
    }
}

#[test]
fn address_is_read_or_refused_with_its_key_and_a_remedy() {
    for (text, shown) in [
        ("sqlite:data/log.db", "sqlite:data/log.db"),
        ("sqlite:///srv/log.db", "sqlite:/srv/log.db"),
        ("postgres://ada:hush@db:5433/door", "postgres://db:5433/door"),
        ("postgresql://db/door?password=hush", "postgres://db:5432/door"),
    ] {
        let url: StoreUrl = text.parse().unwrap();
        assert_eq!(url.to_string(), shown);
        assert!(!format!("{url:?}").contains("hush"));
    }
    for (text, expected) in [
        ("esdb://node:2113", InvalidStoreUrl::NotBuilt),
        ("mysql://db", InvalidStoreUrl::Scheme),
        ("data/log.db", InvalidStoreUrl::Scheme),
        ("sqlite::memory:", InvalidStoreUrl::Path),
        ("sqlite:log.db?mode=rwc", InvalidStoreUrl::Path),
        ("sqlite:", InvalidStoreUrl::Path),
        ("postgres://ada:hush@db:port/door", InvalidStoreUrl::Postgres),
    ] {
        let refusal = text.parse::<StoreUrl>().unwrap_err();
        assert_eq!(refusal, expected, "{text}");
        let sentence = refusal.to_string();
        assert!(
            sentence.contains("`store.url`") && !sentence.contains("hush"),
            "{sentence}"
        );
    }
}

#[tokio::test]
async fn missing_file_and_silent_server_are_named() {
    let directory = tempfile::tempdir().unwrap();
    for url in [
        format!("sqlite:{}/none/log.db", directory.path().display()),
        "postgres://ada:hush@127.0.0.1:1/door".to_owned(),
    ] {
        let url = url.parse().unwrap();
        for error in [refusal(&url).await, Store::migrate(&url).await.unwrap_err()] {
            assert!(matches!(error, OpenError::Unreachable { .. }), "{error:?}");
            let sentence = error.to_string();
            assert!(
                sentence.contains("`store.url`") && sentence.contains(&url.to_string()),
                "{sentence}"
            );
            assert!(!sentence.contains("hush"), "{sentence}");
        }
    }
}

#[tokio::test]
async fn database_without_tables_asks_for_migrate_which_may_be_repeated() {
    let database = Database::create().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("log.db");
    std::fs::write(&file, "").unwrap();
    for url in [database.url(), StoreUrl::Sqlite(file)] {
        let error = refusal(&url).await;
        assert!(matches!(error, OpenError::NotMigrated { found: 0, .. }), "{error:?}");
        assert_eq!(Store::migrate(&url).await.unwrap(), Migrated { from: 0, to: 1 });
        assert_eq!(Store::migrate(&url).await.unwrap(), Migrated { from: 1, to: 1 });
        Store::open(&url, StoreOptions::default()).await.unwrap().close().await;
    }
}

#[tokio::test]
async fn newer_schema_is_neither_opened_nor_migrated() {
    for fixture in [Fixture::sqlite().await, Fixture::postgres().await] {
        fixture.store.clone().close().await;
        let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
            values (99, 'of a later day', true, '', 0)";
        fixture.sql(newer).await.unwrap();
        for error in [
            refusal(&fixture.url).await,
            Store::migrate(&fixture.url).await.unwrap_err(),
        ] {
            assert!(
                matches!(error, OpenError::NewerSchema { found: 99, known: 1 }),
                "{error:?}"
            );
            assert!(error.to_string().contains("use a newer doorbook"), "{error}");
        }
    }
}

#[tokio::test]
async fn database_that_forgets_commits_is_refused() {
    let fixture = Fixture::postgres().await;
    let name = &fixture.database().name;
    fixture
        .sql(&format!("alter database {name} set synchronous_commit = off"))
        .await
        .unwrap();
    let error = refusal(&fixture.url).await;
    assert!(
        matches!(
            &error,
            OpenError::NotDurable {
                setting: "synchronous_commit",
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains("`synchronous_commit` = `off`"), "{error}");

    fixture
        .sql(&format!("alter database {name} set synchronous_commit = local"))
        .await
        .unwrap();
    Store::open(&fixture.url, StoreOptions::default())
        .await
        .unwrap()
        .close()
        .await;
}
