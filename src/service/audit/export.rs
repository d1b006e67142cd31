//! Logins on their way out. One task reads candidates, one looks up whose they are, still sealed, one opens that and looks
//! whether its reader may still read, and what answers the request writes them: each is ahead of the next by two batches at most.

use std::{collections::HashSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use doorbook_domain::{id::UserId, role::Role};
use doorbook_openapi::{
    app::{LiveSession, Origin, Refusal},
    audit::{LoginBatches, LoginFilter, LoginRecord},
    formats::Format,
};
use doorbook_projections::{addresses::Named, cursor::Cursor, fault::Fault, login_history::LoginRow};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use uuid::Uuid;

use super::{
    logins::Search,
    reading::Reader,
    records::{Deadlines, People, REMEMBERED, mentioned},
};
use crate::service::{Service, rights};

/// Batches that wait to be sent.
const AHEAD: usize = 2;
/// How long a look at the session is good for, and what was learned of users.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How an export goes.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Rows of one batch.
    batch: u32,
    /// How long whoever reads over HTTP may take over one.
    patience: Duration,
}

const PACE: Pace = Pace {
    batch: 1000,
    patience: Duration::from_mins(2),
};

impl Service {
    pub(super) async fn hand_out_logins(
        &self,
        reader: &LiveSession,
        filter: &LoginFilter,
        format: &str,
        origin: &Origin,
    ) -> Result<Box<dyn LoginBatches>, Refusal> {
        self.must_be_proven(reader)?;
        let seat = self.tabs.place_for_export(reader.id, reader.user)?;
        let reader = Reader::Session(reader.clone(), origin.clone());
        self.begin_export(reader, filter, format, (PACE, Some(seat))).await
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
        self.begin_export(Reader::Operator, filter, format.as_str(), (PACE, None))
            .await
    }

    async fn begin_export(
        &self,
        reader: Reader,
        filter: &LoginFilter,
        format: &str,
        (pace, seat): (Pace, Option<Box<dyn Send + Sync>>),
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
            pace,
            _seat: seat,
        };
        self.commands.spawn(export.run(out));
        Ok(Box::new(Batches(batches)))
    }

    /// In batches of one row.
    #[cfg(test)]
    pub(in crate::service) async fn export_row_by_row(
        &self,
        reader: &LiveSession,
        origin: &Origin,
        patience: Duration,
    ) -> Box<dyn LoginBatches> {
        let reader = Reader::Session(reader.clone(), origin.clone());
        let (filter, pace) = (LoginFilter::default(), Pace { batch: 1, patience });
        let begun = self.begin_export(reader, &filter, "ndjson", (pace, None));
        begun.await.unwrap()
    }
}

/// Some records; `None` behind the last. A channel that closes without that was broken off, whatever the reason.
type Batch = Result<Option<Vec<LoginRecord>>, Fault>;
/// Some candidates, and whether they are the last.
type Candidates = Result<(Vec<LoginRow>, bool), Fault>;

/// Some candidates, and what their records take; still sealed.
struct LookedUp {
    rows: Vec<LoginRow>,
    /// Whoever is mentioned and was not lately.
    named: Vec<Named>,
    deadlines: Deadlines,
    is_last: bool,
}

/// Looks up what candidates mention, batch after batch.
struct Lookup {
    service: Service,
    /// Who was looked up lately.
    known: HashSet<UserId>,
    since: Instant,
}

impl Lookup {
    async fn batch(&mut self, rows: Vec<LoginRow>, is_last: bool) -> Result<LookedUp, Fault> {
        if self.since.elapsed() >= LOOK_EVERY || self.known.len() > REMEMBERED {
            self.known.clear();
            self.since = Instant::now();
        }
        let (users, sessions) = mentioned(rows.iter());
        let strangers: HashSet<UserId> = users.into_iter().filter(|user| !self.known.contains(user)).collect();
        self.known.extend(&strangers);
        let (named, deadlines, ()) = tokio::try_join!(
            self.service.names_of(strangers),
            self.service.deadlines(&sessions),
            self.service.warm_rows(&rows),
        )?;
        self.service.warm_names(&named).await?;
        Ok(LookedUp {
            rows,
            named,
            deadlines,
            is_last,
        })
    }
}

/// What is sent.
struct Batches(mpsc::Receiver<Batch>);

#[async_trait]
impl LoginBatches for Batches {
    async fn next(&mut self) -> Result<Option<Vec<LoginRecord>>, Fault> {
        let broken_off = || Err(Fault::plain("the export did not come to its end"));
        self.0.recv().await.unwrap_or_else(broken_off)
    }
}

/// What reads ahead.
struct Export {
    service: Service,
    reader: Reader,
    reading: Uuid,
    search: Arc<Search>,
    rows: u64,
    pace: Pace,
    _seat: Option<Box<dyn Send + Sync>>,
}

