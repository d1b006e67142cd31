//! How long one waits, and that it is true.

use std::{net::Ipv6Addr, time::Duration};

use doorbook_domain::id::UserId;
use uuid::Uuid;

use super::bed::{Bed, claim, client, defaults, fails, on_both, wait};
use crate::throttle::{Guesser, Scope, Throttle};

on_both!(
    wait_after_failures_doubles_up_to_an_hour_and_is_true,
    hundredth_failure_in_a_row_is_the_last_until_it_is_forgotten,
    first_failure_waits_where_none_is_free,
    proofs_of_a_session_wait_too,
    window_becomes_free_one_by_one,
    longest_wait_of_several_is_told,
    mails_are_counted_by_address_and_network,
    holder_of_a_wide_network_leaves_mail_for_others,
    redemptions_are_counted_by_token_and_network,
    sign_ups_and_judged_passwords_are_counted_by_network,
    sign_ins_begun_at_providers_are_counted_by_network,
    questions_to_the_book_are_counted_by_who_asks,
);

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

async fn guess(node: &Throttle, network: u16) -> Option<u64> {
    let taken = node.log_in(Guesser::Stranger(&claim("ada")), client(network)).await;
    wait(taken).map(|wait| {
        assert_eq!(wait.subsec_nanos(), 0, "the clock stands");
        wait.as_secs()
    })
}

async fn wait_after_failures_doubles_up_to_an_hour_and_is_true(bed: &Bed) {
    let node = bed.node().await;
    for network in 0..5 {
        assert_eq!(guess(&node, network).await, None);
    }
    let waits = [30, 60, 120, 240, 480, 960, 1920, HOUR, HOUR, HOUR];
    for (network, expected) in (10..).zip(waits) {
        assert_eq!(guess(&node, network).await, Some(expected));
        bed.pass(expected - 1);
        assert_eq!(guess(&node, network).await, Some(1), "not a second before");
        bed.pass(1);
        assert_eq!(guess(&node, network).await, None, "then it passes");
    }
}

async fn hundredth_failure_in_a_row_is_the_last_until_it_is_forgotten(bed: &Bed) {
    let node = bed.node().await;
    for network in 0..100 {
        if let Some(wait) = guess(&node, network).await {
            bed.pass(wait);
            assert_eq!(guess(&node, network).await, None);
        }
    }
    let month = 30 * 24 * HOUR;
    assert_eq!(guess(&node, 200).await, Some(month));
    bed.pass(month);
    for network in 201..206 {
        assert_eq!(guess(&node, network).await, None);
    }
    assert_eq!(guess(&node, 300).await, Some(30));
}

async fn first_failure_waits_where_none_is_free(bed: &Bed) {
    let mut settings = defaults();
    settings.login_account = 1;
    let node = bed.node_with(&settings).await;
    assert_eq!(guess(&node, 1).await, None);
    assert_eq!(guess(&node, 2).await, Some(30));
    bed.pass(30);
    assert_eq!(guess(&node, 3).await, None);
    assert_eq!(guess(&node, 4).await, Some(60));
}

