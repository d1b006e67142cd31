use super::*;

on_each_store!(
    export_hands_out_every_row_in_each_form,
    export_is_recorded_with_its_rows
);

const FORMULA: &str = "=cmd|'/C calc'!A1";
/// Line breaks reach no field over HTTP; that they are inert, too, the tests of the format show.
const HOSTILE: &str = "=cmd|'/C calc'!A1\"x\",\u{202e}=1+1";

/// Logins of somebody whose name, browser and address are formulas of a spreadsheet. Answers with the browser.
async fn formulas(service: &Service) -> &'static str {
    let eve = service.anonymous();
    let wish = json!({"email": "eve@example.org", "password": PASSWORD, "name": FORMULA});
    post_from(&eve, ADAS_IP, AGENT, "/api/signup", &wish).await.expect(202);
    let login = json!({"email": "eve@example.org", "password": PASSWORD});
    let agent = "=cmd|'/C calc'!A1\",=1\u{202e}";
    post_from(&eve, ADAS_IP, agent, "/api/login", &login).await.expect(200);
    let wrong = json!({"email": HOSTILE, "password": PASSWORD});
    post_from(&service.anonymous(), ADAS_IP, AGENT, "/api/login", &wrong)
        .await
        .expect(401);
    agent
}

async fn export_hands_out_every_row_in_each_form(database: Database) {
    let service = prepared(database).await;
    let agent = formulas(&service).await;
    let auditor = auditor(&service).await;
    let listed = rows(&auditor, &format!("/api/audit/logins?ip={ADAS_IP}"), 2).await;

    let path = |format: &str| format!("/api/audit/logins/export?format={format}&ip={ADAS_IP}");
    let ndjson = auditor.get(&path("ndjson")).await.expect(200);
    assert_eq!(ndjson.header("content-type"), Some("application/x-ndjson"));
    let disposition = ndjson.header("content-disposition").unwrap();
    assert!(disposition.starts_with("attachment;"), "{disposition}");
    let lines: Vec<Value> = ndjson
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines, listed, "nothing is lost and nothing changed");
    assert_eq!(lines[0]["email"], HOSTILE);
    assert_eq!(
        (&lines[1]["name"], &lines[1]["user_agent"]),
        (&json!(FORMULA), &json!(agent))
    );

    let csv = auditor.get(&path("csv")).await.expect(200);
    assert_eq!(
        csv.header("content-type"),
        Some("text/csv; charset=utf-8; header=present")
    );
    assert!(csv.body.starts_with("id,at,outcome,"), "{}", csv.body);
    assert_eq!(
        csv.body.matches("=cmd").count(),
        csv.body.matches("\"'=cmd").count(),
        "{}",
        csv.body
    );
    assert!(csv.body.contains("A1\"\"x\"\",\u{202e}'=1+1\""), "{}", csv.body);

    let ocsf = auditor.get(&path("ocsf")).await.expect(200);
    let events: Vec<Value> = ocsf
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events.len(), 2);
    for event in events {
        assert_eq!(
            (&event["class_uid"], &event["type_uid"]),
            (&json!(3002), &json!(300_201))
        );
        assert_eq!(event["src_endpoint"]["ip"], ADAS_IP);
    }
    let head = auditor.request(Method::HEAD, &path("csv"));
    let head = auditor.send(head).await.unwrap().expect(200);
    assert_eq!(head.body, "");
}

async fn export_is_recorded_with_its_rows(database: Database) {
    let service = prepared(database).await;
    told(&service).await;
    let auditor = auditor(&service).await;
    rows(&auditor, "/api/audit/logins?outcome=failure", 2).await;
    auditor
        .get("/api/audit/logins/export?format=csv&outcome=failure")
        .await
        .expect(200);
    let ended = rows(&auditor, "/api/audit/events?type=audit.export_ended", 1).await;
    assert_eq!(
        (&ended[0]["data"]["rows"], &ended[0]["data"]["complete"]),
        (&json!(2), &json!(true))
    );
    let stream = ended[0]["stream"].as_str().unwrap();
    let both = items(&auditor, &format!("/api/audit/events?stream={stream}")).await;
    assert_eq!(both.len(), 2);
    assert_eq!(both[1]["data"]["operation"], "exportLogins");
    assert_eq!(both[1]["data"]["filters"]["outcome"], "failure");
}
