//! Who gets through, and who does not.

use std::net::{IpAddr, Ipv6Addr};

use doorbook_domain::id::UserId;
use futures_util::future::join_all;
use uuid::Uuid;

use super::bed::{Bed, claim, client, fails, on_both, wait};
use crate::throttle::{Device, Devices, Guesser, Scope, Throttle};

on_both!(
    parallel_guesses_at_one_account_get_through_as_often_as_the_rule_allows,
    guesses_on_two_nodes_are_counted_together,
    addresses_of_one_64_are_counted_together,
    networks_of_one_48_are_counted_together,
    ceiling_of_all_holds_for_attackers_from_everywhere,
    refused_attempt_is_taken_from_no_counter,
    good_login_clears_the_row_of_the_account_and_nothing_of_the_network,
    attempt_that_was_not_judged_does_not_count,
    browser_that_its_owner_used_is_shut_out_by_nobody_else,
    known_browser_has_a_limit_of_its_own,
    proven_owner_is_forgiven,
    refusals_are_counted_by_scope,
);

const ADA: UserId = UserId(Uuid::from_u128(1));

fn browser() -> Device {
    let cookie = Devices::new(&[3; 32]).write(None, &claim("ada"), ADA, 0);
    Devices::read(&cookie).unwrap()
}

async fn guess(node: &Throttle, name: &str, ip: Option<IpAddr>) -> bool {
    wait(node.log_in(Guesser::Stranger(&claim(name)), ip).await).is_none()
}

fn count(passed: Vec<bool>) -> usize {
    passed.into_iter().filter(|passed| *passed).count()
}

async fn parallel_guesses_at_one_account_get_through_as_often_as_the_rule_allows(bed: &Bed) {
    let node = bed.node().await;
    let guesses = (0..200).map(|network| guess(&node, "ada", client(network)));
    assert_eq!(count(join_all(guesses).await), 5);
}

async fn guesses_on_two_nodes_are_counted_together(bed: &Bed) {
    let (one, other) = (bed.node().await, bed.node().await);
    let guesses = (0..200).map(|number| {
        let node = if number % 2 == 0 { &one } else { &other };
        guess(node, "ada", client(number))
    });
    assert_eq!(count(join_all(guesses).await), 5);
}

async fn addresses_of_one_64_are_counted_together(bed: &Bed) {
    let node = bed.node().await;
    let guesses = (0..200_u16).map(async |host| {
        let ip = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, host, 0, host, host);
        guess(&node, &format!("user {host}"), Some(ip.into())).await
    });
    assert_eq!(count(join_all(guesses).await), 20);
    assert!(guess(&node, "ada", client(2)).await, "another network is another");
}

async fn networks_of_one_48_are_counted_together(bed: &Bed) {
    let node = bed.node().await;
    let guesses = (0..300_u16).map(async |subnet| {
        let ip = Ipv6Addr::new(0x2001, 0xdb8, 7, subnet, 0, 0, 0, 1);
        guess(&node, &format!("user {subnet}"), Some(ip.into())).await
    });
    assert_eq!(count(join_all(guesses).await), 200);
}

async fn ceiling_of_all_holds_for_attackers_from_everywhere(bed: &Bed) {
    let node = bed.node().await;
    let guesses = (0..700_u16).map(async |number| guess(&node, &format!("user {number}"), client(number)).await);
    assert_eq!(count(join_all(guesses).await), 600);
    let known = Guesser::Known(&browser(), ADA);
    assert_eq!(
        wait(node.log_in(known, client(1)).await),
        None,
        "known browsers log in meanwhile"
    );
}

async fn refused_attempt_is_taken_from_no_counter(bed: &Bed) {
    let (node, ada) = (bed.node().await, claim("ada"));
    for network in 0..5 {
        fails(&node.log_in(Guesser::Stranger(&ada), client(100 + network)).await);
    }
    for _ in 0..30 {
        // Another node, so that the memory of the first does not spare the table.
        let other = bed.node().await;
        assert!(!guess(&other, "ada", client(1)).await);
    }
    let others = (0..30).map(async |number| guess(&node, &format!("user {number}"), client(1)).await);
    assert_eq!(count(join_all(others).await), 20, "the network has all of its attempts");
}