async fn proofs_of_a_session_wait_too(bed: &Bed) {
    let (node, ada, bob) = (bed.node().await, UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
    for _ in 0..5 {
        fails(&node.proof(ada).await);
    }
    assert_eq!(wait(node.proof(ada).await), Some(Duration::from_secs(30)));
    let right = node.proof(bob).await.unwrap();
    node.passed(right).await;
    bed.pass(30);
    let right = node.proof(ada).await.unwrap();
    node.passed(right).await;
    for _ in 0..5 {
        fails(&node.proof(ada).await);
    }
}

async fn window_becomes_free_one_by_one(bed: &Bed) {
    let (node, ada) = (bed.node().await, claim("ada"));
    for network in 0..5 {
        assert_eq!(wait(node.mail(&ada, client(network)).await), None);
    }
    // Five an hour: one in twelve minutes.
    let step = Duration::from_mins(12);
    for network in 10..20 {
        assert_eq!(wait(node.mail(&ada, client(network)).await), Some(step));
        bed.pass(12 * MINUTE);
        assert_eq!(wait(node.mail(&ada, client(network)).await), None);
    }
    bed.pass(10 * HOUR);
    for network in 0..5 {
        assert_eq!(wait(node.mail(&ada, client(network)).await), None);
    }
    assert_eq!(
        wait(node.mail(&ada, client(9)).await),
        Some(step),
        "no more than a window is saved up"
    );
}

async fn longest_wait_of_several_is_told(bed: &Bed) {
    let node = bed.node().await;
    for number in 0..15 {
        fails(
            &node
                .log_in(Guesser::Stranger(&claim(&number.to_string())), client(1))
                .await,
        );
    }
    for _ in 0..5 {
        assert_eq!(guess(&node, 1).await, None);
    }
    // The network is full as well, and has room for one in 30 seconds; the account waits longer.
    bed.pass(30);
    assert_eq!(guess(&node, 1).await, None);
    assert_eq!(guess(&node, 1).await, Some(60));
    bed.pass(60);
    assert_eq!(guess(&node, 1).await, None);
}

async fn mails_are_counted_by_address_and_network(bed: &Bed) {
    let node = bed.node().await;
    for number in 0..20 {
        assert_eq!(wait(node.mail(&claim(&number.to_string()), client(1)).await), None);
    }
    assert!(wait(node.mail(&claim("ada"), client(1)).await).is_some());
    for network in 2..7 {
        assert_eq!(wait(node.mail(&claim("ada"), client(network)).await), None);
    }
    assert!(
        wait(node.sign_up(&claim("ada"), client(7)).await).is_some(),
        "a sign-up is a mail"
    );
}

async fn holder_of_a_wide_network_leaves_mail_for_others(bed: &Bed) {
    let node = bed.node().await;
    let ask = async |name: String, ip: Ipv6Addr| wait(node.mail(&claim(&name), Some(ip.into())).await);
    // A /48 for each mail, all of one /40: a tenth of the ceiling.
    for number in 0..200_u16 {
        let ip = Ipv6Addr::new(0x2001, 0xdb8, number, 0, 0, 0, 0, 1);
        assert_eq!(ask(format!("a{number}"), ip).await, None);
    }
    for number in 0..200_u16 {
        let ip = Ipv6Addr::new(0x2001, 0xdb8, number, 1, 0, 0, 0, 1);
        assert_eq!(ask(format!("b{number}"), ip).await.is_some(), number >= 160, "{number}");
    }
    let elsewhere = Ipv6Addr::new(0x2001, 0xdb9, 0, 0, 0, 0, 0, 1);
    assert_eq!(ask("ada".to_owned(), elsewhere).await, None, "others go on");
    assert_eq!(wait(node.mail(&claim("bob"), Some([192, 0, 2, 1].into())).await), None);
    let refused = node.refusals().into_iter().find(|(_, count)| *count > 0);
    assert_eq!(refused, Some((Scope::MailWide, 40)));
}

async fn redemptions_are_counted_by_token_and_network(bed: &Bed) {
    let node = bed.node().await;
    for network in 0..20 {
        assert_eq!(wait(node.redemption("a token", client(network)).await), None);
    }
    assert!(wait(node.redemption("a token", client(30)).await).is_some());
    for number in 0..20 {
        assert_eq!(wait(node.redemption(&number.to_string(), client(40)).await), None);
    }
    assert_eq!(
        wait(node.redemption("another", client(40)).await),
        Some(Duration::from_secs(3))
    );
    assert_eq!(wait(node.redemption("another", client(41)).await), None);
}

async fn sign_ups_and_judged_passwords_are_counted_by_network(bed: &Bed) {
    let node = bed.node().await;
    for number in 0..10 {
        assert_eq!(wait(node.sign_up(&claim(&number.to_string()), client(1)).await), None);
    }
    assert!(wait(node.sign_up(&claim("ada"), client(1)).await).is_some());
    assert_eq!(wait(node.sign_up(&claim("ada"), client(2)).await), None);
    for _ in 0..30 {
        assert_eq!(wait(node.judging(client(1)).await), None);
    }
    assert!(wait(node.judging(client(1)).await).is_some());
    assert_eq!(wait(node.judging(None).await), None);
}

async fn sign_ins_begun_at_providers_are_counted_by_network(bed: &Bed) {
    let node = bed.node().await;
    for _ in 0..60 {
        assert_eq!(wait(node.flow(client(1)).await), None);
    }
    assert!(wait(node.flow(client(1)).await).is_some());
    assert_eq!(wait(node.flow(client(2)).await), None);
}

async fn questions_to_the_book_are_counted_by_who_asks(bed: &Bed) {
    let node = bed.node().await;
    let (auditor, another) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
    for _ in 0..3_000 {
        node.question(auditor).await.unwrap();
    }
    let refused = wait(node.question(auditor).await);
    assert_eq!(refused, Some(Duration::from_millis(1_200)), "one becomes free");
    node.question(another).await.unwrap();
    bed.pass(2);
    node.question(auditor).await.unwrap();
}
