//! What a flood leaves behind, over a real embedded store and by a clock that stands.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use doorbook_openapi::app::{LogIn, Refusal, Secret};
use doorbook_projections::log::{Position, Recorded};
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::{
    clock::Clock,
    config::{Config, Sources},
    hashing::{Argon2Cost, PasswordHasher},
    ids,
    open::{self, Durable},
    service::Service,
};

struct Stand {
    service: Service,
    clock: Clock,
    config: Config,
    _directory: TempDir,
}

impl Stand {
    async fn start(settings: &[(&'static str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut flags = vec![("--set", "data.dir".to_owned(), directory.path().display().to_string())];
        flags.extend(
            settings
                .iter()
                .map(|(key, value)| ("--set", (*key).to_owned(), (*value).to_owned())),
        );
        let config = Config::load(&Sources {
            file: None,
            environment: Vec::new(),
            flags,
        })
        .unwrap();
        let clock = Clock::standing(Timestamp::from_micros(1_795_478_400_000_000));
        let durable = Durable::open(&config).await.unwrap();
        let parts = open::parts(&config, durable, clock.clone()).await.unwrap();
        let cost = Argon2Cost {
            memory_kib: 64,
            iterations: 1,
            parallelism: 1,
        };
        let service = Service::new(Parts {
            hasher: Arc::new(PasswordHasher::new(cost).unwrap()),
            ..parts
        });
        Self {
            service,
            clock,
            config,
            _directory: directory,
        }
    }

    async fn guess(&self, email: String, ip: impl Into<IpAddr>) -> Refusal {
        let wish = LogIn {
            email,
            password: Secret("a guess".to_owned()),
            remember: false,
            replaces: None,
        };
        let origin = Origin {
            request_id: ids::uuid_v4(),
            ip: Some(ip.into()),
            user_agent: None,
            device: None,
        };
        self.service.clone().do_log_in(wish, origin).await.unwrap_err()
    }

    /// Stops the service, which writes what is pending, and reads the log.
    async fn end(self) -> Vec<Recorded> {
        self.service.close().await;
        let Durable { store, .. } = Durable::open(&self.config).await.unwrap();
        store.log().read(Position::START, 100_000).await.unwrap()
    }
}

/// Failures that events of this type stand for.
fn failures(events: &[Recorded]) -> u64 {
    let count = |recorded: &Recorded| {
        let payload: Value = serde_json::from_str(&recorded.payload).unwrap();
        let count = payload
            .as_object()
            .unwrap()
            .values()
            .find_map(|fields| fields["count"].as_u64());
        count.unwrap_or(1)
    };
    events.iter().map(count).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flood_of_refused_attempts_grows_the_log_by_less_than_a_hundredth() {
    const ATTEMPTS: u32 = 200_000;
    let stand = Stand::start(&[]).await;
    let (mut checked, mut refused) = (0_u64, 0_u64);
    for number in 0..ATTEMPTS {
        // The last minute is short: on a slow machine a sum is written in the middle of one, and one minute has one sum.
        if number % 20_000 == 19_999 || number == ATTEMPTS - 300 {
            stand.clock.advance(Duration::from_mins(1));
        }
        let ip = Ipv4Addr::from_bits(0x0a00_0000 + number % 997);
        let email = format!("user-{}@example.org", number % 3001);
        let refusal = stand.guess(email, ip).await;
        if matches!(refusal, Refusal::Throttled(_)) {
            refused += 1;
        } else {
            assert!(matches!(refusal, Refusal::InvalidCredentials), "{refusal:?}");
            checked += 1;
        }
    }
    assert!(checked <= 600 + 11 * 600, "the ceiling: {checked} were hashed");
    assert_eq!(stand.service.hasher.counts().hashed, checked);
    let told: u64 = stand.service.throttle.refusals().iter().map(|(_, count)| count).sum();
    assert_eq!(told, refused);
    let events = stand.end().await;
    assert!(
        u64::try_from(events.len()).unwrap() < refused / 100,
        "{} events for {refused} refused attempts",
        events.len()
    );
    assert_eq!(
        failures(&events),
        u64::from(ATTEMPTS),
        "every attempt is part of an event"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_of_one_network_reach_the_hash_as_often_as_one() {
    let stand = Stand::start(&[]).await;
    let mut checked = 0_u64;
    for number in 0..=u16::MAX {
        let ip = Ipv6Addr::new(0x2001, 0xdb8, 0, 7, number, number.rotate_left(5), !number, number);
        let refusal = stand.guess(format!("user-{number}@example.org"), ip).await;
        checked += u64::from(matches!(refusal, Refusal::InvalidCredentials));
    }
    assert_eq!((checked, stand.service.hasher.counts().hashed), (20, 20));
    let neighbour = Ipv6Addr::new(0x2001, 0xdb8, 1, 7, 0, 0, 0, 1);
    let refusal = stand.guess("ada@example.org".to_owned(), neighbour).await;
    assert!(matches!(refusal, Refusal::InvalidCredentials), "{refusal:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_guesses_at_one_address_are_summed_up_there() {
    let stand = Stand::start(&[]).await;
    for number in 0..405 {
        let ip = Ipv4Addr::from_bits(0x0a00_0000 + number);
        stand.guess("ada@example.org".to_owned(), ip).await;
        // The queue is short; nobody is that fast over HTTP.
        tokio::task::yield_now().await;
    }
    let events = stand.end().await;
    let singles = events.iter().filter(|event| &*event.event_type == "login.failed");
    assert_eq!(singles.count(), 5);
    let sums: Vec<_> = events
        .iter()
        .filter(|event| &*event.event_type == "login.failures_summarized")
        .collect();
    assert_eq!(sums.len(), 1);
    assert!(sums[0].stream_id.starts_with("email-"), "{}", sums[0].stream_id);
    assert_eq!(failures(&events), 405);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invented_addresses_make_keys_and_events_within_a_budget() {
    let stand = Stand::start(&[("throttle.enabled", "false")]).await;
    for number in 0..400 {
        let failed = stand
            .guess(format!("user-{number}@example.org"), Ipv4Addr::LOCALHOST)
            .await;
        assert!(matches!(failed, Refusal::InvalidCredentials), "{failed:?}");
    }
    let events = stand.end().await;
    assert_eq!(events.len(), 61, "sixty singly, and one sum");
    assert_eq!(&*events[60].stream_id, "elsewhere");
    assert_eq!(failures(&events), 400);
}

#[test]
fn budget_becomes_free_one_by_one() {
    let mut budget = Budget::default();
    let now = Timestamp::from_micros(1_795_478_400_000_000);
    assert_eq!((0..100).filter(|_| budget.take(now)).count(), 60);
    assert!(!budget.take(now.plus(Duration::from_secs(59))));
    assert!(budget.take(now.plus(Duration::from_mins(1))));
    assert!(!budget.take(now.plus(Duration::from_mins(1))));
    let later = now.plus(Duration::from_hours(100));
    assert_eq!((0..100).filter(|_| budget.take(later)).count(), 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_by_a_provider_are_summed_up_apart_from_those_of_passwords() {
    let stand = Stand::start(&[]).await;
    let claim = stand.service.keyring.claim("email", "ada@example.org");
    for provider in [Some("google"), None] {
        for _ in 0..12 {
            stand.service.attempts.record(Failed {
                claim: claim.clone(),
                user: None,
                email: "ada@example.org".to_owned(),
                reason: FailureReason::NotAdmitted,
                provider: provider.map(str::to_owned),
                origin: Origin {
                    request_id: ids::uuid_v4(),
                    ip: None,
                    user_agent: None,
                    device: None,
                },
                at: stand.clock.now(),
            });
        }
    }
    let events = stand.end().await;
    assert_eq!(failures(&events), 24);
    let sums = events.iter().filter(|event| event.event_type.ends_with("summarized"));
    let sums: Vec<Value> = sums.map(|sum| serde_json::from_str(&sum.payload).unwrap()).collect();
    let of = |provider: Option<&str>| {
        let mut sums = sums.iter().map(|sum| &sum["summarized"]);
        sums.find(|sum| sum["provider"].as_str() == provider)
    };
    assert_eq!(of(Some("google")).map(|sum| &sum["count"]), Some(&2.into()), "{sums:?}");
    assert_eq!(of(None).map(|sum| &sum["count"]), Some(&12.into()), "{sums:?}");
}
