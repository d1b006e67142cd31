use super::{act, admin, id_of, set_roles, with_roles};
use crate::support::{Answer, Database, Service};

on_each_store!(
    last_admin_can_be_neither_demoted_nor_deactivated_nor_erased,
    two_admins_cannot_remove_each_other_at_once,
    of_admins_who_remove_each_other_the_second_is_none_any_more,
);

async fn last_admin_can_be_neither_demoted_nor_deactivated_nor_erased(database: Database) {
    let service = Service::start(database).await;
    let ada = admin(&service, "ada@example.org").await;
    let id = id_of(&ada).await;
    set_roles(&ada, &id, &["auditor"])
        .await
        .expect_problem(409, "last-admin");
    act(&ada, &id, "deactivate").await.expect_problem(409, "last-admin");
    act(&ada, &id, "erase").await.expect_problem(409, "last-admin");
    assert!(ada.is_signed_in().await);

    let bob = with_roles(&service, "bob@example.org", &[]).await;
    set_roles(&ada, &id_of(&bob).await, &["admin"]).await.expect(200);
    let gone = set_roles(&ada, &id, &[]).await.expect(200);
    assert_eq!(gone.json()["roles"], serde_json::json!([]));
    assert!(!ada.is_signed_in().await, "the own session ends, too");
}

fn statuses(answers: [Answer; 2]) -> [u16; 2] {
    let mut statuses = answers.map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    statuses
}

async fn two_admins_cannot_remove_each_other_at_once(database: Database) {
    for what in ["deactivate", "erase"] {
        let service = Service::start(database).await;
        let (first, second) = (
            admin(&service, "ada@example.org").await,
            admin(&service, "bob@example.org").await,
        );
        let (one, other) = (id_of(&first).await, id_of(&second).await);
        let both = tokio::join!(act(&first, &other, what), act(&second, &one, what));
        let statuses = statuses([both.0, both.1]);
        assert!([[204, 401], [204, 409]].contains(&statuses), "{what}: {statuses:?}");
        let left = [first.is_signed_in().await, second.is_signed_in().await];
        assert_eq!(left.iter().filter(|&&there| there).count(), 1, "{what}");
    }
}

async fn of_admins_who_remove_each_other_the_second_is_none_any_more(database: Database) {
    let service = Service::start(database).await;
    // With a third one the last admin is not at stake.
    admin(&service, "carol@example.org").await;
    let (first, second) = (
        admin(&service, "ada@example.org").await,
        admin(&service, "bob@example.org").await,
    );
    let (one, other) = (id_of(&first).await, id_of(&second).await);
    let both = tokio::join!(set_roles(&first, &other, &[]), set_roles(&second, &one, &[]));
    assert_eq!(statuses([both.0, both.1]), [200, 401]);
}
