use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
};

use super::*;

on_each_store!(
    command_line_exports_what_the_api_does_beside_a_service_and_without_one,
    export_by_the_command_line_is_recorded_as_a_reading,
);

async fn command_line_exports_what_the_api_does_beside_a_service_and_without_one(database: Database) {
    let mut service = prepared(database).await;
    told(&service).await;
    let auditor = auditor(&service).await;
    rows(&auditor, "/api/audit/logins?outcome=failure", 2).await;
    for format in ["ndjson", "csv", "ocsf"] {
        let path = format!("/api/audit/logins/export?format={format}&ip={ADAS_IP}");
        let by_api = auditor.get(&path).await.expect(200).body;
        let by_command = service
            .doorbook(&["audit", "export", "--format", format, "--ip", ADAS_IP])
            .await;
        assert_eq!(by_command, by_api, "{format}");
    }
    let filtered = [
        "audit",
        "export",
        "--format",
        "ndjson",
        "--outcome",
        "failure",
        "--email",
        ADA,
    ];
    assert_eq!(service.doorbook(&filtered).await.lines().count(), 1);
    let none = ["audit", "export", "--format", "csv", "--to", "2000-01-01T00:00:00Z"];
    assert_eq!(
        service.doorbook(&none).await.lines().count(),
        1,
        "only the line of the columns"
    );
    let beside = service.doorbook(&filtered).await;
    auditor.get("/api/session").await.expect(200);

    service.stop().await;
    let alone = service.directory().join("logins.ndjson");
    let path = alone.to_str().unwrap();
    // What lies in the way, perhaps of somebody else, is not written into.
    let (foreign, in_the_way) = (
        service.directory().join("foreign"),
        service.directory().join("logins.ndjson.part"),
    );
    fs::write(&foreign, "as it was").unwrap();
    symlink(&foreign, &in_the_way).unwrap();
    assert_eq!(
        service.doorbook(&[&filtered[..], &["--output", path]].concat()).await,
        ""
    );
    assert_eq!(fs::read_to_string(&alone).unwrap(), beside);
    assert_eq!(fs::read_to_string(&foreign).unwrap(), "as it was");
    assert_eq!(fs::metadata(&alone).unwrap().permissions().mode() & 0o777, 0o600);
    service.start_again().await;
}

async fn export_by_the_command_line_is_recorded_as_a_reading(database: Database) {
    let service = prepared(database).await;
    told(&service).await;
    let auditor = auditor(&service).await;
    rows(&auditor, "/api/audit/logins?outcome=failure", 2).await;
    let export = [
        "audit",
        "export",
        "--format",
        "csv",
        "--outcome",
        "failure",
        "--email",
        ADA,
    ];
    service.doorbook(&export).await;
    let asked = rows(&auditor, "/api/audit/events?type=audit.read&actor=cli", 1).await;
    let data = &asked[0]["data"];
    assert_eq!(
        (&data["operation"], &data["filters"]["outcome"]),
        (&json!("exportLogins"), &json!("failure"))
    );
    assert!(data.get("user_id").is_none(), "{data}");
    assert!(
        !data.to_string().contains(ADA),
        "of an address only the claim is kept: {data}"
    );
    let ended = rows(&auditor, "/api/audit/events?type=audit.export_ended&actor=cli", 1).await;
    assert_eq!(
        (&ended[0]["data"]["rows"], &ended[0]["data"]["complete"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(ended[0]["stream"], asked[0]["stream"]);
}

#[tokio::test]
async fn wrong_export_by_the_command_line_is_refused_and_leaves_no_file() {
    let service = prepared(Database::Sqlite).await;
    for wrong in [
        &["--format", "xml"][..],
        &[],
        &["--format", "csv", "--ip", "here"],
        &["--format", "csv", "--from", "yesterday"],
        &[
            "--format",
            "csv",
            "--from",
            "2026-02-01T00:00:00Z",
            "--to",
            "2026-01-01T00:00:00Z",
        ],
        &["--format", "csv", "--output", "/nowhere/logins.csv"],
    ] {
        let output = service.output(&[&["audit", "export"], wrong].concat()).await;
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {output:?}");
    }
    let events = service
        .doorbook(&["events", "tail", "--json", "--after", "0", "--lines", "1000"])
        .await;
    assert!(!events.contains("audit.read"), "nothing was shown: {events}");
}
