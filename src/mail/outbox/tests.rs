use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use doorbook_domain::{
    claim::{self, Claim, ClaimCommand},
    id::UserId,
};
use doorbook_projections::log::Position;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::{
    config::{Config, Sources},
    ids,
    keys::Queue,
    mail::{Addressed, Letter, Locale},
    open::Durable,
    store::{CommandMetadata, Store},
};

/// Letters about claims that were taken: the claim's name says which.
#[derive(Default)]
struct Script {
    asked: AtomicU32,
}

#[async_trait]
impl Letters for Arc<Script> {
    fn concerns(&self, recorded: &Recorded) -> bool {
        &*recorded.event_type == "claim.taken"
    }

    async fn letters(&self, recorded: &Recorded) -> Result<Vec<Addressed>, Fault> {
        let before = self.asked.fetch_add(1, Ordering::SeqCst);
        let letter = |to: &str, letter: Letter| Addressed {
            to: to.to_owned(),
            locale: Locale::English,
            letter,
            key: recorded.event_id(),
            caused_at: recorded.recorded_at,
        };
        let at = recorded.recorded_at;
        let notice = Letter::Test { at };
        match &*recorded.stream_id {
            "broken" => Err(Fault::plain("a key is missing")),
            "bad" => Ok(vec![letter("no address", notice)]),
            "none" => Ok(Vec::new()),
            "two" => Ok(vec![
                letter("no address", notice.clone()),
                letter("two@example.org", notice),
            ]),
            "erased" if before > 0 => Ok(Vec::new()),
            "hourly" => {
                let until = at.plus(Duration::from_hours(1));
                Ok(vec![letter(
                    "hourly@example.org",
                    Letter::ConfirmAddress {
                        link: "x".to_owned(),
                        until,
                    },
                )])
            }
            name => Ok(vec![letter(&format!("{name}@example.org"), notice)]),
        }
    }
}

/// An outbox over real stores whose clock is moved by hand, and nobody runs it but the test.
struct Bed {
    outbox: Outbox,
    queue: Queue,
    post: Arc<Post>,
    store: Store,
    clock: Clock,
    script: Arc<Script>,
    directory: TempDir,
}

impl Bed {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().display().to_string();
        let sources = Sources {
            flags: vec![("--data-dir", "data.dir".to_owned(), data)],
            ..Sources::default()
        };
        let config = Config::load(&sources).unwrap();
        let Durable { store, keyring } = Durable::open(&config).await.unwrap();
        let clock = Clock::standing(Clock::system().now());
        let (script, post) = (Arc::<Script>::default(), Arc::new(Post::open(&config).unwrap()));
        let queue = keyring.queue(QUEUE);
        let outbox = outbox(
            store.log(),
            keyring,
            Arc::clone(&script),
            Arc::clone(&post),
            clock.clone(),
        );
        Self {
            outbox,
            queue,
            post,
            store,
            clock,
            script,
            directory,
        }
    }

    async fn causes(&self, names: &[&str]) {
        for name in names {
            let (user_id, at) = (UserId(Uuid::from_u128(1)), self.clock.now());
            let metadata = CommandMetadata {
                command_id: ids::uuid_v4(),
                actor: "system".to_owned(),
                request_id: None,
                causation: None,
                at,
            };
            let take = ClaimCommand::Take(claim::Take { user_id, at });
            self.store.execute::<Claim>(name, take, &metadata).await.unwrap();
        }
        self.outbox.queue_all().await;
    }

    async fn sends(&self) {
        self.outbox.send_due().await.unwrap();
    }

    async fn later(&self, span: Duration) {
        self.clock.advance(span);
        self.sends().await;
    }

    async fn rows(&self) -> Vec<Queued> {
        self.queue.all().await.unwrap()
    }

    /// Who got mail.
    async fn mailed(&self) -> Vec<String> {
        let mails = self.post.mailbox().unwrap().mails().await.unwrap();
        let mut to: Vec<_> = mails.into_iter().map(|mail| mail.to).collect();
        to.sort_unstable();
        to
    }

    /// Lets nothing be stored in the mail directory, or everything again.
    fn breaks(&self, broken: bool) {
        let (here, away) = (self.directory.path().join("mail"), self.directory.path().join("away"));
        let (from, to) = if broken { (here, away) } else { (away, here) };
        std::fs::rename(from, to).unwrap();
    }
}

#[tokio::test]
async fn letters_leave_once_and_leave_no_row() {
    let bed = Bed::new().await;
    bed.causes(&["ada", "bob", "none"]).await;
    assert_eq!(bed.rows().await.len(), 3);
    bed.sends().await;
    assert_eq!(bed.mailed().await, ["ada@example.org", "bob@example.org"]);
    assert_eq!(bed.rows().await, []);
    bed.causes(&[]).await;
    bed.later(Duration::from_hours(2)).await;
    assert_eq!(bed.mailed().await.len(), 2);
    assert_eq!(bed.outbox.counts().figures().sent, 2);
}

