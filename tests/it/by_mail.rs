//! Each flow that needs a mailbox, from end to end: the letters are read from a real mail server.

use std::fs;

use serde_json::json;

use crate::support::{Caller, Database, Kind, MailServer, PASSWORD, Person, Provider, Received, Service, eventually};

on_each_store!(every_flow_works_with_the_letters_of_a_mail_server);

const ADA: &str = "ada@example.org";
const NEW: &str = "countess@example.net";
const BOB: &str = "bob@example.org";
const EVE: &str = "eve@example.org";
const SECOND: &str = "six quiet herons over Utrecht";
const THIRD: &str = "nine wet pebbles under the bridge";

/// A service, its mail server, and a provider to link.
struct Stand {
    service: Service,
    server: MailServer,
    github: Provider,
}

impl Stand {
    async fn start(database: Database) -> Self {
        let mut server = MailServer::prepare();
        server.start(&[]);
        let github = Provider::start(Kind::Github, "github").await;
        let mut service = Service::prepare(database).await;
        service.set("MAIL__URL", &format!("smtp://127.0.0.1:{}", server.port()));
        service.set("SIGNUP__VERIFY_EMAIL", "true");
        github.configure(&mut service);
        service.start_again().await;
        Self {
            service,
            server,
            github,
        }
    }

    /// The letter of this name that is the n-th to the address, once it has come.
    async fn letter(&self, name: &str, to: &str, number: usize) -> Received {
        eventually(name, || async {
            let letters = self.server.letters(name);
            letters.into_iter().filter(|letter| letter.to == [to]).nth(number - 1)
        })
        .await
    }

    async fn token(&self, name: &str, to: &str, number: usize) -> String {
        self.letter(name, to, number).await.mail().token()
    }

    async fn verify(&self, token: &str) -> u16 {
        let wish = json!({"token": token});
        let answer = self.service.anonymous().post("/api/email/verify", &wish).await;
        answer.status.as_u16()
    }

    async fn reset(&self, email: &str, number: usize, password: &str) {
        let caller = self.service.anonymous();
        let wish = json!({"email": email});
        caller.post("/api/password/forgot", &wish).await.expect(202);
        let token = self.token("reset_password", email, number).await;
        let wish = json!({"token": token, "new_password": password});
        caller.post("/api/password/reset", &wish).await.expect(204);
        self.letter("password_reset", email, number).await;
    }

    async fn log_in(&self, email: &str, password: &str) -> Caller {
        let caller = self.service.anonymous();
        caller.try_log_in(email, password).await.unwrap().expect(200);
        caller
    }
}

async fn every_flow_works_with_the_letters_of_a_mail_server(database: Database) {
    let stand = Stand::start(database).await;
    sign_up_resend_and_known_address(&stand).await;
    // Another password, then another address, then another device: each is told.
    stand.reset(ADA, 1, SECOND).await;
    let desk = stand.log_in(ADA, SECOND).await;
    let wish = json!({"current_password": SECOND, "new_password": THIRD});
    desk.post("/api/password/change", &wish).await.expect(204);
    stand.letter("password_changed", ADA, 1).await;
    social_account_is_linked_and_unlinked(&stand, &desk).await;
    let wish = json!({"email": NEW});
    desk.post("/api/email/change", &wish).await.expect(202);
    let token = stand.token("confirm_address", NEW, 1).await;
    assert_eq!(stand.verify(&token).await, 204);
    stand.letter("address_changed", ADA, 1).await;
    let refused = stand.service.anonymous().try_log_in(ADA, THIRD).await.unwrap();
    refused.expect_problem(401, "invalid-credentials");
    desk.get("/api/sessions").await.expect(200);
    stand.log_in(NEW, THIRD).await;
    stand.letter("new_device", NEW, 1).await;
    person_without_a_password_sets_one(&stand).await;
}

async fn sign_up_resend_and_known_address(stand: &Stand) {
    let caller = stand.service.anonymous();
    for email in [ADA, BOB] {
        caller.try_sign_up(email).await.unwrap().expect(202);
    }
    assert_eq!(stand.verify(&stand.token("verify_address", ADA, 1).await).await, 204);
    stand.log_in(ADA, PASSWORD).await;
    let wish = json!({"email": BOB});
    caller.post("/api/email/resend", &wish).await.expect(202);
    let again = stand.token("verify_address", BOB, 2).await;
    assert_eq!(stand.verify(&again).await, 204);
    assert_eq!(stand.verify(&again).await, 410);
    stand.log_in(BOB, PASSWORD).await;
    caller.try_sign_up(ADA).await.unwrap().expect(202);
    let known = stand.letter("address_known", ADA, 1).await.mail();
    let (origin, way) = (stand.service.origin(), "/auth/reset");
    assert!(
        known.says(&format!("{origin}{way}")) && !known.leads_to("verify"),
        "{known:?}"
    );
}

async fn social_account_is_linked_and_unlinked(stand: &Stand, caller: &Caller) {
    let start = json!({"intent": "link"});
    let started = caller.post("/api/social/github/start", &start).await.expect(200).json();
    let url = started["authorize_url"].as_str().unwrap();
    let back = stand.github.agree(url, &Person::verified(7, "ada@elsewhere.example"));
    let linked = caller.post("/api/social/github", &back.body()).await.expect(200).json();
    stand.letter("social_linked", ADA, 1).await;
    let path = format!("/api/me/social-accounts/{}", linked["linked"]["id"].as_str().unwrap());
    caller.delete(&path).await.expect(204);
    stand.letter("social_unlinked", ADA, 1).await;
}

async fn person_without_a_password_sets_one(stand: &Stand) {
    let file = stand.service.directory().join("users.ndjson");
    fs::write(&file, json!({"email": EVE}).to_string()).unwrap();
    stand.service.doorbook(&["user", "import", "users.ndjson"]).await;
    stand.reset(EVE, 1, SECOND).await;
    stand.log_in(EVE, SECOND).await;
    assert_eq!(
        stand
            .server
            .letters("verify_address")
            .iter()
            .filter(|letter| letter.to == [EVE])
            .count(),
        0
    );
}
