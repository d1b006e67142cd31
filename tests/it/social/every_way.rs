//! A person's whole life with identity providers, through each kind of them, by page and by redirect.

use reqwest::Url;
use serde_json::json;

use super::{arrive, depart, linked, log_in, log_in_by_redirect, person, service, user_id};
use crate::support::{Caller, Database, Kind, PASSWORD, Person, Provider, Service, eventually};

on_each_store!(new_returning_link_unlink_and_second_provider_through_each_kind_by_page_and_by_redirect);

/// How a browser goes to the provider and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A page's script fetches.
    Page,
    /// Links and redirects only.
    Redirect,
}

impl Way {
    /// There and back: `None` with a session, else the name of what is in the way.
    async fn log_in(self, caller: &Caller, provider: &Provider, person: &Person) -> Option<String> {
        let problem = match self {
            Self::Page => {
                let answer = log_in(caller, provider, person).await;
                let kind = answer.json()["type"].as_str().map(str::to_owned);
                kind.map(|kind| kind.trim_start_matches("urn:doorbook:problem:").to_owned())
            }
            Self::Redirect => {
                let answer = log_in_by_redirect(caller, provider, person).await.expect(302);
                let base = Url::parse("http://localhost").unwrap();
                let target = base.join(answer.header("location").unwrap()).unwrap();
                assert_eq!(target.path(), "/welcome");
                let mut pairs = target.query_pairs();
                pairs
                    .find(|(name, _)| name == "social_error")
                    .map(|(_, problem)| problem.into_owned())
            }
        };
        assert_eq!(caller.is_signed_in().await, problem.is_none(), "{problem:?}");
        problem
    }
}

/// One row of the table: a kind of provider, another one, and a way.
struct Row<'a> {
    service: &'a Service,
    first: &'a Provider,
    second: &'a Provider,
    way: Way,
    number: u64,
}

async fn new_returning_link_unlink_and_second_provider_through_each_kind_by_page_and_by_redirect(database: Database) {
    let kinds = [Kind::Google, Kind::Oidc, Kind::Github, Kind::Facebook];
    let mut providers = Vec::new();
    for (kind, name) in kinds.into_iter().zip(["google", "oidc", "github", "facebook"]) {
        providers.push(Provider::start(kind, name).await);
    }
    let all: Vec<&Provider> = providers.iter().collect();
    let service = service(database, &all, &[("SIGNUP__VERIFY_EMAIL", "true")]).await;
    for (place, first) in providers.iter().enumerate() {
        for way in [Way::Page, Way::Redirect] {
            let row = Row {
                service: &service,
                first,
                second: &providers[(place + 1) % providers.len()],
                way,
                number: u64::try_from(place).unwrap() * 10 + u64::from(way == Way::Page),
            };
            let id = row.new_person_comes_in().await;
            row.person_returns(&id).await;
            row.second_provider_leads_to_the_same_account(&id).await;
            row.account_is_linked_and_unlinked().await;
        }
    }
}

