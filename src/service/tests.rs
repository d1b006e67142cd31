//! Operations over a real embedded store, called in an order that HTTP hardly ever gives.

use std::sync::Arc;

use doorbook_openapi::app::{App as _, LogIn, Opened, Origin, Refusal, Secret, SignUp};
use doorbook_projections::log::{Position, Recorded};
use tempfile::TempDir;

use super::*;
use crate::{
    config::{Config, Sources},
    open::{self, Durable},
};

mod admins;
mod book;
mod identities;
mod lifetimes;
mod mailed;
mod retention;
mod social;

const ADA: &str = "ada@example.org";
const PASSWORD: &str = "correct horse battery staple";
const OTHER: &str = "a violet anchor in the tundra";

/// A service without its background processes.
struct Bed {
    service: Service,
    directory: TempDir,
}

impl Bed {
    /// Whose addresses need no proof.
    async fn new() -> Self {
        Self::with(false, None).await
    }

    async fn with(verify: bool, clock: Option<Clock>) -> Self {
        Self::with_settings(verify, clock, &[]).await
    }

    async fn with_settings(verify: bool, clock: Option<Clock>, settings: &[(&'static str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().display().to_string();
        let mut flags = vec![
            ("--data-dir", "data.dir".to_owned(), data),
            ("--verify-email", "signup.verify_email".to_owned(), verify.to_string()),
        ];
        flags.extend(
            settings
                .iter()
                .map(|(key, value)| ("--set", (*key).to_owned(), (*value).to_owned())),
        );
        let sources = Sources {
            file: None,
            environment: Vec::new(),
            flags,
        };
        let config = Config::load(&sources).unwrap();
        let durable = Durable::open(&config).await.unwrap();
        let clock = clock.unwrap_or_else(|| config.service_clock());
        let parts = open::parts(&config, durable, clock).await.unwrap();
        let service = Service::new(Parts {
            throttle: Throttle::off(),
            ..parts
        });
        Self { service, directory }
    }

    async fn sign_up(&self, email: &str) {
        let wish = SignUp {
            email: email.to_owned(),
            password: Secret(PASSWORD.to_owned()),
            name: None,
        };
        self.service.sign_up(wish, &origin()).await.unwrap();
    }

    async fn log_in(&self, email: &str, password: &str) -> Result<Opened, Refusal> {
        let wish = LogIn {
            email: email.to_owned(),
            password: Secret(password.to_owned()),
            remember: true,
            replaces: None,
        };
        self.service.log_in(wish, &origin()).await
    }

    async fn events(&self, event_type: &str) -> Vec<Recorded> {
        let all = self.service.store.log().read(Position::START, 1000).await.unwrap();
        all.into_iter()
            .filter(|recorded| &*recorded.event_type == event_type)
            .collect()
    }
}

fn origin() -> Origin {
    Origin {
        request_id: ids::uuid_v4(),
        ip: None,
        user_agent: None,
        device: None,
    }
}

#[tokio::test]
async fn session_that_a_raised_epoch_ended_is_not_carried_over() {
    let bed = Bed::new().await;
    bed.sign_up(ADA).await;
    let (one, other) = (
        bed.log_in(ADA, PASSWORD).await.unwrap(),
        bed.log_in(ADA, PASSWORD).await.unwrap(),
    );
    bed.service.revoke_others(&one.session, &origin()).await.unwrap();
    // The other one passed its check before that, and is only now carried out.
    let late = other.session;
    let proof = || Secret(PASSWORD.to_owned());
    let refused = [
        bed.service.revoke_others(&late, &origin()).await.err(),
        bed.service.reauthenticate(&late, proof(), &origin()).await.err(),
        bed.service
            .change_password(&late, proof(), Secret(OTHER.to_owned()), &origin())
            .await
            .err(),
        bed.service
            .change_email(&late, "countess@example.net".to_owned(), &origin())
            .await
            .err(),
        bed.service.rename(&late, Some("Ada".to_owned()), &origin()).await.err(),
    ];
    for refusal in refused {
        assert!(matches!(refusal, Some(Refusal::NotSignedIn)), "{refusal:?}");
    }
    assert_eq!(bed.service.resolve(&other.cookie.0).await.unwrap(), None);
}

#[tokio::test]
async fn sign_ups_of_known_and_unknown_addresses_append_the_same_number_of_events_before_the_answer() {
    let bed = Bed::new().await;
    let appended = async || {
        let all = bed.service.store.log().read(Position::START, 1000).await.unwrap();
        all.iter()
            .filter(|recorded| &*recorded.event_type != "signup.completed")
            .count()
    };
    bed.sign_up(ADA).await;
    let unknown = appended().await;
    bed.sign_up(ADA).await;
    assert_eq!(appended().await - unknown, unknown);
    assert_eq!(bed.events("signup.refused").await.len(), 1);
}

#[tokio::test]
async fn erasing_and_exporting_need_a_proof_of_the_last_five_minutes() {
    let bed = Bed::new().await;
    bed.sign_up(ADA).await;
    let session = bed.log_in(ADA, PASSWORD).await.unwrap().session;
    let stale = LiveSession {
        authenticated_at: session.authenticated_at.minus(Duration::from_mins(5)),
        ..session
    };
    let refused = bed.service.erase_me(&stale, &origin()).await;
    assert!(matches!(refused, Err(Refusal::ReauthenticationRequired)), "{refused:?}");
    let refused = bed.service.export(&stale).await.map(drop);
    assert!(matches!(refused, Err(Refusal::ReauthenticationRequired)), "{refused:?}");
    assert!(bed.events("user.erased").await.is_empty());
    assert!(bed.log_in(ADA, PASSWORD).await.is_ok());
}
