use std::fs;

use super::*;

const AT: Timestamp = Timestamp::from_micros(1_772_441_070_000_000);

fn message(to: &str, subject: &str) -> Vec<u8> {
    format!("To: {to}\r\nSubject: {subject}\r\nContent-Type: text/plain\r\n\r\nhello\r\n").into_bytes()
}

async fn store(directory: &Directory, number: u128, message: Vec<u8>) {
    let at = AT.plus(std::time::Duration::from_secs(u64::try_from(number).unwrap()));
    directory
        .store(at, Uuid::from_u128(number), "test", message)
        .await
        .unwrap();
}

#[tokio::test]
async fn messages_come_newest_first_and_are_found_by_their_id_only() {
    let place = tempfile::tempdir().unwrap();
    let directory = Directory::open(&place.path().join("mail")).unwrap();
    for number in 1..=3 {
        store(&directory, number, message("ada@example.org", &format!("n{number}"))).await;
    }
    fs::write(place.path().join("mail/.4-test.eml.part"), "unfinished").unwrap();
    fs::write(place.path().join("secret.eml"), message("x@example.org", "secret")).unwrap();
    let entries = directory.list(2).await.unwrap();
    let subjects: Vec<_> = entries.iter().map(|entry| entry.subject.as_str()).collect();
    assert_eq!(subjects, ["n3", "n2"]);
    assert!(
        entries[0].id.starts_with("20260302T084433000000Z-"),
        "{}",
        entries[0].id
    );
    let mail = directory.find(&entries[0].id).await.unwrap().unwrap();
    assert_eq!((mail.text.as_deref(), mail.html), (Some("hello\n"), None));
    for id in ["../secret", "", "nothing", "/etc/passwd"] {
        assert_eq!(directory.find(id).await.unwrap(), None, "{id}");
    }
}

#[tokio::test]
async fn message_stored_twice_is_there_once() {
    let place = tempfile::tempdir().unwrap();
    let directory = Directory::open(place.path()).unwrap();
    store(&directory, 1, message("ada@example.org", "first")).await;
    let (at, key) = (AT.plus(std::time::Duration::from_secs(1)), Uuid::from_u128(1));
    let again = message("ada@example.org", "again");
    directory.store(at, key, "test", again).await.unwrap();
    directory
        .store(at, key, "other", message("ada@example.org", "other"))
        .await
        .unwrap();
    let mut subjects: Vec<_> = directory
        .list(9)
        .await
        .unwrap()
        .into_iter()
        .map(|entry| entry.subject)
        .collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["again", "other"]);
}

#[tokio::test]
async fn what_a_crash_left_unfinished_is_deleted() {
    let place = tempfile::tempdir().unwrap();
    let directory = Directory::open(place.path()).unwrap();
    store(&directory, 1, message("bob@example.org", "x")).await;
    let part = place.path().join(".ada.eml.part");
    fs::write(&part, message("ada@example.org", "secret")).unwrap();
    directory.tidy().unwrap();
    assert!(!part.exists());
    assert_eq!(directory.list(9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn forgotten_address_has_no_mail_left_and_others_keep_theirs() {
    let place = tempfile::tempdir().unwrap();
    let directory = Directory::open(place.path()).unwrap();
    for (number, to) in (1..).zip([
        "ada@example.org",
        "Ada@EXAMPLE.org",
        "<ada@example.org>",
        "bob@example.org",
    ]) {
        store(&directory, number, message(to, "x")).await;
    }
    let ada = EmailAddress::parse("ADA@example.org").unwrap();
    assert_eq!(directory.forget(&ada).await.unwrap(), 3);
    assert_eq!(directory.forget(&ada).await.unwrap(), 0);
    let left: Vec<_> = directory
        .list(9)
        .await
        .unwrap()
        .into_iter()
        .map(|entry| entry.to)
        .collect();
    assert_eq!(left, ["bob@example.org"]);
}

#[tokio::test]
async fn message_that_is_being_made_is_waited_for_and_forgotten_with_the_others() {
    let place = tempfile::tempdir().unwrap();
    let directory = Directory::open(place.path()).unwrap();
    fs::write(place.path().join(".x.eml.part"), message("ada@example.org", "cut off")).unwrap();
    let making = directory.making().await.unwrap();
    let ada = EmailAddress::parse("ada@example.org").unwrap();
    let forgetting = {
        let (directory, ada) = (directory.clone(), ada.clone());
        tokio::spawn(async move { directory.forget(&ada).await.unwrap() })
    };
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(!forgetting.is_finished());
    store(&directory, 1, message("ada@example.org", "late")).await;
    drop(making);
    assert_eq!(forgetting.await.unwrap(), 1);
    let left = fs::read_dir(place.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert_eq!(left.collect::<Vec<_>>(), [LOCK]);
}