impl Row<'_> {
    fn email(&self, who: &str) -> String {
        format!("{who}-{}-{:?}@example.org", self.first.name, self.way).to_lowercase()
    }

    /// Who comes with the first provider.
    fn ada(&self) -> Person {
        person(self.first.kind, 100 + self.number, &self.email("ada"))
    }

    async fn new_person_comes_in(&self) -> String {
        let (caller, ada) = (self.service.anonymous(), self.ada());
        let problem = self.way.log_in(&caller, self.first, &ada).await;
        if vouches(self.first) {
            assert_eq!(problem, None, "{:?}", self.first.kind);
        } else {
            assert_eq!(problem.as_deref(), Some("email-needed"));
            self.proven_account(&caller, &self.email("ada")).await;
            go_on(&caller, self.first).await;
        }
        assert_eq!(linked(&caller).await, [self.first.name.as_str()]);
        user_id(&caller).await
    }

    async fn person_returns(&self, id: &str) {
        for _ in 0..2 {
            let caller = self.service.anonymous();
            assert_eq!(self.way.log_in(&caller, self.first, &self.ada()).await, None);
            assert_eq!(user_id(&caller).await, id);
        }
    }

    async fn second_provider_leads_to_the_same_account(&self, id: &str) {
        let caller = self.service.anonymous();
        let again = person(self.second.kind, 200 + self.number, &self.email("ada"));
        match self.way {
            Way::Page => {
                assert_eq!(self.way.log_in(&caller, self.first, &self.ada()).await, None);
                link(&caller, self.second, &again).await;
            }
            Way::Redirect => {
                let problem = self.way.log_in(&caller, self.second, &again).await;
                assert_eq!(problem.as_deref(), Some(in_the_way(self.second)));
                assert_eq!(self.way.log_in(&caller, self.first, &self.ada()).await, None);
                go_on(&caller, self.second).await;
            }
        }
        assert_eq!(
            linked(&caller).await,
            [self.first.name.as_str(), self.second.name.as_str()]
        );
        let phone = self.service.anonymous();
        assert_eq!(self.way.log_in(&phone, self.second, &again).await, None);
        assert_eq!(user_id(&phone).await, id);
    }

    /// An account that has a password. By redirect, the identity waits until its owner has logged in.
    async fn account_is_linked_and_unlinked(&self) {
        let (caller, email) = (self.service.anonymous(), self.email("bob"));
        self.proven_account(&caller, &email).await;
        let id = user_id(&caller).await;
        let bob = match self.way {
            Way::Page => {
                let bob = person(self.first.kind, 300 + self.number, &self.email("elsewhere"));
                link(&caller, self.first, &bob).await;
                bob
            }
            Way::Redirect => {
                let bob = person(self.first.kind, 300 + self.number, &email);
                caller.try_log_out().await.unwrap().expect(200);
                let problem = self.way.log_in(&caller, self.first, &bob).await;
                assert_eq!(problem.as_deref(), Some(in_the_way(self.first)));
                caller.log_in(&email).await;
                go_on(&caller, self.first).await;
                bob
            }
        };
        let phone = self.service.anonymous();
        assert_eq!(self.way.log_in(&phone, self.first, &bob).await, None);
        assert_eq!(user_id(&phone).await, id);

        let list = caller.get("/api/me/social-accounts").await.expect(200).json();
        let path = format!("/api/me/social-accounts/{}", list["items"][0]["id"].as_str().unwrap());
        caller.delete(&path).await.expect(204);
        assert!(linked(&caller).await.is_empty());
        assert!(!phone.is_signed_in().await, "what it opened is closed");
        // It leads to this account no more; to another, where it has an address that is free.
        let stranger = self.service.anonymous();
        match self.way.log_in(&stranger, self.first, &bob).await.as_deref() {
            None => assert!(self.way == Way::Page && vouches(self.first) && user_id(&stranger).await != id),
            Some(problem) => assert_eq!(problem, in_the_way(self.first)),
        }
    }

    /// Signs up, follows the mailed link and logs in.
    async fn proven_account(&self, caller: &Caller, email: &str) {
        caller.try_sign_up(email).await.unwrap().expect(202);
        let token = eventually("the link arrives", || async {
            let mails = self.service.mails();
            let mut mine = mails.iter().filter(|mail| mail.header("To").contains(email));
            mine.find(|mail| mail.leads_to("verify")).map(|mail| mail.token())
        });
        let token = json!({"token": token.await});
        caller.post("/api/email/verify", &token).await.expect(204);
        caller.try_log_in(email, PASSWORD).await.unwrap().expect(200);
    }
}

fn vouches(provider: &Provider) -> bool {
    provider.kind != Kind::Facebook
}

/// What an identity meets that comes to an account of somebody by its address.
fn in_the_way(provider: &Provider) -> &'static str {
    if vouches(provider) {
        "proof-needed"
    } else {
        "email-needed"
    }
}

async fn link(caller: &Caller, provider: &Provider, somebody: &Person) {
    let back = depart(caller, provider, "link", somebody).await;
    let answer = arrive(caller, provider, &back).await.expect(200).json();
    assert_eq!(answer["linked"]["provider"]["id"], provider.name.as_str());
}

async fn go_on(caller: &Caller, provider: &Provider) {
    let path = format!("/api/social/{}/continue", provider.name);
    let answer = caller.post(&path, &json!({})).await.expect(200).json();
    assert_eq!(answer["linked"]["provider"]["id"], provider.name.as_str());
}
