use std::{
    net::IpAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

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

use super::{
    follow::{BATCH, Follower, Step},
    *,
};
use crate::{
    clock::Clock,
    config::{Config, Database, Sources},
    directory::Directory,
    hashing::{Argon2Cost, PasswordHasher},
    ids,
    keys::{Keyring, KeysError, MasterKey},
    mail::{Locale, Post},
    service::{Lifetimes, Parts, Rules, erasures::Erasures, strength::Strength},
    store::{Store, StoreOptions, StoreUrl},
    throttle::Throttle,
};

mod address;
mod import;

const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "correct horse battery staple";

/// A service over real stores in a directory of its own. No follower runs: the tests are the followers.
struct Stand {
    service: Service,
    _directory: TempDir,
}

impl Stand {
    async fn start() -> Self {
        Self::start_at(Clock::system()).await
    }

    async fn start_at(clock: Clock) -> Self {
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

    async fn owner_of(&self, email: &str) -> Option<UserId> {
        let claim = self.service.keyring.claim("email", email).to_string();
        let loaded = self.service.store.load::<Claim>(&claim).await;
        loaded.unwrap().aggregate.owner()
    }

    /// The key of the password that the user registered with.
    async fn first_password(&self, id: UserId) -> KeyName {
        let log = self.service.store.log();
        let events = log.stream("user", &id.to_string(), 0).await.unwrap();
        let sealed = events.iter().filter_map(readable).find_map(password).unwrap();
        key_of(&sealed).unwrap()
    }

    /// The end of the log once a sign-up has noted in the background that it is over.
    async fn settled(&self) -> Position {
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

    async fn attempt(&self, id: SignUpId) -> SignUp {
        let loaded = self.service.store.load::<SignUp>(&id.to_string()).await;
        loaded.unwrap().aggregate
    }

    async fn owner(&self) -> Option<UserId> {
        self.owner_of(EMAIL).await
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

    /// `user.erased`, and no more: what a crash leaves behind.
    async fn interrupted_erasure(&self) -> UserId {
        let id = self.owner().await.unwrap();
        let at = self.service.clock.now();
        let erase = UserCommand::Erase(user::Erase { at });
        let metadata = metadata_of("test", at);
        self.service.command_user(id, erase, &metadata).await.unwrap();
        id
    }

    /// Runs the read models while `work` is done.
    async fn reading<T>(&self, work: impl Future<Output = T>) -> T {
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

fn origin() -> Origin {
    Origin {
        request_id: Uuid::from_u128(1),
        ip: Some(IpAddr::from([192, 0, 2, 1])),
        user_agent: None,
        device: None,
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
async fn sign_up_whose_link_was_followed_is_finished_and_proven() {
    let stand = Stand::start().await;
    let (id, user, _) = stand.interrupted_sign_up(true).await;
    let at = stand.service.clock.now();
    let verify = SignUpCommand::Verify(signup::Verify {
        address_only: false,
        at,
    });
    let store = &stand.service.store;
    let followed = store
        .execute::<SignUp>(&id.to_string(), verify, &metadata_of("test", at))
        .await;
    followed.unwrap();

    stand.react(&Finisher).await;

    assert_eq!(stand.owner().await, Some(user));
    assert!(stand.user(user).await.email_verified());
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
async fn cursor_moves_behind_what_was_done_and_stays_before_what_is_not_ripe() {
    let stand = Stand::start().await;
    stand.sign_up().await;
    stand.change_password().await;
    let head = stand.service.store.log().head().await.unwrap();

    let cancel = CancellationToken::new();
    let mut finisher = Follower::new(&stand.service, &Finisher);
    assert!(matches!(finisher.step(&cancel).await.unwrap(), Step::Unripe(_)));
    assert_eq!(
        stand.service.keyring.cursor("finisher").await.unwrap(),
        Position::default()
    );

    let mut shredder = Follower::new(&stand.service, &Shredder);
    assert_eq!(shredder.step(&cancel).await.unwrap(), Step::Moved);
    assert_eq!(stand.service.keyring.cursor("shredder").await.unwrap(), head);
    assert_eq!(shredder.step(&cancel).await.unwrap(), Step::AtHead);
}

#[tokio::test]
async fn erasure_that_a_crash_interrupted_is_finished() {
    let stand = Stand::start().await;
    stand.sign_up().await;
    let (_, stranger, other_password) = stand.interrupted_sign_up(true).await;
    let id = stand.interrupted_erasure().await;
    let password = stand.first_password(id).await;
    assert_eq!(stand.owner().await, Some(id));
    assert!(stand.has_key(&KeyName::user(id)).await);

    stand
        .reading(async {
            for _ in 0..2 {
                stand.react(&Eraser).await;
                assert_eq!(stand.owner().await, None);
                for key in [
                    KeyName::user(id),
                    password.clone(),
                    KeyName::user(stranger),
                    KeyName::password(other_password),
                ] {
                    assert!(!stand.has_key(&key).await, "{key}");
                }
            }
        })
        .await;
    assert_eq!(stand.service.rules.erasures.read().await.unwrap().erased.len(), 1);
}

#[tokio::test]
async fn newcomer_at_the_address_is_spared_by_an_erasure_that_is_repeated() {
    let stand = Stand::start().await;
    stand.sign_up().await;
    let id = stand.interrupted_erasure().await;
    stand.reading(stand.react(&Eraser)).await;
    stand.sign_up().await;
    let newcomer = stand.owner().await.unwrap();
    let (_, waiting, _) = stand.interrupted_sign_up(true).await;

    stand.reading(stand.react(&Eraser)).await;
    assert_ne!(newcomer, id);
    assert_eq!(stand.owner().await, Some(newcomer));
    assert!(stand.has_key(&KeyName::user(newcomer)).await);
    assert!(stand.has_key(&KeyName::user(waiting)).await);
    let hash = stand.service.stored_hash(newcomer, &stand.user(newcomer).await).await;
    assert!(hash.unwrap().is_some());
}

#[tokio::test]
async fn attempt_that_nobody_confirmed_loses_its_keys_an_hour_after_its_deadline() {
    let clock = Clock::standing(Timestamp::from_micros(1_795_478_400_000_000));
    let stand = Stand::start_at(clock.clone()).await;
    let (_, user, password) = stand.interrupted_sign_up(true).await;
    let (user, password) = (KeyName::user(user), KeyName::password(password));

    clock.advance(Duration::from_hours(24));
    stand.react(&Reaper).await;
    assert!(stand.has_key(&user).await && stand.has_key(&password).await);
    let cancel = CancellationToken::new();
    let mut reaper = Follower::new(&stand.service, &Reaper);
    assert_eq!(
        reaper.step(&cancel).await.unwrap(),
        Step::Unripe(Duration::from_hours(1))
    );

    clock.advance(Duration::from_hours(1));
    for _ in 0..2 {
        stand.react(&Reaper).await;
        assert!(!stand.has_key(&user).await && !stand.has_key(&password).await);
    }
}

#[tokio::test]
async fn attempt_whose_link_was_followed_in_time_keeps_its_keys() {
    let clock = Clock::standing(Timestamp::from_micros(1_795_478_400_000_000));
    let stand = Stand::start_at(clock.clone()).await;
    let (id, user, _) = stand.interrupted_sign_up(true).await;
    let verify = SignUpCommand::Verify(signup::Verify {
        address_only: false,
        at: clock.now(),
    });
    let metadata = metadata_of("test", clock.now());
    let verified = stand
        .service
        .store
        .execute::<SignUp>(&id.to_string(), verify, &metadata)
        .await;
    verified.unwrap();
    clock.advance(Duration::from_hours(100));
    stand.react(&Reaper).await;
    assert!(stand.has_key(&KeyName::user(user)).await);
}

/// Fails for the first event that it sees, until it is told otherwise.
#[derive(Default)]
struct Stumbling {
    recovered: AtomicBool,
    seen: AtomicUsize,
}

#[async_trait]
impl Reaction for Stumbling {
    fn name(&self) -> &'static str {
        "stumbling"
    }

    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    fn concerns(&self, _: &str) -> bool {
        true
    }

    async fn react(&self, _: &Service, recorded: &Recorded) -> Result<(), Fault> {
        self.seen.fetch_add(1, Ordering::SeqCst);
        if recorded.position == Position::new(1) && !self.recovered.load(Ordering::SeqCst) {
            return Err(Fault::plain("a bad event"));
        }
        Ok(())
    }
}

#[tokio::test]
async fn bad_event_is_parked_and_the_others_go_on() {
    let stand = Stand::start().await;
    stand.sign_up().await;
    let head = stand.settled().await;
    let (reaction, cancel) = (Stumbling::default(), CancellationToken::new());
    let mut follower = Follower::new(&stand.service, &reaction);
    for _ in 0..5 {
        assert!(follower.step(&cancel).await.is_err());
        assert_eq!(
            stand.service.keyring.cursor("stumbling").await.unwrap(),
            Position::START
        );
    }
    assert_eq!(follower.step(&cancel).await.unwrap(), Step::Moved);
    assert_eq!(stand.service.keyring.cursor("stumbling").await.unwrap(), head);
    let parked = stand.service.keyring.parked("stumbling").await.unwrap();
    assert_eq!(
        parked
            .iter()
            .map(|parked| (parked.position, parked.reason.as_str()))
            .collect::<Vec<_>>(),
        [(Position::new(1), "a bad event")]
    );
    let figure = |service: &Service| service.followers().into_iter().find(|(name, _)| *name == "stumbling");
    assert_eq!(figure(&stand.service).unwrap().1.parked, 1);

    follower.retry_parked().await;
    assert_eq!(
        stand.service.keyring.parked("stumbling").await.unwrap().len(),
        1,
        "still bad"
    );
    reaction.recovered.store(true, Ordering::SeqCst);
    follower.retry_parked().await;
    assert!(stand.service.keyring.parked("stumbling").await.unwrap().is_empty());
    assert_eq!(figure(&stand.service).unwrap().1.parked, 0);
}

#[tokio::test]
async fn keys_notice_another_log_and_an_earlier_state_of_their_own() {
    let stand = Stand::start().await;
    stand.sign_up().await;
    let (keyring, log) = (&stand.service.keyring, stand.service.store.log());
    keyring.belongs_to(log.as_ref()).await.unwrap();
    keyring.belongs_to(log.as_ref()).await.unwrap();

    let beyond = Position::new(log.head().await.unwrap().number() + 1);
    keyring.set_cursor("shredder", beyond).await.unwrap();
    let refused = keyring.belongs_to(log.as_ref()).await;
    assert!(matches!(refused, Err(KeysError::AheadOfLog)), "{refused:?}");
    keyring.take_back(log.head().await.unwrap()).await.unwrap();
    keyring.belongs_to(log.as_ref()).await.unwrap();

    let other = Stand::start().await;
    let refused = keyring.belongs_to(other.service.store.log().as_ref()).await;
    assert!(matches!(refused, Err(KeysError::OtherLog)), "{refused:?}");
}
