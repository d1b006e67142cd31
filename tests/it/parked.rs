//! What followers of the log could not act on is found by the operator.

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, SqliteConnection};

use crate::support::{Database, Service};

on_each_store!(parked_event_is_listed_with_its_follower_and_its_reason);

async fn parked_event_is_listed_with_its_follower_and_its_reason(database: Database) {
    let service = Service::start(database).await;
    service.signed_up("ada@example.org").await;
    assert_eq!(service.doorbook(&["events", "parked", "--json"]).await, "");
    let row = "(name, position, reason, since) values ('reaper', 1, 'the keys cannot be reached', 1772441070000000)";
    match database {
        Database::Sqlite => {
            let url = format!("sqlite:{}", service.data().join("keys.db").display());
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            let insert = format!("insert into parked {row}");
            sqlx::query(&insert).execute(&mut connection).await.unwrap();
        }
        Database::Postgres => {
            let mut connection = PgConnection::connect(service.postgres().url().as_str()).await.unwrap();
            let insert = format!("insert into doorbook_keys.parked {row}");
            sqlx::query(&insert).execute(&mut connection).await.unwrap();
        }
    }
    let line: Value = serde_json::from_str(&service.doorbook(&["events", "parked", "--json"]).await).unwrap();
    let expected = json!({"position": "1", "event": "signup.requested", "follower": "reaper",
        "since": "2026-03-02T08:44:30.000000Z", "reason": "the keys cannot be reached"});
    assert_eq!(line, expected);
}
