//! What goes by mail: proving an address, moving to another one, setting a forgotten password.

mod address;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, Database, PASSWORD, Service};

on_each_store!(
    address_is_proven_by_mail_before_the_account_exists,
    owner_of_a_known_address_is_told_at_the_spelling_of_the_account,
    link_of_a_sign_up_is_sent_again,
    reset_sets_a_password_ends_every_session_and_works_once,
    reset_link_is_superseded_by_the_next_and_by_a_change_of_password,
    twenty_redemptions_at_once_have_one_success,
    dead_tokens_get_one_answer,
    link_that_may_be_anothers_activates_nobodys_password,
    first_mail_of_an_attempt_activates_its_own_password,
    forgotten_passwords_and_resends_get_the_same_bytes_for_all,
    spellings_of_one_address_at_once_make_one_account,
);

const ADA: &str = "ada@example.org";
const OTHER: &str = "six quiet herons over Utrecht";

async fn verify(caller: &Caller, token: &str) -> Answer {
    caller.post("/api/email/verify", &json!({"token": token})).await
}

async fn reset(caller: &Caller, token: &str, password: &str) -> Answer {
    let wish = json!({"token": token, "new_password": password});
    caller.post("/api/password/reset", &wish).await
}

async fn forgot(service: &Service, email: &str) -> Answer {
    let wish = json!({"email": email});
    service.anonymous().post("/api/password/forgot", &wish).await
}

/// Signs up, and follows the link of the mail of this number.
async fn sign_up(service: &Service, email: &str, mail: usize) {
    let caller = service.anonymous();
    caller.try_sign_up(email).await.unwrap().expect(202);
    let token = service.mail(mail).await.token();
    verify(&caller, &token).await.expect(204);
}

async fn log_in(service: &Service, email: &str, password: &str) -> u16 {
    let answer = service.anonymous().try_log_in(email, password).await.unwrap();
    answer.status.as_u16()
}

async fn address_is_proven_by_mail_before_the_account_exists(database: Database) {
    let service = Service::start_with_mail(database).await;
    let caller = service.anonymous();
    caller.try_sign_up(ADA).await.unwrap().expect(202);
    let mail = service.mail(1).await;
    assert!(mail.leads_to("verify") && mail.header("To").contains(ADA), "{mail:?}");
    caller
        .try_log_in(ADA, PASSWORD)
        .await
        .unwrap()
        .expect_problem(401, "invalid-credentials");
    let users = service.doorbook(&["user", "list", "--json"]).await;
    assert!(!users.contains(ADA), "{users}");

    let done = verify(&caller, &mail.token()).await.expect(204);
    assert_eq!(done.body, "");
    caller.log_in(ADA).await;
    let profile = caller.get("/api/me").await.expect(200).json();
    assert_eq!(
        (&profile["email"], &profile["email_verified"]),
        (&json!(ADA), &json!(true))
    );
    verify(&service.anonymous(), &mail.token())
        .await
        .expect_problem(410, "token-dead");
    assert!(!service.log().contains(&mail.token()), "a token is a secret");
    let events = service.doorbook(&["events", "tail", "--json", "--after", "0"]).await;
    assert!(!events.contains(&mail.token()), "a token is stored nowhere");
}

async fn owner_of_a_known_address_is_told_at_the_spelling_of_the_account(database: Database) {
    let service = Service::start_with_mail(database).await;
    sign_up(&service, ADA, 1).await;
    let wish = json!({"email": "ADA@Example.ORG", "password": OTHER});
    service.anonymous().post("/api/signup", &wish).await.expect(202);
    let mail = service.mail(2).await;
    assert_eq!(mail.header("Subject"), "You have an account already");
    assert!(mail.header("To").contains(ADA), "{mail:?}");
    assert!(!mail.leads_to("verify") && !mail.leads_to("reset"), "{mail:?}");
    assert_eq!(log_in(&service, ADA, OTHER).await, 401);
    assert_eq!(log_in(&service, ADA, PASSWORD).await, 200);
}

async fn link_of_a_sign_up_is_sent_again(database: Database) {
    let service = Service::start_with_mail(database).await;
    let caller = service.anonymous();
    caller.try_sign_up(ADA).await.unwrap().expect(202);
    let first = service.mail(1).await;
    let wish = json!({"email": "Ada@Example.org"});
    caller.post("/api/email/resend", &wish).await.expect(202);
    let second = service.mail(2).await;
    assert_eq!(
        second.token(),
        first.token(),
        "nothing of it is stored: it is made again"
    );
    assert!(second.header("To").contains(ADA));
    verify(&caller, &second.token()).await.expect(204);
    verify(&caller, &first.token()).await.expect_problem(410, "token-dead");
    caller.post("/api/email/resend", &wish).await.expect(202);
    forgot(&service, ADA).await.expect(202);
    let last = service.mail(3).await;
    assert!(
        last.leads_to("reset"),
        "nothing waits at the address any more: {last:?}"
    );
}

