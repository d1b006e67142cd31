use super::*;

on_each_store!(
    reading_the_book_is_itself_an_event,
    events_are_found_by_type_stream_actor_and_time,
    what_is_done_to_projections_is_found_by_type_and_actor,
    trail_shows_no_secret,
);

async fn reading_the_book_is_itself_an_event(database: Database) {
    let service = prepared(database).await;
    let auditor = auditor(&service).await;
    let me = user_id(&auditor).await;
    let path = format!("/api/audit/logins?email={ADA}&ip={ADAS_IP}&outcome=failure");
    auditor.get(&path).await.expect(200);
    auditor.get("/api/audit/logins?limit=0").await.expect(422);
    // Each look adds another, in front.
    let read = eventually("the question is in the trail", || async {
        let read = items(&auditor, "/api/audit/events?type=audit.read").await;
        let of_logins = |event: &Value| event["data"]["operation"] == "searchLogins";
        (read.iter().any(of_logins) && read.iter().any(|event| !of_logins(event))).then_some(read)
    })
    .await;
    let (first, others) = read.split_last().unwrap();
    assert!(
        others.iter().all(|event| event["data"]["operation"] == "searchEvents"),
        "a question that is refused is none: {read:?}"
    );
    assert_eq!(first["actor"], format!("user-{me}"));
    let data = &first["data"];
    assert_eq!(
        (&data["operation"], &data["user_id"]),
        (&json!("searchLogins"), &json!(me))
    );
    assert_eq!(
        (&data["filters"]["ip"], &data["filters"]["outcome"]),
        (&json!(ADAS_IP), &json!("failure"))
    );
    assert!(
        data["filters"]["email_claim"].as_str().unwrap().starts_with("email-"),
        "{data}"
    );
    assert_eq!(data["origin"]["ip"], "127.0.0.1");
}

async fn events_are_found_by_type_stream_actor_and_time(database: Database) {
    let service = prepared(database).await;
    let (ada, _bob) = told(&service).await;
    let auditor = auditor(&service).await;
    let (id, session) = (user_id(&ada).await, ada.session_id().await);
    rows(&auditor, "/api/audit/logins?outcome=failure", 2).await;
    let of = async |query: &str| items(&auditor, &format!("/api/audit/events?{query}")).await;
    assert_eq!(of("type=session.started").await.len(), 3);
    assert_eq!(of("type=login.failed").await.len(), 2);
    assert_eq!(of("type=user.role_granted").await.len(), 1);
    assert_eq!(of("actor=cli").await.len(), 1);
    assert_eq!(of("actor=cli&type=session.started").await.len(), 0);
    assert_eq!(of(&format!("actor=user-{id}&type=session.started")).await.len(), 1);
    let stream = of(&format!("stream=session-{session}")).await;
    assert_eq!((stream.len(), &stream[0]["type"]), (1, &json!("session.started")));
    assert_eq!(stream[0]["data"]["origin"]["ip"], ADAS_IP);
    assert_eq!(of("stream=nonsense").await.len(), 0);
    assert_eq!(of("type=session.started&to=2020-01-01T00:00:00Z").await.len(), 0);
    assert_eq!(of("type=session.started&from=2020-01-01T00:00:00Z").await.len(), 3);
    assert_eq!(of("from=2099-01-01T00:00:00Z").await.len(), 0);

    let whole = of("limit=200&type=session.started").await;
    let (mut pieces, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = auditor
            .get(&format!("/api/audit/events?type=session.started&limit=1{cursor}"))
            .await
            .expect(200)
            .json();
        pieces.extend(page["items"].as_array().unwrap().clone());
        match page.get("next_cursor") {
            Some(next) => cursor = format!("&cursor={}", next.as_str().unwrap()),
            None => break,
        }
    }
    assert_eq!(pieces, whole);
    let everything = of("limit=200").await;
    assert!(everything.len() > 10);
    let positions: Vec<u64> = everything
        .iter()
        .map(|event| event["position"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(positions.is_sorted_by(|newer, older| newer > older), "{positions:?}");
}

async fn what_is_done_to_projections_is_found_by_type_and_actor(database: Database) {
    let service = prepared(database).await;
    let auditor = auditor(&service).await;
    for action in ["pause", "resume"] {
        service.doorbook(&["projections", action, "signups"]).await;
    }
    for query in ["type=projection.resumed", "actor=cli&type=projection.resumed"] {
        let found = eventually("it is in the trail", || async {
            items(&auditor, &format!("/api/audit/events?{query}")).await.pop()
        })
        .await;
        assert_eq!(found["stream"], "projection-signups");
    }
}

async fn trail_shows_no_secret(database: Database) {
    let service = prepared(database).await;
    let (ada, _bob) = told(&service).await;
    let change = json!({"current_password": PASSWORD, "new_password": "nine wet pebbles under the bridge"});
    ada.post("/api/password/change", &change).await.expect(204);
    let auditor = auditor(&service).await;
    let trail = auditor.get("/api/audit/events?limit=200").await.expect(200);
    for hidden in ["\"password\":", "\"secret\":", "argon2"] {
        assert!(!trail.body.contains(hidden), "{hidden}: {}", trail.body);
    }
    assert!(trail.body.contains(ADA), "auditors see addresses");
    assert!(trail.body.contains("user.password_changed"));
}
