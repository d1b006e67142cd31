use std::{net::IpAddr, path::Path, sync::Arc};

use doorbook_domain::{
    claim::Claim,
    id::UserId,
    signup::{self, SignUpCommand},
    user::{self, PasswordCause, User, UserCommand},
};
use doorbook_openapi::app::{self, Origin, Secret, Settings};
use doorbook_projections::{
    engine::{Engine, ReadTarget},
    keyring::Place,
    log::Position,
};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::{
    clock::Clock,
    config::{Config, Database, Sources},
    directory::Directory,
    hashing::{Argon2Cost, PasswordHasher},
    ids,
    keys::{Keyring, MasterKey},
    mail::{Locale, Post},
    service::{Lifetimes, Parts, Rules},
    store::{Store, StoreOptions, StoreUrl},
};

const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "correct horse battery staple";

/// A service over real stores in a directory of its own. No follower runs: the tests are the followers.
struct Stand {
    service: Service,
    _directory: TempDir,
}

impl Stand {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let clock = Clock::system();
        let url = StoreUrl::Sqlite(path.join("log.db"));
        Store::migrate(&url).await.unwrap();
        let store = Store::open(&url, StoreOptions::default()).await.unwrap();
        let master = MasterKey::load_or_make(&path.join("master.key"), true).unwrap();
        let keys = Database::Sqlite(path.join("keys.db"));
        let keyring = Arc::new(Keyring::open(&keys, &master, true, clock.clone()).await.unwrap());
        let read = ReadTarget::Sqlite(path.join("read"));
        std::fs::create_dir(path.join("read")).unwrap();
        let now = clock.clone();
        let engine = Engine::open(read, store.log(), Vec::new(), Arc::new(move || now.now()))
            .await
            .unwrap();
        let cost = Argon2Cost {
            memory_kib: 64,
            iterations: 1,
            parallelism: 1,
        };
        let service = Service::new(Parts {
            directory: Arc::new(Directory::new(store.log(), keyring.clone(), 100)),
            hasher: Arc::new(PasswordHasher::new(cost).unwrap()),
            rules: rules(),
            post: Arc::new(Post::open(&config(path)).unwrap()),
            store,
            keyring,
            engine,
            clock,
        });
        Self {
            service,
            _directory: directory,
        }
    }

    async fn sign_up(&self) {
        let wish = app::SignUp {
            email: EMAIL.to_owned(),
            password: Secret(PASSWORD.to_owned()),
            name: None,
        };
        self.service.clone().do_sign_up(wish, origin()).await.unwrap();
    }

    /// An attempt whose request was appended, and no more: what a crash leaves behind.
    async fn interrupted_sign_up(&self, verify: bool) -> (SignUpId, UserId, Uuid) {
        let service = &self.service;
        let (at, password) = (service.clock.now(), ids::uuid_v4());
        let (id, user_id) = (SignUpId(ids::uuid_v7(at)), UserId(ids::uuid_v7(at)));
        service.seals.prepare(user_id, password).await.unwrap();
        let stream = format!("signup-{id}");
        let seal = async |key: KeyName, field: &str, text: &str| {
            let place = Place {
                stream: &stream,
                event_type: "signup.requested",
                field,
            };
            service.seals.text(&key, &place, text).await.unwrap()
        };
        let request = signup::Request {
            user_id,
            email: seal(KeyName::user(user_id), "email", EMAIL).await,
            claim: service.keyring.claim("email", EMAIL),
            name: None,
            password: seal(KeyName::password(password), "password", "a hash").await,
            verify,
            until: None,
            origin: None,
            at,
        };
        service
            .store
            .execute::<SignUp>(
                &id.to_string(),
                SignUpCommand::Request(request),
                &metadata_of("test", at),
            )
            .await
            .unwrap();
        (id, user_id, password)
    }

    /// Changes the password of the account behind the address, unseen by the shredder.
    async fn change_password(&self) -> UserId {
        let service = &self.service;
        let id = self.owner().await.unwrap();
        let user = self.user(id).await;
        let password = service
            .seals
            .password(id, "user.password_changed", ids::uuid_v4(), "another hash")
            .await
            .unwrap();
        let change = UserCommand::ChangePassword(user::ChangePassword {
            replaces: user.password().cloned(),
            password,
            cause: PasswordCause::Changed,
            at: service.clock.now(),
        });
        service
            .command_user(id, change, &metadata_of("test", service.clock.now()))
            .await
            .unwrap();
        id
    }

    async fn attempt(&self, id: SignUpId) -> SignUp {
        let loaded = self.service.store.load::<SignUp>(&id.to_string()).await;
        loaded.unwrap().aggregate
    }

    async fn owner(&self) -> Option<UserId> {
        let claim = self.service.keyring.claim("email", EMAIL).to_string();
        self.service
            .store
            .load::<Claim>(&claim)
            .await
            .unwrap()
            .aggregate
            .owner()
    }

    async fn user(&self, id: UserId) -> User {
        self.service
            .store
            .load::<User>(&id.to_string())
            .await
            .unwrap()
            .aggregate
    }

    /// Lets `reaction` see the whole log from its beginning, without its patience. Returns how many events there are.
    async fn react(&self, reaction: &dyn Reaction) -> usize {
        let log = self.service.store.log();
        let events = log.read(Position::default(), BATCH).await.unwrap();
        for recorded in events.iter().filter(|recorded| reaction.concerns(&recorded.event_type)) {
            reaction.react(&self.service, recorded).await.unwrap();
        }
        log.read(Position::default(), BATCH).await.unwrap().len()
    }

    /// Whether something can still be sealed under the key: not once it was destroyed.
    async fn has_key(&self, key: &KeyName) -> bool {
        let place = Place {
            stream: "test",
            event_type: "test",
            field: "test",
        };
        self.service.seals.text(key, &place, "text").await.is_ok()
    }
}

