//! The processes that follow the log, over a real embedded store: each is shown an event and asked twice.

use std::sync::Arc;

use doorbook_domain::{
    id::{SignUpId, UserId},
    seal::Sealed,
    signup::{Request, SignUp as Attempt, SignUpCommand, SignUpEnd},
    user::User,
};
use doorbook_openapi::app::{App as _, LogIn, Opened, Origin, Refusal, Secret, SignUp};
use doorbook_projections::{
    keyring::{Keyring as _, Place, Unsealed},
    log::{Position, Recorded},
};
use tempfile::TempDir;

use super::{
    process::{Finisher, Reaction, Shredder},
    *,
};
use crate::{
    config::{Config, Sources},
    keys::KeyName,
    open::{self, Durable},
};

const ADA: &str = "ada@example.org";
const PASSWORD: &str = "correct horse battery staple";
const OTHER: &str = "a violet anchor in the tundra";

/// A service without its background processes.
struct Bed {
    service: Service,
    _directory: TempDir,
}

impl Bed {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().display().to_string();
        let flags = vec![("--data-dir", "data.dir".to_owned(), data)];
        let sources = Sources {
            file: None,
            environment: Vec::new(),
            flags,
        };
        let config = Config::load(&sources).unwrap();
        let Durable { store, keyring } = Durable::open(&config).await.unwrap();
        let engine = open::engine(&config, &store).await.unwrap();
        let service = Service::new(Parts {
            rules: crate::server::rules(&config, &keyring),
            directory: Arc::new(Directory::new(store.log(), keyring.clone(), 1000)),
            hasher: Arc::new(PasswordHasher::new(config.password.argon2.into()).unwrap()),
            clock: config.service_clock(),
            engine,
            keyring,
            store,
        });
        Self {
            service,
            _directory: directory,
        }
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

    /// Asks twice, as after a crash between the action and the cursor.
    async fn react(&self, reaction: &dyn Reaction, recorded: &Recorded) {
        assert!(reaction.concerns(&recorded.event_type));
        reaction.react(&self.service, recorded).await.unwrap();
        reaction.react(&self.service, recorded).await.unwrap();
    }

    /// An attempt that its request did not live to complete.
    async fn interrupted(&self, email: &str) -> SignUpId {
        let (id, user_id) = (SignUpId(ids::uuid_v4()), UserId(ids::uuid_v4()));
        let password = ids::uuid_v4();
        self.service.seals.prepare(user_id, password).await.unwrap();
        let hash = self.service.hasher.hash(PASSWORD.as_bytes()).await.unwrap();
        let stream = format!("signup-{id}");
        let place = |field| Place {
            stream: &stream,
            event_type: "signup.requested",
            field,
        };
        let seals = &self.service.seals;
        let request = Request {
            user_id,
            email: seals
                .text(&KeyName::user(user_id), &place("email"), email)
                .await
                .unwrap(),
            claim: self.service.keyring.claim("email", email),
            name: None,
            password: seals
                .text(&KeyName::password(password), &place("password"), &hash)
                .await
                .unwrap(),
            verify: false,
            origin: None,
            at: self.service.clock.now(),
        };
        let metadata = self.service.metadata(&origin(), None);
        let command = SignUpCommand::Request(request);
        self.service
            .store
            .execute::<Attempt>(&id.to_string(), command, &metadata)
            .await
            .unwrap();
        id
    }

    async fn end_of(&self, id: SignUpId) -> Option<SignUpEnd> {
        self.service
            .store
            .load::<Attempt>(&id.to_string())
            .await
            .unwrap()
            .aggregate
            .end()
    }

    async fn is_erased(&self, sealed: &Sealed, place: &Place<'_>) -> bool {
        self.service.keyring.open(sealed, place).await.unwrap() == Unsealed::Erased
    }
}

fn origin() -> Origin {
    Origin {
        request_id: ids::uuid_v4(),
        ip: None,
        user_agent: None,
    }
}

#[tokio::test]
async fn interrupted_sign_up_is_finished() {
    let bed = Bed::new().await;
    let id = bed.interrupted(ADA).await;
    assert!(bed.log_in(ADA, PASSWORD).await.is_err(), "it is not an account yet");
    let requested = bed.events("signup.requested").await;
    bed.react(&Finisher, &requested[0]).await;
    bed.log_in(ADA, PASSWORD).await.unwrap();
    assert_eq!(bed.events("claim.taken").await.len(), 1);
    assert_eq!(bed.events("user.registered").await.len(), 1);
    // It is noted in the background.
    let noted = async {
        while bed.end_of(id).await.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), noted).await.unwrap();
    assert_eq!(bed.end_of(id).await, Some(SignUpEnd::Completed));
}

#[tokio::test]
async fn interrupted_sign_up_of_a_taken_address_is_refused_and_its_keys_die() {
    let bed = Bed::new().await;
    bed.sign_up(ADA).await;
    let id = bed.interrupted(ADA).await;
    let requested = bed.events("signup.requested").await;
    bed.react(&Finisher, &requested[1]).await;
    assert_eq!(bed.end_of(id).await, Some(SignUpEnd::Refused));
    let refused = bed.events("signup.refused").await;
    bed.react(&Shredder, &refused[0]).await;
    let attempt = bed
        .service
        .store
        .load::<Attempt>(&id.to_string())
        .await
        .unwrap()
        .aggregate;
    let wish = attempt.requested().unwrap();
    let stream = format!("signup-{id}");
    let place = |field| Place {
        stream: &stream,
        event_type: "signup.requested",
        field,
    };
    assert!(bed.is_erased(&wish.email, &place("email")).await);
    assert!(bed.is_erased(&wish.password, &place("password")).await);
    bed.log_in(ADA, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn key_of_a_replaced_password_is_destroyed_and_the_new_one_lives() {
    let bed = Bed::new().await;
    bed.sign_up(ADA).await;
    let opened = bed.log_in(ADA, PASSWORD).await.unwrap();
    let user = opened.session.user;
    let stream = format!("user-{user}");
    let before = bed
        .service
        .store
        .load::<User>(&user.to_string())
        .await
        .unwrap()
        .aggregate;
    let (old, new) = (Secret(PASSWORD.to_owned()), Secret(OTHER.to_owned()));
    bed.service
        .change_password(&opened.session, old, new, &origin())
        .await
        .unwrap();
    let changed = bed.events("user.password_changed").await;
    bed.react(&Shredder, &changed[0]).await;
    let place = Place {
        stream: &stream,
        event_type: "user.registered",
        field: "password",
    };
    assert!(bed.is_erased(before.password().unwrap(), &place).await);
    assert!(matches!(
        bed.log_in(ADA, PASSWORD).await,
        Err(Refusal::InvalidCredentials)
    ));
    bed.log_in(ADA, OTHER).await.unwrap();
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
