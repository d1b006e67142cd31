use std::{fs, path::Path};

use super::{ADA, arrive, depart, log_in, log_in_by_redirect, person, service};
use crate::support::{CANARIES, Database, Kind, Provider, Service};

on_each_store!(nothing_of_a_provider_is_found_in_databases_log_lines_or_answers);

/// Every file under a directory that holds one of the texts.
fn found(directory: &Path, texts: &[&str]) -> Vec<String> {
    let mut hits = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            hits.extend(found(&path, texts));
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let holds = |text: &&&str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        hits.extend(
            texts
                .iter()
                .filter(holds)
                .map(|text| format!("{text} in {}", path.display())),
        );
    }
    hits
}

/// The same for every row of every table.
async fn found_in_tables(service: &Service, texts: &[&str]) -> Vec<String> {
    let tables = service.postgres().tables().await;
    assert!(tables.len() > 8);
    let hits = tables.iter().flat_map(|(name, rows)| {
        let texts = texts.iter().filter(move |text| rows.contains(**text));
        texts.map(move |text| format!("{text} in {name}"))
    });
    hits.collect()
}

/// What identity providers give is used once and stored nowhere.
async fn nothing_of_a_provider_is_found_in_databases_log_lines_or_answers(database: Database) {
    let kinds = [Kind::Google, Kind::Oidc, Kind::Github, Kind::Facebook];
    let mut providers = Vec::new();
    for (kind, name) in kinds.into_iter().zip(["google", "oidc", "github", "facebook"]) {
        providers.push(Provider::start(kind, name).await);
    }
    let all: Vec<&Provider> = providers.iter().collect();
    let mut service = service(database, &all, &[("LOG__LEVEL", "debug")]).await;
    let mut answers = Vec::new();
    for (number, provider) in (1..).zip(&providers) {
        let somebody = person(provider.kind, number, &format!("{}-{ADA}", provider.name));
        for _ in 0..2 {
            answers.push(log_in(&service.anonymous(), provider, &somebody).await);
        }
        answers.push(log_in_by_redirect(&service.anonymous(), provider, &somebody).await);
        // A code that was used, and one that the provider does not know.
        let caller = service.anonymous();
        let mut back = depart(&caller, provider, "login", &somebody).await;
        back.code = "canary-code-unknown".to_owned();
        let refused = arrive(&caller, provider, &back)
            .await
            .expect_problem(403, "provider-refused");
        answers.push(refused);
    }
    let events = service
        .doorbook(&["events", "tail", "--json", "--after", "0", "--lines", "10000"])
        .await;
    let mut hits = Vec::new();
    if database == Database::Postgres {
        hits = found_in_tables(&service, &CANARIES).await;
    }
    service.stop().await;
    let answers = format!("{answers:?}");
    for canary in CANARIES {
        assert!(!answers.contains(canary) && !events.contains(canary), "{canary}");
    }
    hits.extend(found(service.directory(), &CANARIES));
    assert_eq!(hits, Vec::<String>::new());
}
