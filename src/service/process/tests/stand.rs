//! A service over real stores, and what a crash leaves behind in it.

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
    signups::SignUps,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
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
    service::{Lifetimes, Parts, Rules, erasures::Erasures, process::follow::BATCH, strength::Strength},
    store::{Store, StoreOptions, StoreUrl},
    throttle::Throttle,
};

/// A service over real stores in a directory of its own. No follower runs: the tests are the followers.
pub(super) struct Stand {
    pub(super) service: Service,
    _directory: TempDir,
}

impl Stand {
    pub(super) async fn start() -> Self {
        Self::start_at(Clock::system()).await
    }

    pub(super) async fn start_at(clock: Clock) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let url = StoreUrl::Sqlite(path.join("log.db"));
        Store::migrate(&url).await.unwrap();
        let store = Store::open(&url, StoreOptions::default()).await.unwrap();
        let master = MasterKey::load_or_make(&path.join("master.key"), true).unwrap();
        let keys = Database::Sqlite(path.join("keys.db"));
        let keyring = Arc::new(Keyring::open(&keys, &master, true, clock.clone()).await.unwrap());
        let read = ReadTarget::Sqlite(path.join("read"));
        std::fs::create_dir(path.join("read")).unwrap();
        let now = clock.clone();
        let engine = Engine::open(read, store.log(), vec![Arc::new(SignUps)], Arc::new(move || now.now()))
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
            strength: Strength::new(crate::hashing::rules::Rules::default(), None),
            rules: rules(&path.join("erasures")),
            social: Arc::new(crate::social::Desk::open(&config(path), &keyring).await.unwrap()),
            post: Arc::new(Post::open(&config(path)).unwrap()),
            notary: Arc::new(
                crate::proof::notary::Notary::open(&config(path), store.log(), &keyring)
                    .await
                    .unwrap(),
            ),
            store,
            keyring,
            engine,
            clock,
            atlas: Arc::new(crate::atlas::Atlas::empty()),
            throttle: Throttle::off(),
        });
        Self {
            service,
            _directory: directory,
        }
    }

    /// Until everything of it is in the log: that it is over is noted in the background.
    pub(super) async fn sign_up(&self) {
        let wish = app::SignUp {
            email: EMAIL.to_owned(),
            password: Secret(PASSWORD.to_owned()),
            name: None,
        };
        self.service.clone().do_sign_up(wish, origin()).await.unwrap();
        let noted = async {
            let log = self.service.store.log();
            while log
                .read(Position::default(), BATCH)
                .await
                .unwrap()
                .iter()
                .all(|recorded| &*recorded.event_type != "signup.completed")
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), noted).await.unwrap();
    }

    /// An attempt whose request was appended, and no more: what a crash leaves behind.
    pub(super) async fn interrupted_sign_up(&self, verify: bool) -> (SignUpId, UserId, Uuid) {
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
            until: verify.then(|| at.plus(Duration::from_hours(24))),
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
    pub(super) async fn change_password(&self) -> UserId {
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

    pub(super) async fn owner_of(&self, email: &str) -> Option<UserId> {
        let claim = self.service.keyring.claim("email", email).to_string();
        let loaded = self.service.store.load::<Claim>(&claim).await;
        loaded.unwrap().aggregate.owner()
    }

    /// The key of the password that the user registered with.
    pub(super) async fn first_password(&self, id: UserId) -> KeyName {
        let log = self.service.store.log();
        let events = log.stream("user", &id.to_string(), 0).await.unwrap();
        let sealed = events.iter().filter_map(readable).find_map(password).unwrap();
        key_of(&sealed).unwrap()
    }

    /// The end of the log once a sign-up has noted in the background that it is over.
    pub(super) async fn settled(&self) -> Position {
        let log = self.service.store.log();
        let noted = async {
            loop {
                let events = log.read(Position::START, 100).await.unwrap();
                match events.last() {
                    Some(last) if &*last.event_type == "signup.completed" => return last.position,
                    _ => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), noted).await.unwrap()
    }

    pub(super) async fn attempt(&self, id: SignUpId) -> SignUp {
        let loaded = self.service.store.load::<SignUp>(&id.to_string()).await;
        loaded.unwrap().aggregate
    }

    pub(super) async fn owner(&self) -> Option<UserId> {
        self.owner_of(EMAIL).await
    }

    pub(super) async fn user(&self, id: UserId) -> User {
        self.service
            .store
            .load::<User>(&id.to_string())
            .await
            .unwrap()
            .aggregate
    }

    /// Lets `reaction` see the whole log from its beginning, without its patience. Returns how many events there are.
    pub(super) async fn react(&self, reaction: &dyn Reaction) -> usize {
        let log = self.service.store.log();
        let events = log.read(Position::default(), BATCH).await.unwrap();
        for recorded in events.iter().filter(|recorded| reaction.concerns(&recorded.event_type)) {
            reaction.react(&self.service, recorded).await.unwrap();
        }
        log.read(Position::default(), BATCH).await.unwrap().len()
    }

    /// `user.erased`, and no more: what a crash leaves behind.
    pub(super) async fn interrupted_erasure(&self) -> UserId {
        let id = self.owner().await.unwrap();
        let at = self.service.clock.now();
        let erase = UserCommand::Erase(user::Erase { at });
        let metadata = metadata_of("test", at);
        self.service.command_user(id, erase, &metadata).await.unwrap();
        id
    }

    /// Runs the read models while `work` is done.
    pub(super) async fn reading<T>(&self, work: impl Future<Output = T>) -> T {
        let cancel = CancellationToken::new();
        let running = tokio::spawn({
            let (engine, cancel) = (self.service.engine.clone(), cancel.clone());
            async move { engine.run(cancel).await }
        });
        let done = work.await;
        cancel.cancel();
        running.await.unwrap().unwrap();
        done
    }

    /// Whether something can still be sealed under the key: not once it was destroyed.
    pub(super) async fn has_key(&self, key: &KeyName) -> bool {
        let place = Place {
            stream: "test",
            event_type: "test",
            field: "test",
        };
        self.service.seals.text(key, &place, "text").await.is_ok()
    }
}

pub(super) fn config(data: &Path) -> Config {
    let flags = vec![("--data-dir", "data.dir".to_owned(), data.display().to_string())];
    let sources = Sources {
        flags,
        ..Sources::default()
    };
    Config::load(&sources).unwrap()
}

fn rules(erasures: &Path) -> Rules {
    let lifetimes = Lifetimes {
        absolute: Duration::from_hours(24),
        idle: Duration::from_hours(1),
    };
    Rules {
        lifetimes,
        staff_lifetimes: lifetimes,
        erasures: Erasures::new(erasures),
        retention: None,
        max_sessions: 50,
        link_base: "http://localhost".to_owned(),
        locale: Locale::English,
        settings: Settings {
            public_url: "http://localhost".to_owned(),
            https: false,
            allowed_origins: Vec::new(),
            login_page: None,
            trusted_proxies: Vec::new(),
            csrf_cookie: "csrftoken".to_owned(),
            csrf_header: "X-CSRFToken".to_owned(),
            csrf_key: [7; 32],
            body_limit: 65_536,
            body_timeout: Duration::from_secs(10),
            signup_enabled: true,
            verify_email: false,
            password_min_length: 8,
            password_max_length: 1024,
            session_absolute: lifetimes.absolute,
            session_idle: lifetimes.idle,
        },
    }
}

pub(super) fn origin() -> Origin {
    Origin {
        request_id: Uuid::from_u128(1),
        ip: Some(IpAddr::from([192, 0, 2, 1])),
        user_agent: None,
        device: None,
    }
}