impl Export {
    async fn run(mut self, out: mpsc::Sender<Batch>) {
        let complete = match self.feed(&out).await {
            Ok(complete) => complete,
            Err(fault) => {
                // Whoever receives it breaks the file off. Where there is no room for it, the end that is missing says so.
                out.try_send(Err(fault)).unwrap_or_default();
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
        let mut batches = self.look_up_ahead(self.read_ahead());
        let mut people = People::default();
        let mut looked: Option<Instant> = None;
        loop {
            let looked_up = batches.recv().await;
            let batch = looked_up.ok_or(Fault::plain("the history was not read to its end"))??;
            if looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY) {
                self.may_read_on().await?;
                // Somebody may have been erased meanwhile.
                people.forget_users();
                looked = Some(Instant::now());
            }
            let records = self.open(batch.rows, batch.named, &batch.deadlines, &mut people);
            let records = records.await?;
            let count = u64::try_from(records.len()).unwrap_or(0);
            if !self.hand_over(out, Some(records)).await? {
                return Ok(false);
            }
            self.rows += count;
            if batch.is_last {
                return self.hand_over(out, None).await;
            }
        }
    }

    /// The records of those that fit. Nobody else is opened.
    async fn open(
        &self,
        rows: Vec<LoginRow>,
        mut named: Vec<Named>,
        deadlines: &Deadlines,
        people: &mut People,
    ) -> Result<Vec<LoginRecord>, Fault> {
        let found = self.service.fitting(&self.search, rows).await?;
        let (users, _) = mentioned(found.iter().map(|opened| &opened.row));
        let wanted: HashSet<&UserId> = users.iter().collect();
        named.retain(|named| wanted.contains(&named.user));
        people.make_room();
        self.service.introduce(named, people).await?;
        // Those who were looked up with an earlier batch, and forgotten since.
        self.service.meet(&users, people).await?;
        self.service.records_of(found, people, deadlines).await
    }

    /// `false` where nobody takes it any more.
    async fn hand_over(&self, out: &mpsc::Sender<Batch>, batch: Option<Vec<LoginRecord>>) -> Result<bool, Fault> {
        let patience = match self.reader {
            Reader::Session(..) => self.pace.patience,
            Reader::Operator => Duration::MAX,
        };
        let closing = self.service.tabs.closing();
        let taken = closing.run_until_cancelled(timeout(patience, out.send(Ok(batch))));
        match taken.await {
            Some(Ok(taken)) => Ok(taken.is_ok()),
            Some(Err(_)) => Err(Fault::plain("the reader takes too long")),
            None => Err(Fault::plain("the service is about to stop")),
        }
    }

    /// Reads candidates until there are no more, or nobody takes them.
    fn read_ahead(&self) -> mpsc::Receiver<Candidates> {
        let (out, candidates) = mpsc::channel(AHEAD);
        let (service, search, batch) = (self.service.clone(), Arc::clone(&self.search), self.pace.batch);
        self.service.commands.spawn(async move {
            let mut after = Some(Cursor::start());
            while let Some(cursor) = after.take() {
                let read = service.candidates(&search, &cursor, batch).await;
                let rows = read.map(|(rows, next)| {
                    after = next;
                    (rows, after.is_none())
                });
                if out.send(rows).await.is_err() {
                    return;
                }
            }
        });
        candidates
    }

    /// Looks up candidates until there are no more, or nobody takes them.
    fn look_up_ahead(&self, mut candidates: mpsc::Receiver<Candidates>) -> mpsc::Receiver<Result<LookedUp, Fault>> {
        let (out, batches) = mpsc::channel(AHEAD);
        let mut lookup = Lookup {
            service: self.service.clone(),
            known: HashSet::new(),
            since: Instant::now(),
        };
        self.service.commands.spawn(async move {
            while let Some(read) = candidates.recv().await {
                let looked_up = match read {
                    Ok((rows, is_last)) => lookup.batch(rows, is_last).await,
                    Err(fault) => Err(fault),
                };
                if out.send(looked_up).await.is_err() {
                    return;
                }
            }
        });
        batches
    }

    /// Whoever may use the command line may read on. Of others the log is asked: a role's removal raises the epoch, and no
    /// session outlives that.
    async fn may_read_on(&self) -> Result<(), Fault> {
        let Reader::Session(reader, _) = &self.reader else {
            return Ok(());
        };
        let (store, now) = (&self.service.store, self.service.clock.now());
        let who = (reader.id, reader.user);
        if rights::hold(store, now, who, &[Role::Auditor, Role::Admin]).await? {
            Ok(())
        } else {
            Err(Fault::plain("the reader's session is dead, or the role is gone"))
        }
    }
}