async fn reset_sets_a_password_ends_every_session_and_works_once(database: Database) {
    let service = Service::start_with_mail(database).await;
    sign_up(&service, ADA, 1).await;
    let desk = service.anonymous();
    desk.log_in(ADA).await;
    forgot(&service, ADA).await.expect(202);
    let mail = service.mail(2).await;
    assert!(mail.leads_to("reset"), "{mail:?}");
    let (phone, token) = (service.anonymous(), mail.token());

    let weak = reset(&phone, &token, "ada").await.expect_problem(422, "invalid").json();
    let fields = weak["errors"].as_array().unwrap();
    assert!(fields.len() > 1, "every rule at once: {weak}");
    assert!(fields.iter().all(|error| error["field"] == "new_password"), "{weak}");
    assert!(desk.is_signed_in().await, "a refused password changes nothing");
    verify(&phone, &token).await.expect_problem(410, "token-dead");

    reset(&phone, &token, OTHER).await.expect(204);
    assert!(!desk.is_signed_in().await);
    assert_eq!(log_in(&service, ADA, PASSWORD).await, 401);
    assert_eq!(log_in(&service, ADA, OTHER).await, 200);
    reset(&phone, &token, PASSWORD).await.expect_problem(410, "token-dead");
    let notice = service.mail(3).await;
    assert!(
        notice.header("To").contains(ADA) && !notice.leads_to("reset"),
        "{notice:?}"
    );
}

async fn reset_link_is_superseded_by_the_next_and_by_a_change_of_password(database: Database) {
    let service = Service::start_with_mail(database).await;
    sign_up(&service, ADA, 1).await;
    forgot(&service, ADA).await.expect(202);
    let first = service.mail(2).await.token();
    forgot(&service, ADA).await.expect(202);
    let second = service.mail(3).await.token();
    assert_ne!(first, second);
    reset(&service.anonymous(), &first, OTHER)
        .await
        .expect_problem(410, "token-dead");
    let desk = service.anonymous();
    desk.log_in(ADA).await;
    let wish = json!({"current_password": PASSWORD, "new_password": OTHER});
    desk.post("/api/password/change", &wish).await.expect(204);
    reset(&service.anonymous(), &second, PASSWORD)
        .await
        .expect_problem(410, "token-dead");
}