#[tokio::test]
async fn rows_hold_nothing_of_a_person() {
    let bed = Bed::new().await;
    bed.causes(&["ada", "bad"]).await;
    bed.breaks(true);
    bed.sends().await;
    let rows = format!("{:?}", bed.rows().await);
    assert!(!rows.contains("ada") && !rows.contains("no address"), "{rows}");
}

#[tokio::test]
async fn log_that_is_older_than_a_day_causes_nothing() {
    let bed = Bed::new().await;
    bed.clock.advance(PATIENCE + Duration::from_mins(1));
    bed.causes(&["ada"]).await;
    assert_eq!(bed.rows().await, []);
    assert_eq!(bed.script.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn bad_letters_are_parked_and_hold_up_nobody() {
    let bed = Bed::new().await;
    bed.causes(&["bad", "broken", "two", "ada"]).await;
    bed.sends().await;
    assert_eq!(bed.mailed().await, ["ada@example.org", "two@example.org"]);
    let rows = bed.rows().await;
    let parked: Vec<_> = rows
        .iter()
        .map(|row| (row.slot.to_string(), row.parked_at.is_some()))
        .collect();
    assert_eq!(
        parked,
        [
            ("1.0".to_owned(), true),
            ("2".to_owned(), false),
            ("3.0".to_owned(), true)
        ]
    );
    assert_eq!(rows[0].reason.as_deref(), Some("the address cannot be used in mail"));
    assert!(rows[1].reason.as_deref().unwrap().contains("could not be made"));
}

#[tokio::test]
async fn tries_become_rarer_and_end_after_a_day() {
    let bed = Bed::new().await;
    bed.causes(&["ada"]).await;
    bed.breaks(true);
    bed.sends().await;
    let mut pauses = Vec::new();
    while let [row] = bed.rows().await.as_slice()
        && row.parked_at.is_none()
    {
        let pause = row.due_at.since(bed.clock.now());
        pauses.push(pause.as_secs());
        bed.later(pause.saturating_sub(Duration::from_secs(1))).await;
        assert_eq!(bed.rows().await[0].tries, row.tries, "not before it is due");
        bed.later(Duration::from_secs(1)).await;
    }
    assert_eq!(pauses[..6], [10, 60, 300, 1800, 3600, 3600]);
    assert!(pauses.iter().sum::<u64>() < PATIENCE.as_secs());
    assert_eq!(pauses.len(), 27);
    assert_eq!(bed.outbox.counts().figures().failed, 28);

    bed.breaks(false);
    bed.later(Duration::from_hours(48)).await;
    assert_eq!(bed.mailed().await.len(), 0, "a parked letter waits for somebody");
    assert_eq!(bed.queue.retry(None, bed.clock.now()).await.unwrap(), 1);
    bed.sends().await;
    assert_eq!(bed.mailed().await, ["ada@example.org"]);
    assert_eq!(bed.queue.retry(None, bed.clock.now()).await.unwrap(), 0);
}

#[tokio::test]
async fn dead_link_is_not_sent() {
    let bed = Bed::new().await;
    bed.causes(&["hourly"]).await;
    bed.breaks(true);
    bed.sends().await;
    bed.breaks(false);
    bed.later(Duration::from_mins(61)).await;
    assert_eq!((bed.mailed().await.len(), bed.rows().await.len()), (0, 0));
}

#[tokio::test]
async fn letter_that_is_not_due_to_anybody_any_more_is_dropped() {
    let bed = Bed::new().await;
    bed.causes(&["erased"]).await;
    bed.sends().await;
    assert_eq!((bed.mailed().await.len(), bed.rows().await.len()), (0, 0));
}

#[tokio::test]
async fn row_about_another_event_than_the_log_has_is_parked() {
    let bed = Bed::new().await;
    bed.causes(&["none"]).await;
    bed.sends().await;
    let stray = [(Position::new(1), Uuid::from_u128(9))];
    bed.queue
        .take_in(&stray, Position::new(1), bed.clock.now())
        .await
        .unwrap();
    bed.sends().await;
    let rows = bed.rows().await;
    assert!(rows[0].reason.as_deref().unwrap().contains("restored"), "{rows:?}");
    assert_eq!(rows[0].parked_at, Some(bed.clock.now()));
}

#[tokio::test]
async fn many_letters_leave_a_few_at_a_time() {
    let bed = Bed::new().await;
    let names: Vec<String> = (0..40).map(|number| format!("user{number}")).collect();
    bed.causes(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    bed.sends().await;
    assert_eq!(bed.mailed().await.len(), 40);
    let waiting = bed.queue.waiting().await.unwrap();
    assert_eq!((waiting.pending, waiting.parked), (0, 0));
}

#[test]
fn slots_are_written_as_they_are_read() {
    for text in ["42", "42.0", "1.17"] {
        assert_eq!(text.parse::<crate::keys::Slot>().unwrap().to_string(), text);
    }
    for text in ["", "x", "1.", ".1", "1.-1", "1.0.0"] {
        assert!(text.parse::<crate::keys::Slot>().is_err(), "{text}");
    }
}
