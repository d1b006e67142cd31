//! Logins on their way out. One task reads candidates, another opens them and looks whether its reader may still read, and
//! what answers the request writes them: each is ahead of the next by two batches at most.

use std::sync::Arc;

use async_trait::async_trait;
use doorbook_domain::{role::Role, session::Session, user::User};
use doorbook_openapi::{
    app::{LiveSession, Origin, Refusal},
    audit::{LoginBatches, LoginFilter, LoginRecord},
    formats::Format,
};
use doorbook_projections::{cursor::Cursor, fault::Fault, login_history::LoginRow};
use tokio::{sync::mpsc, time::Instant};
use uuid::Uuid;

use super::{logins::Search, reading::Reader, records::People};
use crate::service::Service;

/// Rows of one batch.
const BATCH: u32 = 2000;
/// Batches that wait to be sent.
const AHEAD: usize = 2;
/// How long a look at the session is good for.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(500);

impl Service {
    pub(super) async fn hand_out_logins(
        &self,
        reader: &LiveSession,
        filter: &LoginFilter,
        format: &str,
        origin: &Origin,
    ) -> Result<Box<dyn LoginBatches>, Refusal> {
        self.must_be_proven(reader)?;
        let reader = Reader::Session(reader.clone(), origin.clone());
        self.begin_export(reader, filter, format).await
    }

    /// As over HTTP, for whoever may use the command line.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`] when the read models are behind, [`Refusal::Fault`] when something broke.
    pub async fn export_for_operator(
        &self,
        filter: &LoginFilter,
        format: Format,
    ) -> Result<Box<dyn LoginBatches>, Refusal> {
        self.begin_export(Reader::Operator, filter, format.as_str()).await
    }

    async fn begin_export(
        &self,
        reader: Reader,
        filter: &LoginFilter,
        format: &str,
    ) -> Result<Box<dyn LoginBatches>, Refusal> {
        self.history_has_all().await?;
        let wish = self.login_wish(filter).with("format", Some(format));
        let reading = self.note_question(&reader, "exportLogins", wish).await?;
        // What happens from now on belongs to the next export.
        let now = self.clock.now();
        let mut filter = filter.clone();
        filter.to = Some(filter.to.map_or(now, |to| to.min(now)));
        let search = self.search_for(&filter).await?;
        let (out, batches) = mpsc::channel(AHEAD);
        let export = Export {
            service: self.clone(),
            reader,
            reading,
            search: Arc::new(search),
            rows: 0,
        };
        self.commands.spawn(export.run(out));
        Ok(Box::new(Batches(batches)))
    }
}

type Batch = Result<Vec<LoginRecord>, Fault>;

/// What is sent.
struct Batches(mpsc::Receiver<Batch>);

#[async_trait]
impl LoginBatches for Batches {
    async fn next(&mut self) -> Result<Option<Vec<LoginRecord>>, Fault> {
        self.0.recv().await.transpose()
    }
}

/// What reads ahead.
struct Export {
    service: Service,
    reader: Reader,
    reading: Uuid,
    search: Arc<Search>,
    rows: u64,
}

impl Export {
    async fn run(mut self, out: mpsc::Sender<Batch>) {
        let complete = match self.feed(&out).await {
            Ok(complete) => complete,
            Err(fault) => {
                // Whoever receives it breaks the file off. It may have gone away itself.
                out.send(Err(fault)).await.unwrap_or_default();
                false
            }
        };
        let ended = self
            .service
            .note_end(self.reading, &self.reader, self.rows, complete)
            .await;
        if let Err(fault) = ended {
            tracing::error!(error = fault.cause(), "the end of an export was not recorded");
        }
    }

    /// Whether everything was handed over.
    async fn feed(&mut self, out: &mpsc::Sender<Batch>) -> Result<bool, Fault> {
        let mut candidates = self.read_ahead();
        let mut people = People::default();
        let mut looked: Option<Instant> = None;
        let closing = self.service.tabs.closing().clone();
        loop {
            if looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY) {
                self.may_read_on().await?;
                looked = Some(Instant::now());
            }
            let Some(rows) = candidates.recv().await else {
                return Ok(true);
            };
            let found = self.service.fitting(&self.search, rows?).await?;
            let records = self.service.records(found, &mut people).await?;
            let count = u64::try_from(records.len()).unwrap_or(0);
            match closing.run_until_cancelled(out.send(Ok(records))).await {
                Some(Ok(())) => self.rows += count,
                Some(Err(_)) => return Ok(false),
                None => return Err(Fault::plain("the service is about to stop")),
            }
        }
    }

    /// Reads candidates until there are no more, or nobody takes them.
    fn read_ahead(&self) -> mpsc::Receiver<Result<Vec<LoginRow>, Fault>> {
        let (out, candidates) = mpsc::channel(AHEAD);
        let (service, search) = (self.service.clone(), Arc::clone(&self.search));
        self.service.commands.spawn(async move {
            let mut after = Some(Cursor::start());
            while let Some(cursor) = after.take() {
                let read = service.candidates(&search, &cursor, BATCH).await;
                let rows = read.map(|(rows, next)| {
                    after = next;
                    rows
                });
                if out.send(rows).await.is_err() {
                    return;
                }
            }
        });
        candidates
    }

    /// Whoever may use the command line may read on. Of others the log is asked: a role's removal raises the epoch, and no session outlives that.
    async fn may_read_on(&self) -> Result<(), Fault> {
        let Reader::Session(reader, _) = &self.reader else {
            return Ok(());
        };
        let store = &self.service.store;
        let session = store.load::<Session>(&reader.id.to_string()).await?.aggregate;
        let user = store.load::<User>(&reader.user.to_string()).await?.aggregate;
        let roles = user.roles();
        let allowed = [Role::Auditor, Role::Admin]
            .into_iter()
            .any(|role| roles.contains(role));
        if allowed && user.is_active() && session.is_live(self.service.clock.now(), user.epoch()) {
            Ok(())
        } else {
            Err(Fault::plain("the reader's session is dead, or the role is gone"))
        }
    }
}
