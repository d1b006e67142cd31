//! A webhook over a real log, whose clock is moved by hand and whose receiver answers with the status that it is told.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use doorbook_domain::{
    claim::{self, Claim, ClaimCommand},
    id::UserId,
};
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};
use uuid::Uuid;

use crate::{
    clock::Clock,
    config::{Config, Sources},
    ids,
    keys::{Queue, Queued, Waiting},
    open::Durable,
    outbox::Outbox,
    store::{CommandMetadata, Store},
    webhooks::{delivery::Delivery, queue_name},
};

pub(super) struct Bed {
    pub(super) outbox: Outbox,
    pub(super) queue: Queue,
    pub(super) clock: Clock,
    store: Store,
    answer: Arc<Mutex<String>>,
    ids: Arc<Mutex<Vec<String>>>,
    _directory: TempDir,
}

impl Bed {
    pub(super) async fn new(bounds: Option<Waiting>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (answer, ids) = (
            Arc::new(Mutex::new("200 so".to_owned())),
            Arc::<Mutex<Vec<String>>>::default(),
        );
        let url = receiver(Arc::clone(&answer), Arc::clone(&ids)).await;
        let flag = |key: &str, value: &str| ("--set", key.to_owned(), value.to_owned());
        let sources = Sources {
            flags: vec![
                flag("data.dir", &directory.path().display().to_string()),
                flag("webhooks.crm.url", &url),
                flag("webhooks.crm.secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
                flag("webhooks.crm.events", "claim.taken"),
                flag("webhooks.crm.allow_internal", "true"),
            ],
            ..Sources::default()
        };
        let config = Config::load(&sources).unwrap();
        let Durable { store, keyring } = Durable::open(&config).await.unwrap();
        let clock = Clock::standing(Clock::system().now());
        let mut delivery = Delivery::new(&config.webhooks[0], store.log(), clock.clone()).unwrap();
        delivery.bounds = bounds.unwrap_or(delivery.bounds);
        Self {
            queue: keyring.queue(&queue_name("crm")),
            outbox: Outbox::new(store.log(), keyring, delivery, clock.clone()),
            clock,
            store,
            answer,
            ids,
            _directory: directory,
        }
    }

    /// Appends an event for each of them, and queues what fits.
    pub(super) async fn causes(&self, names: &[&str]) {
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

    pub(super) fn answers(&self, status: u16) {
        *self.answer.lock() = format!("{status} so");
    }

    /// Answers so, with `Retry-After`.
    pub(super) fn answers_after(&self, status: u16, retry_after: &str) {
        *self.answer.lock() = format!("{status} so\r\nretry-after: {retry_after}");
    }

    pub(super) async fn later(&self, span: Duration) {
        self.clock.advance(span);
        self.outbox.send_due().await.unwrap();
    }

    pub(super) async fn rows(&self) -> Vec<Queued> {
        self.queue.all().await.unwrap()
    }

    /// How many requests came, and how many ids they had.
    pub(super) fn came(&self) -> (usize, usize) {
        let ids = self.ids.lock();
        (ids.len(), ids.iter().collect::<BTreeSet<_>>().len())
    }
}

async fn receiver(told: Arc<Mutex<String>>, ids: Arc<Mutex<Vec<String>>>) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let head = told.lock().clone();
            if let Some(id) = answer(stream, &head).await {
                ids.lock().push(id);
            }
        }
    });
    url
}

/// Reads a request, answers it, and returns the id that it had.
async fn answer(stream: TcpStream, head: &str) -> Option<String> {
    let (mut reader, mut line) = (BufReader::new(stream), String::new());
    let (mut id, mut length) = (None, 0);
    while reader.read_line(&mut line).await.ok()? > 2 {
        if let Some((name, value)) = line.trim().split_once(": ") {
            match name {
                "webhook-id" => id = Some(value.to_owned()),
                "content-length" => length = value.parse().ok()?,
                _ => {}
            }
        }
        line.clear();
    }
    reader.read_exact(&mut vec![0; length]).await.ok()?;
    let answer = format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    reader.write_all(answer.as_bytes()).await.ok()?;
    id
}