async fn twenty_redemptions_at_once_have_one_success(database: Database) {
    let service = Service::start_with_mail(database).await;
    sign_up(&service, ADA, 1).await;
    forgot(&service, ADA).await.expect(202);
    let token = service.mail(2).await.token();
    let passwords: Vec<_> = (0..20).map(|number| format!("{OTHER} {number} of twenty")).collect();
    let answers = join_all(passwords.iter().map(async |password| {
        let caller = service.anonymous();
        loop {
            let answer = reset(&caller, &token, password).await;
            // No room for so many hashes at once, or too many writers: it says when to come again.
            if !matches!(answer.status.as_u16(), 503 | 409) {
                return answer.status.as_u16();
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }))
    .await;
    assert_eq!(
        answers.iter().filter(|&&status| status == 204).count(),
        1,
        "{answers:?}"
    );
    assert_eq!(
        answers.iter().filter(|&&status| status == 410).count(),
        19,
        "{answers:?}"
    );
    let won = answers.iter().position(|&status| status == 204).unwrap();
    assert_eq!(log_in(&service, ADA, &passwords[won]).await, 200);
}

async fn dead_tokens_get_one_answer(database: Database) {
    let service = Service::start_with_mail(database).await;
    sign_up(&service, ADA, 1).await;
    let used = service.mail(1).await.token();
    forgot(&service, ADA).await.expect(202);
    let superseded = service.mail(2).await.token();
    forgot(&service, ADA).await.expect(202);
    let alive = service.mail(3).await.token();
    // Not its end, whose last bits may mean nothing.
    let forged = format!("{}{}", if alive.starts_with('A') { 'B' } else { 'A' }, &alive[1..]);
    let caller = service.anonymous();
    let mut bodies = Vec::new();
    for token in [
        json!(used),
        json!(superseded),
        json!(forged),
        json!("nonsense"),
        json!(" "),
        json!(""),
        Value::Null,
    ] {
        let wish = json!({"token": token, "new_password": OTHER});
        let answer = caller.post("/api/password/reset", &wish).await;
        bodies.push(answer.expect_problem(410, "token-dead").body);
        let answer = caller.post("/api/email/verify", &json!({"token": token})).await;
        bodies.push(answer.expect_problem(410, "token-dead").body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    caller
        .post("/api/email/verify", &json!({}))
        .await
        .expect_problem(422, "invalid");
    reset(&caller, &alive, OTHER).await.expect(204);
}

async fn forgotten_passwords_and_resends_get_the_same_bytes_for_all(database: Database) {
    let service = Service::start_with_mail(database).await;
    sign_up(&service, ADA, 1).await;
    service.anonymous().try_sign_up("waits@example.org").await.unwrap();
    sign_up(&service, "gone@example.org", 3).await;
    service.doorbook(&["user", "deactivate", "gone@example.org"]).await;
    for path in ["/api/password/forgot", "/api/email/resend"] {
        let mut bodies = Vec::new();
        for email in [ADA, "waits@example.org", "gone@example.org", "nobody@example.org"] {
            let before = service.events().await;
            let answer = service.anonymous().post(path, &json!({"email": email})).await;
            bodies.push(answer.expect(202).body);
            assert_eq!(service.events().await, before + 1, "{path}: {email}");
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "{path}: {bodies:?}");
        let wrong = service.anonymous().post(path, &json!({"email": "nonsense"})).await;
        wrong.expect_problem(422, "invalid");
    }
}

async fn spellings_of_one_address_at_once_make_one_account(database: Database) {
    let locals = [
        "café.info",
        "CAFÉ.INFO",
        "cafe\u{301}.info",
        "ｃａｆé.info",
        "café.ınfo",
    ];
    let hosts = [
        "bücher.example",
        "BÜCHER.Example",
        "bu\u{308}cher.example",
        "xn--bcher-kva.example",
        "ｂücher.EXAMPLE",
    ];
    let pairs = locals
        .iter()
        .flat_map(|local| hosts.map(|host| format!("{local}@{host}")));
    let spellings: Vec<_> = pairs.collect();
    let service = Service::start_with_mail(database).await;
    join_all((0..50).map(async |number: usize| {
        let caller = service.anonymous();
        let email = &spellings[number % spellings.len()];
        while caller.try_sign_up(email).await.unwrap().status != 202 {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }))
    .await;
    let mails = service.mails_until(50).await;
    let answers = join_all(mails.iter().map(async |mail| {
        let caller = service.anonymous();
        loop {
            let answer = verify(&caller, &mail.token()).await.status.as_u16();
            if answer != 409 {
                return answer;
            }
        }
    }))
    .await;
    assert_eq!(
        answers.iter().filter(|&&status| status == 204).count(),
        1,
        "{answers:?}"
    );
    assert_eq!(
        answers.iter().filter(|&&status| status == 410).count(),
        49,
        "{answers:?}"
    );
    let users = service.doorbook(&["user", "list", "--json"]).await;
    assert_eq!(users.matches("\"id\":").count(), 1, "{users}");
    for email in &spellings {
        assert_eq!(log_in(&service, email, PASSWORD).await, 200, "{email}");
    }
}

async fn resend(service: &Service, email: &str) -> Answer {
    let wish = json!({"email": email});
    service.anonymous().post("/api/email/resend", &wish).await.expect(202)
}

async fn sign_up_with(service: &Service, email: &str, password: &str) {
    let wish = json!({"email": email, "password": password, "name": "Mallory"});
    service.anonymous().post("/api/signup", &wish).await.expect(202);
}

/// An intruder signs up after the owner did, who then asks for another mail and follows the newest.
async fn link_that_may_be_anothers_activates_nobodys_password(database: Database) {
    const EVES: &str = "nine wet pebbles under the bridge";
    let service = Service::start_with_mail(database).await;
    service.anonymous().try_sign_up(ADA).await.unwrap().expect(202);
    let own = service.mail(1).await;
    let alone = resend(&service, ADA).await;
    assert_eq!(service.mail(2).await.token(), own.token(), "alone, it is the same link");
    sign_up_with(&service, ADA, EVES).await;
    let eves = service.mail(3).await;
    let beside = resend(&service, ADA).await;
    assert_eq!(alone.body, beside.body);
    let mail = service.mail(4).await;
    assert!(mail.leads_to("verify"), "{mail:?}");
    assert!(mail.token() != own.token() && mail.token() != eves.token());

    verify(&service.anonymous(), &mail.token()).await.expect(204);
    assert_eq!(log_in(&service, ADA, PASSWORD).await, 401);
    assert_eq!(log_in(&service, ADA, EVES).await, 401);
    for dead in [mail.token(), eves.token(), own.token()] {
        verify(&service.anonymous(), &dead)
            .await
            .expect_problem(410, "token-dead");
    }
    let letter = service.mail(5).await;
    assert!(letter.leads_to("reset"), "a password is chosen by a mail: {letter:?}");
    reset(&service.anonymous(), &letter.token(), OTHER).await.expect(204);
    let owner = service.anonymous();
    owner.try_log_in(ADA, OTHER).await.unwrap().expect(200);
    let profile = owner.get("/api/me").await.expect(200).json();
    assert_eq!(profile["email_verified"], true);
    assert!(
        profile.get("name").is_none(),
        "nor is the intruder's name taken: {profile}"
    );
}

/// The first mail of an attempt activates the password that was given with it, however many others wait.
async fn first_mail_of_an_attempt_activates_its_own_password(database: Database) {
    let service = Service::start_with_mail(database).await;
    service.anonymous().try_sign_up(ADA).await.unwrap().expect(202);
    let own = service.mail(1).await;
    sign_up_with(&service, ADA, OTHER).await;
    service.mail(2).await;
    resend(&service, ADA).await;
    service.mail(3).await;
    verify(&service.anonymous(), &own.token()).await.expect(204);
    assert_eq!(log_in(&service, ADA, PASSWORD).await, 200);
    assert_eq!(log_in(&service, ADA, OTHER).await, 401);
}
