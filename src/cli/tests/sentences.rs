//! What commands say to people.

use clap::Parser as _;

use super::{Cli, data_of};
use crate::{
    cli::{audit::told, doctor::state},
    hashing::rules::Broken,
    proof::audit::Report,
};

fn report(covered: u64) -> Report {
    Report {
        sound: true,
        events: 22,
        checkpoints: 3,
        covered,
        not_compared: 0,
        findings: Vec::new(),
    }
}

#[test]
fn audit_names_the_events_that_no_checkpoint_covers() {
    let young = told(&report(1), true);
    assert!(
        young.contains("Events 2 to 22 are covered by no checkpoint yet"),
        "{young}"
    );
    assert!(young.contains("`audit.checkpoint_every`"), "{young}");
    // Nothing signs for an export any more.
    let export = told(&report(1), false);
    assert!(
        export.ends_with("Events 2 to 22 are covered by no checkpoint."),
        "{export}"
    );
    assert!(!told(&report(22), true).contains("by no checkpoint"));
}

#[test]
fn provider_that_publishes_nothing_is_not_said_to_be_fine() {
    assert_eq!(state(None, true), "fine");
    assert!(state(None, false).contains("publishes nothing that could be asked"));
    assert_eq!(state(Some("down"), false), "down");
}

#[test]
fn run_that_is_no_id_is_told_where_ids_are() {
    let error = Cli::try_parse_from(["doorbook", "projections", "cancel", "sessions", "1"]).unwrap_err();
    assert!(
        error.to_string().contains("`doorbook projections runs` prints"),
        "{error}"
    );
}

#[test]
fn reason_against_a_password_goes_on_in_the_sentence() {
    let broken = Broken::TooWeak("A word by itself is easy to guess.".to_owned());
    assert_eq!(
        broken.to_string(),
        "this password would be guessed too soon: a word by itself is easy to guess."
    );
}

#[tokio::test]
async fn no_webhook_is_said_to_be_none() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().to_str().unwrap();
    data_of(&["doorbook", "user", "list", "--data-dir", dir])
        .await
        .unwrap_err();
    let hash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$u5Z3hZ9GQ0pQ2nRyC1c1vG0o4nVQXr4mJm9mT2mN0bA";
    let create = ["doorbook", "user", "create", "a@example.org", "--password-hash", hash];
    data_of(&[&create[..], &["--data-dir", dir]].concat()).await.unwrap();
    let said = data_of(&["doorbook", "webhooks", "list", "--data-dir", dir])
        .await
        .unwrap();
    assert_eq!(said, "No webhook is configured here.\n");
}
