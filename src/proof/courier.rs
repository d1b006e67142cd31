//! Takes checkpoints elsewhere, one after the other, for as long as it takes. Nothing waits for it.

use std::{sync::Arc, time::Duration};

use doorbook_projections::fault::Fault;
use reqwest::{Client, StatusCode, header::CONTENT_TYPE, redirect::Policy};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{notary::Notary, shelf::Shelf, signed::SignedCheckpoint};
use crate::config::Elsewhere;

/// How often it looks for something to take.
const POLL: Duration = Duration::from_secs(1);
/// The pause after the first failure; doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// How long one delivery may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a checkpoint did not arrive.
#[derive(Debug, thiserror::Error)]
enum Undelivered {
    #[error("the directory cannot be written")]
    Directory(#[from] Fault),
    #[error("there is no answer")]
    Silence(#[from] reqwest::Error),
    #[error("the answer has the status {0}")]
    Status(StatusCode),
    #[error("the directory is not there")]
    Missing,
}

enum Way {
    Directory(Shelf),
    Http(Client, Url),
}

/// Takes checkpoints to `audit.checkpoint_url`.
pub struct Courier {
    notary: Arc<Notary>,
    way: Way,
}

impl Courier {
    /// `None` where they go nowhere.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the system gives no HTTP client.
    pub fn new(notary: &Arc<Notary>) -> Result<Option<Self>, Fault> {
        let way = match notary.elsewhere() {
            None => return Ok(None),
            Some(Elsewhere::Directory(directory)) => Way::Directory(Shelf::new(directory)),
            Some(Elsewhere::Http(url)) => Way::Http(client()?, url.clone()),
        };
        let notary = Arc::clone(notary);
        Ok(Some(Self { notary, way }))
    }

    /// Goes on until cancelled.
    pub async fn follow(self, cancel: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        while !cancel.is_cancelled() {
            let wait = match self.step().await {
                Ok(true) => {
                    pause = FIRST_PAUSE;
                    continue;
                }
                Ok(false) => POLL,
                Err(undelivered) => {
                    let error: &dyn std::error::Error = &undelivered;
                    tracing::warn!(
                        error,
                        "a checkpoint did not reach `audit.checkpoint_url`; it is tried again"
                    );
                    let wait = pause;
                    pause = LONGEST_PAUSE.min(pause * 2);
                    wait
                }
            };
            cancel.run_until_cancelled(sleep(wait)).await;
        }
    }

    /// Whether there was one to take.
    async fn step(&self) -> Result<bool, Undelivered> {
        let tree = self.notary.tree();
        let next = tree.unsent().await?;
        if let Some(next) = &next {
            self.deliver(next).await?;
            tree.mark_sent(next.id).await?;
        }
        let unsent = tree.count_unsent().await?;
        self.notary.note(|figures| figures.unsent = unsent);
        Ok(next.is_some())
    }

    async fn deliver(&self, signed: &SignedCheckpoint) -> Result<(), Undelivered> {
        let (client, url) = match &self.way {
            // A share that is not mounted must not be mistaken for an empty directory.
            Way::Directory(place) if !place.directory().is_dir() => return Err(Undelivered::Missing),
            Way::Directory(place) => return Ok(place.put(&signed.checkpoint, &signed.note).await?),
            Way::Http(client, url) => (client, url),
        };
        let request = client
            .post(url.clone())
            .header(CONTENT_TYPE, "text/plain; charset=utf-8");
        let answer = request.body(signed.note.clone()).send().await;
        // The address may hold a password.
        let status = answer.map_err(reqwest::Error::without_url)?.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(Undelivered::Status(status))
        }
    }
}

fn client() -> Result<Client, Fault> {
    // Whoever was first has installed the same.
    crate::tls::install();
    let client = Client::builder()
        .user_agent("Doorbook")
        .timeout(PATIENCE)
        .redirect(Policy::none());
    client.build().map_err(Fault::because(
        "there is no HTTP client to take checkpoints elsewhere with",
    ))
}
