//! The table stays small.

use super::bed::{Bed, claim, client, defaults, on_both, wait};
use crate::throttle::{Guesser, Throttle};

on_both!(
    rows_that_mean_nothing_are_swept,
    table_of_an_attack_stays_within_its_capacity_and_keeps_the_newest,
    refused_attempts_make_no_rows,
    nothing_in_the_table_names_anybody,
);

async fn sweep(node: &Throttle) -> i64 {
    node.0.as_ref().unwrap().sweep().await.unwrap()
}

async fn rows_that_mean_nothing_are_swept(bed: &Bed) {
    let node = bed.node().await;
    for number in 0..15 {
        node.mail(&claim(&number.to_string()), client(number)).await.unwrap();
    }
    // An address, a /64 and a /48 each, a /40 and a /32 around them, and the ceiling.
    assert_eq!(sweep(&node).await, 48);
    bed.pass(60 * 60);
    assert_eq!(sweep(&node).await, 0);
}

async fn table_of_an_attack_stays_within_its_capacity_and_keeps_the_newest(bed: &Bed) {
    let mut settings = defaults();
    settings.capacity = 300;
    settings.login_global.limit = 1_000_000;
    let node = bed.node_with(&settings).await;
    for number in 0..400 {
        let name = claim(&format!("user {number}"));
        let taken = node.log_in(Guesser::Stranger(&name), client(number)).await;
        assert_eq!(wait(taken), None);
    }
    for _ in 0..5 {
        assert_eq!(
            wait(node.log_in(Guesser::Stranger(&claim("ada")), client(9999)).await),
            None
        );
        bed.pass(1);
    }
    assert!(sweep(&node).await <= 300);
    let other = bed.node_with(&settings).await;
    let ada = other.log_in(Guesser::Stranger(&claim("ada")), client(8888)).await;
    assert!(wait(ada).is_some(), "the lock of an account outlives the flood");
}

async fn refused_attempts_make_no_rows(bed: &Bed) {
    let mut settings = defaults();
    settings.login_global.limit = 10;
    let node = bed.node_with(&settings).await;
    for number in 0..500 {
        let name = claim(&format!("user {number}"));
        let _ = node.log_in(Guesser::Stranger(&name), client(number)).await;
    }
    assert_eq!(sweep(&node).await, 31, "ten attempts of three rows, and the ceiling");
}

async fn nothing_in_the_table_names_anybody(bed: &Bed) {
    let node = bed.node().await;
    node.mail(&claim("ada"), client(1)).await.unwrap();
    let inner = node.0.as_ref().unwrap();
    let keys = [
        inner.key(crate::throttle::Scope::MailAddress, claim("ada").0.as_bytes()),
        inner.key(crate::throttle::Scope::LoginAccount, claim("ada").0.as_bytes()),
    ];
    assert_ne!(keys[0], keys[1], "scopes have nothing in common");
    let other = Throttle::open(&defaults(), &bed.file(), &[8; 32], bed.clock.clone())
        .await
        .unwrap();
    let again = other
        .0
        .as_ref()
        .unwrap()
        .key(crate::throttle::Scope::MailAddress, claim("ada").0.as_bytes());
    assert_ne!(keys[0], again, "without the key nobody can look an address up");
}
