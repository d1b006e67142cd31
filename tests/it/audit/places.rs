use std::fs;

use super::*;

on_each_store!(rows_of_the_book_tell_the_place_of_their_address);

const PLACES: &[u8] = include_bytes!("../../data/places.mmdb");

async fn rows_of_the_book_tell_the_place_of_their_address(database: Database) {
    let mut service = Service::prepare(database).await;
    let file = service.directory().join("places.mmdb");
    fs::write(&file, PLACES).unwrap();
    service.set("HTTP__TRUSTED_PROXIES", "127.0.0.0/8");
    service.set("AUDIT__GEOIP_FILE", file.to_str().unwrap());
    service.start_again().await;
    told(&service).await;
    let caller = auditor(&service).await;
    let path = format!("/api/audit/logins?ip={ADAS_IP}&outcome=success");
    let adas = rows(&caller, &path, 1).await;
    assert_eq!(
        (&adas[0]["city"], &adas[0]["country"]),
        (&json!("Linköping"), &json!("SE"))
    );
    let failed = rows(&caller, &format!("/api/audit/logins?ip={BOBS_IP}&outcome=failure"), 1).await;
    assert_eq!(failed[0]["city"], "Wellington");
    let own = items(&caller, &format!("/api/audit/logins?email={AUDITOR}")).await;
    assert!(
        own[0].get("city").is_none() && own[0].get("country").is_none(),
        "{own:?}"
    );

    let export = |format: &str| format!("/api/audit/logins/export?format={format}&ip={ADAS_IP}&outcome=success");
    let csv = caller.get(&export("csv")).await.expect(200).body;
    assert!(csv.contains(&format!("\"{ADAS_IP}\",\"Linköping\",\"SE\",")), "{csv}");
    let ndjson: Value = serde_json::from_str(&caller.get(&export("ndjson")).await.expect(200).body).unwrap();
    assert_eq!(ndjson, adas[0]);
    let ocsf: Value = serde_json::from_str(&caller.get(&export("ocsf")).await.expect(200).body).unwrap();
    let location = json!({"city": "Linköping", "country": "SE"});
    assert_eq!(ocsf["src_endpoint"]["location"], location);

    // It is looked up when it is read, and stands nowhere.
    let stored = service
        .doorbook(&["events", "tail", "--json", "--after", "0", "--lines", "10000"])
        .await;
    assert!(!stored.contains("Linköping") && !stored.contains("\"SE\""));
    service.stop().await;
    service.set("AUDIT__GEOIP_FILE", "");
    service.start_again().await;
    let again = auditor_again(&service).await;
    let row = &rows(&again, &path, 1).await[0];
    assert!(row.get("city").is_none() && row.get("country").is_none(), "{row}");
    assert_eq!(row["ip"], ADAS_IP);
}

async fn auditor_again(service: &Service) -> Caller {
    let caller = service.anonymous();
    caller.log_in(AUDITOR).await;
    caller
}

#[tokio::test]
async fn file_of_places_that_is_missing_or_broken_stops_the_start_with_one_sentence() {
    let mut service = Service::prepare(Database::Sqlite).await;
    let file = service.directory().join("places.mmdb");
    fs::write(&file, &PLACES[..700]).unwrap();
    for path in ["/nowhere/places.mmdb", file.to_str().unwrap()] {
        service.set("AUDIT__GEOIP_FILE", path);
        let output = service.output(&["serve"]).await;
        assert_eq!(output.status.code(), Some(78), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        let sentence = format!("audit.geoip_file: {path} cannot be read");
        let line = said
            .lines()
            .find(|line| line.contains(&sentence))
            .unwrap_or_else(|| panic!("{said}"));
        assert!(line.contains("remove the key"), "{said}");
    }
}
