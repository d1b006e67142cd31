use serde_json::json;

use super::*;

on_each_store!(only_auditors_and_admins_read_the_book, bad_parameters_are_all_named);

const PATHS: [&str; 5] = [
    "/api/audit/logins",
    "/api/audit/logins/export?format=ndjson",
    "/api/audit/sessions?as_of=2026-01-01T00:00:00Z",
    "/api/audit/users/01930000-0000-7000-8000-000000000ada",
    "/api/audit/events",
];

async fn only_auditors_and_admins_read_the_book(database: Database) {
    let service = prepared(database).await;
    let ada = service.signed_up(ADA).await;
    let auditor = auditor(&service).await;
    let admin = with_role(&service, "root@example.org", "admin").await;
    for path in PATHS {
        service
            .anonymous()
            .get(path)
            .await
            .expect_problem(401, "unauthenticated");
        ada.get(path).await.expect_problem(403, "forbidden");
        let status = if path.contains("/users/") { 404 } else { 200 };
        for reader in [&auditor, &admin] {
            reader.get(path).await.expect(status);
        }
    }
    let warnings = service.log().matches("needs another role").count();
    assert_eq!(warnings, PATHS.len(), "who asks for more is named");
    service.doorbook(&["user", "revoke", AUDITOR, "auditor"]).await;
    for path in PATHS {
        let answer = eventually("the role is gone", || async {
            let answer = auditor.get(path).await;
            (answer.status != 200 && answer.status != 404).then_some(answer)
        })
        .await;
        answer.expect_problem(401, "unauthenticated");
    }
    // The token in the former browser belonged to the session that is dead.
    let auditor = service.anonymous();
    auditor.log_in(AUDITOR).await;
    auditor.get(PATHS[0]).await.expect_problem(403, "forbidden");
}

async fn bad_parameters_are_all_named(database: Database) {
    let service = prepared(database).await;
    let auditor = auditor(&service).await;
    let path = "/api/audit/logins?user_id=7&ip=1.2.3&outcome=draw&from=today&to=1&limit=0&method=a%00b";
    let problem = auditor.get(path).await.expect_problem(422, "invalid").json();
    let named: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    assert_eq!(named, ["user_id", "ip", "outcome", "method", "from", "to", "limit"]);
    for (path, field) in [
        ("/api/audit/logins?cursor=nonsense", "cursor"),
        ("/api/audit/events?cursor=nonsense", "cursor"),
        (
            "/api/audit/sessions?as_of=2026-01-01T00:00:00Z&cursor=nonsense",
            "cursor",
        ),
        ("/api/audit/sessions", "as_of"),
        ("/api/audit/sessions?as_of=2099-01-01T00:00:00Z", "as_of"),
        ("/api/audit/logins/export", "format"),
        ("/api/audit/logins/export?format=xlsx", "format"),
        (
            "/api/audit/logins?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z",
            "to",
        ),
    ] {
        let problem = auditor.get(path).await.expect_problem(422, "invalid").json();
        assert_eq!(problem["errors"][0]["field"], json!(field), "{path}: {problem}");
    }
}
