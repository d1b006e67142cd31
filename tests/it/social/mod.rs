//! Identity providers: coming in, linking, and everything that must not work.

mod backdoors;
mod browser;
mod certified;
mod every_way;
mod flood;
mod hook;
mod lies;
mod linking;
mod real;
mod refused;
mod rules;
mod secrets;
mod takeover;
mod ways_in;

use crate::support::{Answer, Back, Caller, Database, Kind, Person, Provider, Service};
use serde_json::json;

const ADA: &str = "ada@example.org";

/// A service that knows these providers.
async fn service(database: Database, providers: &[&Provider], settings: &[(&str, &str)]) -> Service {
    let mut service = Service::prepare(database).await;
    for provider in providers {
        provider.configure(&mut service);
    }
    for (key, value) in settings {
        service.set(key, value);
    }
    service.start_again().await;
    service
}

/// Goes to the provider as a page does, and agrees there.
async fn depart(caller: &Caller, provider: &Provider, intent: &str, person: &Person) -> Back {
    let path = format!("/api/social/{}/start", provider.name);
    let answer = caller.post(&path, &json!({"intent": intent})).await.expect(200).json();
    provider.agree(answer["authorize_url"].as_str().unwrap(), person)
}

/// Comes back as a page does.
async fn arrive(caller: &Caller, provider: &Provider, back: &Back) -> Answer {
    caller
        .post(&format!("/api/social/{}", provider.name), &back.body())
        .await
}

/// There and back.
async fn log_in(caller: &Caller, provider: &Provider, person: &Person) -> Answer {
    let back = depart(caller, provider, "login", person).await;
    arrive(caller, provider, &back).await
}

/// There and back, by redirects only.
async fn log_in_by_redirect(caller: &Caller, provider: &Provider, person: &Person) -> Answer {
    let path = format!("/api/social/{}/login?return_to=/welcome", provider.name);
    let there = caller.get(&path).await.expect(302);
    let back = provider.agree(there.header("location").unwrap(), person);
    caller
        .get(&format!("/api/social/{}/callback?{}", provider.name, back.query()))
        .await
}

async fn user_id(caller: &Caller) -> String {
    let me = caller.get("/api/me").await.expect(200).json();
    me["id"].as_str().unwrap().to_owned()
}

async fn linked(caller: &Caller) -> Vec<String> {
    let list = caller.get("/api/me/social-accounts").await.expect(200).json();
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["provider"]["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Somebody whom this kind of provider vouches for, where it vouches for anybody.
fn person(kind: Kind, id: u64, email: &str) -> Person {
    Person {
        verified: kind != Kind::Facebook,
        ..Person::verified(id, email)
    }
}
