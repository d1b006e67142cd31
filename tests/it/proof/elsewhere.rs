//! Proofs where the store is not: exports, and what a backup became.

use std::fs;

use serde_json::Value;

use super::{ADA, BOB, keep, must_be_sound, start, verify};
use crate::support::{Database, PASSWORD, Service};

on_each_store!(export_is_audited_where_there_is_no_store,);

async fn export_is_audited_where_there_is_no_store(database: Database) {
    let mut service = start(database).await;
    let ada = service.signed_up(ADA).await;
    ada.try_log_in(ADA, "another one").await.unwrap().expect(401);
    service.stop().await;
    let key = service.doorbook(&["audit", "key"]).await.trim().to_owned();
    let (note, all) = (
        service.doorbook(&["audit", "checkpoint"]).await,
        service.doorbook(&["events", "export"]).await,
    );
    for secret in [ADA, PASSWORD] {
        assert!(!all.contains(secret), "personal data stay sealed");
    }
    let elsewhere = Service::prepare(Database::Sqlite).await;
    let (file, checkpoint) = (
        elsewhere.directory().join("events.ndjson"),
        elsewhere.directory().join("c"),
    );
    fs::write(&checkpoint, note).unwrap();
    let arguments = [
        "--export",
        file.to_str().unwrap(),
        "--checkpoint",
        checkpoint.to_str().unwrap(),
        "--key",
        &key,
    ];
    fs::write(&file, &all).unwrap();
    let (code, report) = verify(&elsewhere, &arguments).await;
    assert_eq!((code, &report["sound"]), (0, &true.into()), "{report}");
    assert_eq!(report["covered"], report["events"]);

    let lines: Vec<&str> = all.lines().collect();
    let altered = lines[2].replace("\"sequence\":", "\"sequence\":1");
    let with = [&lines[..2], &[altered.as_str()], &lines[3..]].concat().join("\n") + "\n";
    fs::write(&file, with).unwrap();
    let (code, report) = verify(&elsewhere, &arguments).await;
    assert_eq!(code, 3);
    assert_eq!(
        (&report["findings"][0]["kind"], &report["findings"][0]["position"]),
        (&"altered".into(), &2.into())
    );
    assert!(!elsewhere.data().exists(), "no store was made");
    let alone = elsewhere
        .output(&["audit", "verify", "--export", file.to_str().unwrap(), "--key", &key])
        .await;
    assert_eq!(alone.status.code(), Some(2), "without a checkpoint nothing is proven");

    let part = service
        .doorbook(&["events", "export", "--from", "2", "--to", "3"])
        .await;
    fs::write(&file, part).unwrap();
    let (code, report) = verify(&elsewhere, &arguments).await;
    assert_eq!(code, 0, "{report}");
    let cloud = service.doorbook(&["events", "export", "--format", "cloudevents"]).await;
    assert_eq!(cloud.lines().count(), lines.len() - 2);
    assert!(cloud.lines().all(|line| line.contains("\"specversion\":\"1.0\"")));
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_that_was_restored_fits_the_checkpoints_before_it_and_signs_under_another_name() {
    let mut service = start(Database::Sqlite).await;
    service.signed_up(ADA).await;
    service.stop().await;
    let elsewhere = keep(&service);
    let shelf = service.directory().join("shelf");
    let said = service.doorbook(&["backup", shelf.to_str().unwrap(), "--json"]).await;
    let copied: Value = serde_json::from_str(&said).unwrap();
    service.start_again().await;
    service.signed_up(BOB).await;
    service.stop().await;
    let later = keep(&service);

    let mut other = Service::prepare(Database::Sqlite).await;
    fs::create_dir(other.data()).unwrap();
    fs::copy(service.data().join("master.key"), other.data().join("master.key")).unwrap();
    let before = other.directory().join("before");
    fs::create_dir(&before).unwrap();
    let last = copied["events"].as_u64().unwrap();
    for entry in fs::read_dir(&elsewhere).unwrap() {
        let file = entry.unwrap().path();
        let size: u64 = file.file_name().unwrap().to_str().unwrap()[..20].parse().unwrap();
        if size <= last {
            fs::copy(&file, before.join(file.file_name().unwrap())).unwrap();
        }
    }
    let (log, keys) = (copied["log"].as_str().unwrap(), copied["keys"].as_str().unwrap());
    other.doorbook(&["restore", "--log", log, "--keys", keys]).await;
    must_be_sound(&other, &before).await;
    other.start_again().await;
    other.signed_up("carol@example.org").await;
    other.stop().await;
    must_be_sound(&other, &before).await;
    assert_eq!(
        other.doorbook(&["audit", "key"]).await,
        service.doorbook(&["audit", "key"]).await
    );
    let newest = other.doorbook(&["audit", "checkpoint"]).await;
    assert!(newest.lines().next().unwrap().contains("/restored-"), "{newest}");
    // What was signed after the backup is not in the restored log, and that is said.
    let (code, report) = verify(&other, &["--against", later.to_str().unwrap()]).await;
    assert_eq!(code, 3, "{report}");
}