fn config(data: &Path) -> Config {
    let flags = vec![("--data-dir", "data.dir".to_owned(), data.display().to_string())];
    let sources = Sources {
        flags,
        ..Sources::default()
    };
    Config::load(&sources).unwrap()
}

fn rules() -> Rules {
    let lifetimes = Lifetimes {
        absolute: Duration::from_hours(24),
        idle: Duration::from_hours(1),
    };
    Rules {
        lifetimes,
        staff_lifetimes: lifetimes,
        max_sessions: 50,
        link_base: "http://localhost".to_owned(),
        locale: Locale::English,
        settings: Settings {
            public_url: "http://localhost".to_owned(),
            https: false,
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            csrf_cookie: "csrftoken".to_owned(),
            csrf_header: "X-CSRFToken".to_owned(),
            csrf_key: [7; 32],
            body_limit: 65_536,
            signup_enabled: true,
            verify_email: false,
            password_min_length: 8,
            session_absolute: lifetimes.absolute,
            session_idle: lifetimes.idle,
        },
    }
}

fn origin() -> Origin {
    Origin {
        request_id: Uuid::from_u128(1),
        ip: Some(IpAddr::from([192, 0, 2, 1])),
        user_agent: None,
    }
}

#[tokio::test]
async fn interrupted_sign_up_is_finished_once() {
    let stand = Stand::start().await;
    let (id, user, password) = stand.interrupted_sign_up(false).await;
    assert_eq!(stand.owner().await, None);

    stand.react(&Finisher).await;

    assert_eq!(stand.owner().await, Some(user));
    assert!(stand.user(user).await.is_active());
    // That the attempt is over is noted in the background.
    let noted = async {
        while stand.attempt(id).await.is_pending() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), noted).await.unwrap();
    let events = stand.react(&Finisher).await;
    assert_eq!(stand.react(&Finisher).await, events, "repeating appends nothing");
    stand.react(&Shredder).await;
    assert!(stand.has_key(&KeyName::user(user)).await);
    assert!(stand.has_key(&KeyName::password(password)).await);
}

#[tokio::test]
async fn sign_up_that_waits_for_its_mail_is_not_finished() {
    let stand = Stand::start().await;
    stand.interrupted_sign_up(true).await;

    assert_eq!(stand.react(&Finisher).await, 1);
    assert_eq!(stand.owner().await, None);
}

#[tokio::test]
async fn refused_sign_up_loses_its_keys_and_the_owner_keeps_its_own() {
    let stand = Stand::start().await;
    stand.sign_up().await;
    let owner = stand.owner().await.unwrap();
    let (_, loser, password) = stand.interrupted_sign_up(false).await;

    stand.react(&Finisher).await;
    assert!(stand.has_key(&KeyName::user(loser)).await);
    for _ in 0..2 {
        stand.react(&Shredder).await;
        assert!(!stand.has_key(&KeyName::user(loser)).await);
        assert!(!stand.has_key(&KeyName::password(password)).await);
    }

    assert_eq!(stand.owner().await, Some(owner));
    assert!(stand.has_key(&KeyName::user(owner)).await);
    let hash = stand.service.stored_hash(owner, &stand.user(owner).await).await;
    assert!(hash.unwrap().is_some());
}

#[tokio::test]
async fn replaced_password_loses_its_key_and_the_new_one_stays() {
    let stand = Stand::start().await;
    stand.sign_up().await;
    let before = stand.user(stand.owner().await.unwrap()).await;
    let old = key_of(before.password().unwrap()).unwrap();
    assert!(stand.has_key(&old).await);

    let id = stand.change_password().await;
    for _ in 0..2 {
        stand.react(&Shredder).await;
        assert!(!stand.has_key(&old).await);
        let hash = stand.service.stored_hash(id, &stand.user(id).await).await.unwrap();
        assert_eq!(hash.as_deref(), Some("another hash"));
    }
}

#[tokio::test]
async fn cursor_moves_behind_what_was_done_and_stays_when_cancelled() {
    let stand = Stand::start().await;
    stand.sign_up().await;
    stand.change_password().await;
    let head = stand.service.store.log().head().await.unwrap();

    let cancelled = CancellationToken::new();
    cancelled.cancel();
    assert_eq!(batch(&stand.service, &Finisher, &cancelled).await.unwrap(), 0);
    assert_eq!(
        stand.service.keyring.cursor("finisher").await.unwrap(),
        Position::default()
    );

    let cancel = CancellationToken::new();
    assert!(batch(&stand.service, &Shredder, &cancel).await.unwrap() > 0);
    assert_eq!(stand.service.keyring.cursor("shredder").await.unwrap(), head);
    assert_eq!(batch(&stand.service, &Shredder, &cancel).await.unwrap(), 0);
}
