use std::collections::BTreeSet;

use serde_json::json;

use super::*;

on_each_store!(
    every_filter_of_the_book_finds_what_it_says,
    row_tells_who_when_from_where_how_and_how_it_ended,
    pages_of_the_book_stay_while_people_log_in,
    erased_user_cannot_be_found_in_the_book,
);

async fn every_filter_of_the_book_finds_what_it_says(database: Database) {
    let service = prepared(database).await;
    let (ada, _bob) = told(&service).await;
    let auditor = auditor(&service).await;
    let id = user_id(&ada).await;
    rows(&auditor, "/api/audit/logins?outcome=failure", 2).await;
    for (query, count) in [
        (format!("user_id={id}"), 2),
        (format!("user_id={id}&outcome=success"), 1),
        (format!("email={ADA}"), 2),
        (format!("email={}", ADA.to_uppercase()), 2),
        (format!("email={ADA}&outcome=failure"), 1),
        ("email=nobody@example.org".to_owned(), 1),
        ("email=somebody@example.org".to_owned(), 0),
        (format!("ip={ADAS_IP}"), 2),
        (format!("ip=::ffff:{ADAS_IP}"), 2),
        (format!("ip={BOBS_IP}"), 2),
        // The same /64, and so the same bucket; another address.
        ("ip=2001:db8:7::2".to_owned(), 0),
        (format!("ip={ADAS_IP}&user_id={id}&reason=wrong_password"), 1),
        (format!("ip={BOBS_IP}&user_id={id}"), 0),
        ("reason=unknown_address".to_owned(), 1),
        ("method=social".to_owned(), 0),
        ("provider=github".to_owned(), 0),
        ("outcome=success&reason=wrong_password".to_owned(), 0),
        (
            format!("from=2000-01-01T00:00:00Z&to=2099-01-01T00:00:00Z&email={BOB}"),
            1,
        ),
        (format!("to=2000-01-01T00:00:00Z&email={BOB}"), 0),
    ] {
        let found = items(&auditor, &format!("/api/audit/logins?{query}")).await;
        assert_eq!(found.len(), count, "{query}: {found:?}");
    }
}

async fn row_tells_who_when_from_where_how_and_how_it_ended(database: Database) {
    let service = prepared(database).await;
    let (ada, bob) = told(&service).await;
    let auditor = auditor(&service).await;
    let (id, session) = (user_id(&ada).await, ada.session_id().await);
    ada.try_log_out().await.unwrap().expect(200);
    let bobs = bob.session_id().await;
    bob.change(Method::DELETE, &format!("/api/sessions/{bobs}"), None)
        .await
        .unwrap()
        .expect(204);
    let row = &items(&auditor, &format!("/api/audit/logins?user_id={id}&outcome=success")).await[0];
    assert_eq!(row["email"], ADA);
    assert_eq!(row["ip"], ADAS_IP);
    assert_eq!(row["user_agent"], AGENT);
    assert_eq!(
        row["client"],
        json!({"kind": "pc", "browser": "Firefox", "version": "143.0", "os": "Linux"})
    );
    assert_eq!(
        (&row["method"], &row["outcome"]),
        (&json!("password"), &json!("success"))
    );
    assert_eq!(
        (&row["session_id"], &row["end_reason"]),
        (&json!(session), &json!("logged_out"))
    );
    assert!(
        row["ended_at"].is_string() && row["duration_seconds"].is_number(),
        "{row}"
    );
    let failures = rows(&auditor, "/api/audit/logins?reason=unknown_address", 1).await;
    assert_eq!(failures[0]["email"], "nobody@example.org");
    assert_eq!(failures[0].get("user_id"), None);
    let failures = rows(&auditor, "/api/audit/logins?reason=wrong_password", 1).await;
    assert_eq!(
        (&failures[0]["user_id"], &failures[0]["ip"]),
        (&json!(id), &json!(ADAS_IP))
    );
    let live = items(
        &auditor,
        &format!("/api/audit/logins?email={AUDITOR}&outcome=success&limit=1"),
    )
    .await;
    assert_eq!(live[0].get("ended_at"), None, "{live:?}");
}

async fn pages_of_the_book_stay_while_people_log_in(database: Database) {
    let service = prepared(database).await;
    let ada = service.signed_up(ADA).await;
    let auditor = auditor(&service).await;
    let id = user_id(&ada).await;
    for _ in 0..6 {
        ada.log_in(ADA).await;
    }
    let list = format!("/api/audit/logins?user_id={id}&limit=3");
    let (mut seen, mut cursor, mut first) = (BTreeSet::new(), String::new(), String::new());
    for round in 0..3 {
        let page = auditor.get(&format!("{list}{cursor}")).await.expect(200).json();
        for item in page["items"].as_array().unwrap() {
            assert!(seen.insert(item["id"].to_string()), "a row came twice");
        }
        // Those that come meanwhile stand before the first page.
        ada.log_in(ADA).await;
        match page.get("next_cursor") {
            Some(next) => cursor = format!("&cursor={}", next.as_str().unwrap()),
            None => assert_eq!(round, 2),
        }
        if round == 0 {
            first.clone_from(&cursor);
        }
    }
    assert_eq!(seen.len(), 7);
    let again = items(&auditor, &format!("{list}{first}")).await;
    assert!(
        again.iter().all(|item| seen.contains(&item["id"].to_string())),
        "a cursor is good for ever"
    );
}

async fn erased_user_cannot_be_found_in_the_book(database: Database) {
    let service = prepared(database).await;
    let (ada, _bob) = told(&service).await;
    let auditor = auditor(&service).await;
    let id = user_id(&ada).await;
    rows(&auditor, &format!("/api/audit/logins?user_id={id}"), 2).await;
    ada.delete("/api/me").await.expect(204);
    for item in rows(&auditor, &format!("/api/audit/logins?user_id={id}"), 2).await {
        for field in ["email", "ip", "user_agent"] {
            assert_eq!(item[field], "[erased]", "{item}");
        }
        assert_eq!(item.get("client"), None);
    }
    for query in [
        format!("email={ADA}"),
        format!("ip={ADAS_IP}"),
        format!("email={ADA}&user_id={id}"),
    ] {
        let found = items(&auditor, &format!("/api/audit/logins?{query}")).await;
        assert!(found.is_empty(), "{query}: {found:?}");
    }
    // What the auditor looked for does not keep her address either.
    let events = auditor
        .get("/api/audit/events?type=audit.read&limit=200")
        .await
        .expect(200);
    assert!(!events.body.contains(ADA), "{}", events.body);
}