async fn good_login_clears_the_row_of_the_account_and_nothing_of_the_network(bed: &Bed) {
    let (node, ada) = (bed.node().await, claim("ada"));
    for _ in 0..4 {
        fails(&node.log_in(Guesser::Stranger(&ada), client(1)).await);
    }
    let right = node.log_in(Guesser::Stranger(&ada), client(1)).await.unwrap();
    node.passed(right).await;
    for _ in 0..5 {
        fails(&node.log_in(Guesser::Stranger(&ada), client(2)).await);
    }
    assert!(!guess(&node, "ada", client(3)).await);
    let others = (0..30).map(async |number| guess(&node, &format!("user {number}"), client(1)).await);
    assert_eq!(
        count(join_all(others).await),
        16,
        "four failures count on, the good login does not"
    );
}

async fn attempt_that_was_not_judged_does_not_count(bed: &Bed) {
    let (node, ada) = (bed.node().await, claim("ada"));
    for _ in 0..50 {
        let counted = node.log_in(Guesser::Stranger(&ada), client(1)).await.unwrap();
        node.withdraw(counted).await;
    }
    for _ in 0..4 {
        fails(&node.log_in(Guesser::Stranger(&ada), client(1)).await);
    }
    let last = node.log_in(Guesser::Stranger(&ada), client(1)).await.unwrap();
    assert!(!guess(&node, "ada", client(1)).await);
    node.withdraw(last).await;
    assert!(guess(&node, "ada", client(1)).await);
}

async fn browser_that_its_owner_used_is_shut_out_by_nobody_else(bed: &Bed) {
    let (node, browser) = (bed.node().await, browser());
    for network in 0..40 {
        guess(&node, "ada", client(network)).await;
        guess(&node, &format!("user {network}"), client(1)).await;
    }
    assert!(!guess(&node, "ada", client(50)).await, "the account is locked");
    assert!(!guess(&node, "bob", client(1)).await, "the network is, too");
    let right = node.log_in(Guesser::Known(&browser, ADA), client(1)).await.unwrap();
    node.passed(right).await;
    assert!(
        !guess(&node, "ada", client(50)).await,
        "that lifts the lock for nobody else"
    );
}

async fn known_browser_has_a_limit_of_its_own(bed: &Bed) {
    let (node, own, other) = (bed.node().await, browser(), browser());
    for _ in 0..5 {
        fails(&node.log_in(Guesser::Known(&own, ADA), client(1)).await);
    }
    assert!(wait(node.log_in(Guesser::Known(&own, ADA), client(1)).await).is_some());
    assert_eq!(wait(node.log_in(Guesser::Known(&other, ADA), client(1)).await), None);
    assert!(guess(&node, "ada", client(1)).await);
}

async fn proven_owner_is_forgiven(bed: &Bed) {
    let (node, ada) = (bed.node().await, claim("ada"));
    for _ in 0..5 {
        fails(&node.log_in(Guesser::Stranger(&ada), client(1)).await);
    }
    assert!(!guess(&node, "ada", client(2)).await);
    node.forgive(&ada).await;
    assert!(guess(&node, "ada", client(2)).await);
}

async fn refusals_are_counted_by_scope(bed: &Bed) {
    let node = bed.node().await;
    for network in 0..12 {
        guess(&node, "ada", client(network)).await;
    }
    let refused = node.refusals().into_iter().filter(|(_, count)| *count > 0);
    assert_eq!(refused.collect::<Vec<_>>(), [(Scope::LoginAccount, 7)]);
}

#[tokio::test]
async fn switched_off_lets_everything_through() {
    let node = Throttle::off();
    for _ in 0..1000 {
        assert!(guess(&node, "ada", client(1)).await);
        node.mail(&claim("ada"), None).await.unwrap();
    }
    node.check().await.unwrap();
}
