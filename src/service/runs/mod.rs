//! What admins do to read models: the engine does it, and the log says who wanted it.
//!
//! Who wants something is written down before it is done. A run goes on in a task of its own, which the end of the service
//! interrupts; how far it is stands in the engine's table, where every process finds it.

mod entry;
mod watch;

use async_trait::async_trait;
use doorbook_domain::{
    id::RunId,
    projection::{Projection, ProjectionEvent, Record},
    role::Role,
    time::Timestamp,
};
use doorbook_openapi::{
    app::{LiveSession, Origin, Page, PageRequest, Refusal, SessionCookie},
    runs::{ParkedEntry, ProjectionEntry, Rebuild, RunEntry, RunRefusal, RunWatch, Runs},
};
use doorbook_projections::{
    engine::{Denied, Ended, Kind, Order, Run, Scope, Work},
    fault::Fault,
};

use self::entry::{parked_entry, projection_entry, run_entry};
use super::{Service, metadata_of, rights, signup::field};
use crate::store::{CommandMetadata, Failure, Store};

/// Writes down what is done to a read model.
///
/// # Errors
///
/// [`Failure`] when the log cannot be written. There is no rule that would refuse it.
pub(crate) async fn record(
    store: &Store,
    name: &str,
    event: ProjectionEvent,
    metadata: &CommandMetadata,
) -> Result<(), Failure<doorbook_domain::projection::ProjectionError>> {
    let command = Record(event).into();
    store.execute::<Projection>(name, command, metadata).await.map(drop)
}

/// What is to be written down when a run begins.
pub(crate) fn requested(run: &Run, at: Timestamp) -> ProjectionEvent {
    let id = RunId(run.id);
    match run.kind {
        Kind::Verify => ProjectionEvent::VerificationRequested { run: id, at },
        Kind::Rebuild => {
            let (stream, user_id) = entry::scope(&run.scope);
            ProjectionEvent::RebuildRequested {
                run: id,
                stream: stream.map(Into::into),
                user_id,
                at,
            }
        }
    }
}

/// What is to be written down when a run ended well.
pub(crate) const fn ended(run: &Run, ended: &Ended, at: Timestamp) -> ProjectionEvent {
    let run = RunId(run.id);
    match ended {
        Ended::Rebuilt { generation, .. } => ProjectionEvent::Rebuilt {
            run,
            generation: Some(*generation),
            at,
        },
        Ended::Refolded { .. } => ProjectionEvent::Rebuilt {
            run,
            generation: None,
            at,
        },
        Ended::Verified(report) => ProjectionEvent::Verified {
            run,
            differing: report.differing,
            at,
        },
    }
}

fn denied(denied: Denied) -> Refusal {
    match denied {
        Denied::Unknown | Denied::NoSuchRun | Denied::NotParked => Refusal::NotFound,
        Denied::Busy => RunRefusal::UnderWay.into(),
        Denied::NotBuilt | Denied::Misfit => RunRefusal::NotBuilt.into(),
        Denied::NothingBefore | Denied::EarlierMisfit => RunRefusal::NoEarlier.into(),
        Denied::RunOver => RunRefusal::Over.into(),
        Denied::Unreadable(poison) => RunRefusal::StillUnreadable(poison.to_string()).into(),
        Denied::NoSuchStream => Refusal::Invalid(vec![field(
            "stream",
            "unknown",
            "The projection reads no stream of this name.",
        )]),
        Denied::Fault(fault) => fault.into(),
    }
}

impl Service {
    fn knows_projection(&self, name: &str) -> Result<(), Refusal> {
        let known = self.engine.names().contains(&name);
        known.then_some(()).ok_or(Refusal::NotFound)
    }

    async fn write_down(&self, name: &str, event: ProjectionEvent, metadata: &CommandMetadata) -> Result<(), Refusal> {
        record(&self.store, name, event, metadata)
            .await
            .map_err(|failure| match failure {
                Failure::Conflict => Refusal::Conflict,
                Failure::Broken(fault) => fault.into(),
                Failure::Refused(never) => Fault::new("a rule refused what has none", never).into(),
            })
    }

    /// Asks the log once more: a body may have taken its time, and the role may be gone since.
    async fn must_still_be_admin(&self, session: &LiveSession) -> Result<(), Refusal> {
        let who = (session.id, session.user);
        let held = rights::hold(&self.store, self.clock.now(), who, &[Role::Admin]).await?;
        held.then_some(()).ok_or(Refusal::NotSignedIn)
    }

    /// Begins a run, which goes on by itself.
    async fn begin_run(
        self,
        session: LiveSession,
        name: String,
        kind: Kind,
        scope: Scope,
        origin: Origin,
    ) -> Result<RunEntry, Refusal> {
        self.must_still_be_admin(&session).await?;
        let metadata = self.metadata(&origin, Some(session.user));
        let names = [&*name];
        let order = Order {
            kind,
            names: &names,
            scope,
            actor: &metadata.actor,
        };
        let work = self.engine.begin(&order).await.map_err(denied)?;
        let run = work.runs().pop().ok_or_else(|| Fault::plain("nothing was begun"))?;
        self.write_down(&name, requested(&run, metadata.at), &metadata).await?;
        let entry = run_entry(&run);
        let service = self.clone();
        self.commands.spawn(async move { service.work_on(work, &run).await });
        Ok(entry)
    }

    async fn work_on(self, work: Work, run: &Run) {
        let closing = self.tabs.closing().clone();
        let name = run.projection;
        let done = match work.carry_out(&|_| {}, &closing).await {
            Ok(done) => done,
            Err(fault) => {
                tracing::warn!(projection = name, run = %run.id, error = fault.cause(), "a run did not end well");
                return;
            }
        };
        let now = self.clock.now();
        let metadata = CommandMetadata {
            causation: Some(format!("run-{}", run.id)),
            ..metadata_of("system", now)
        };
        for done in &done {
            if let Err(refusal) = self.write_down(name, ended(run, done, now), &metadata).await {
                tracing::warn!(projection = name, run = %run.id, error = %refusal, "the end of a run is not in the log");
            }
        }
    }

    async fn set_paused(self, session: LiveSession, name: String, paused: bool, origin: Origin) -> Result<(), Refusal> {
        self.knows_projection(&name)?;
        self.must_still_be_admin(&session).await?;
        let metadata = self.metadata(&origin, Some(session.user));
        let at = metadata.at;
        let event = if paused {
            ProjectionEvent::Paused { at }
        } else {
            ProjectionEvent::Resumed { at }
        };
        self.write_down(&name, event, &metadata).await?;
        let changed = if paused {
            self.engine.pause(&name).await
        } else {
            self.engine.resume(&name).await
        };
        changed.map(drop).map_err(denied)
    }

    async fn do_roll_back(self, session: LiveSession, name: String, origin: Origin) -> Result<(), Refusal> {
        self.knows_projection(&name)?;
        self.must_still_be_admin(&session).await?;
        let metadata = self.metadata(&origin, Some(session.user));
        let event = ProjectionEvent::RolledBack { at: metadata.at };
        self.write_down(&name, event, &metadata).await?;
        self.engine.roll_back(&name).await.map(drop).map_err(denied)
    }

    async fn do_cancel(self, session: LiveSession, name: String, id: RunId, origin: Origin) -> Result<(), Refusal> {
        self.engine.run_of(&name, id.0).await.map_err(denied)?;
        self.must_still_be_admin(&session).await?;
        let metadata = self.metadata(&origin, Some(session.user));
        let event = ProjectionEvent::Cancelled {
            run: id,
            at: metadata.at,
        };
        self.write_down(&name, event, &metadata).await?;
        self.engine.cancel(&name, id.0).await.map_err(denied)
    }

    async fn do_retry(self, session: LiveSession, name: String, stream: String, origin: Origin) -> Result<(), Refusal> {
        self.engine.is_parked(&name, &stream).await.map_err(denied)?;
        self.must_still_be_admin(&session).await?;
        let metadata = self.metadata(&origin, Some(session.user));
        let event = ProjectionEvent::Retried {
            stream: (&*stream).into(),
            at: metadata.at,
        };
        self.write_down(&name, event, &metadata).await?;
        self.engine.retry_parked(&name, &stream).await.map_err(denied)
    }
}

#[async_trait]
impl Runs for Service {
    async fn projections(&self) -> Result<Vec<ProjectionEntry>, Refusal> {
        let all = self.engine.status().await?;
        Ok(all.into_iter().map(projection_entry).collect())
    }

    async fn rebuild_projection(
        &self,
        session: &LiveSession,
        name: &str,
        what: Rebuild,
        origin: &Origin,
    ) -> Result<RunEntry, Refusal> {
        self.must_be_proven(session)?;
        let scope = match (what.stream, what.user_id) {
            (Some(stream), _) => Scope::Stream(stream),
            (None, Some(user)) => Scope::User(user.0),
            (None, None) => Scope::Whole,
        };
        let (session, name, origin) = (session.clone(), name.to_owned(), origin.clone());
        self.uninterrupted(self.clone().begin_run(session, name, Kind::Rebuild, scope, origin))
            .await
    }

    async fn verify_projection(&self, session: &LiveSession, name: &str, origin: &Origin) -> Result<RunEntry, Refusal> {
        let (session, name, origin) = (session.clone(), name.to_owned(), origin.clone());
        let begin = self
            .clone()
            .begin_run(session, name, Kind::Verify, Scope::Whole, origin);
        self.uninterrupted(begin).await
    }

    async fn list_runs(&self, name: &str, page: PageRequest) -> Result<Page<RunEntry>, Refusal> {
        let before = page.cursor.as_deref().map(str::parse).transpose();
        let before = before.map_err(|_| not_a_cursor())?;
        let limit = usize::from(page.limit);
        let mut runs = self
            .engine
            .runs(name, before, u32::from(page.limit) + 1)
            .await
            .map_err(denied)?;
        let more = runs.len() > limit;
        runs.truncate(limit);
        Ok(Page {
            next_cursor: runs.last().filter(|_| more).map(|run| run.number.to_string()),
            items: runs.iter().map(run_entry).collect(),
        })
    }

    async fn find_run(&self, name: &str, id: RunId) -> Result<RunEntry, Refusal> {
        let run = self.engine.run_of(name, id.0).await.map_err(denied)?;
        Ok(run_entry(&run))
    }

    async fn cancel_run(&self, session: &LiveSession, name: &str, id: RunId, origin: &Origin) -> Result<(), Refusal> {
        let (session, name, origin) = (session.clone(), name.to_owned(), origin.clone());
        self.uninterrupted(self.clone().do_cancel(session, name, id, origin))
            .await
    }

    async fn watch_run(&self, cookie: &SessionCookie, name: &str, id: RunId) -> Result<Box<dyn RunWatch>, Refusal> {
        self.watch(cookie.clone(), name, id).await
    }

    async fn pause_projection(&self, session: &LiveSession, name: &str, origin: &Origin) -> Result<(), Refusal> {
        let (session, name, origin) = (session.clone(), name.to_owned(), origin.clone());
        self.uninterrupted(self.clone().set_paused(session, name, true, origin))
            .await
    }

    async fn resume_projection(&self, session: &LiveSession, name: &str, origin: &Origin) -> Result<(), Refusal> {
        let (session, name, origin) = (session.clone(), name.to_owned(), origin.clone());
        self.uninterrupted(self.clone().set_paused(session, name, false, origin))
            .await
    }

    async fn roll_back_projection(&self, session: &LiveSession, name: &str, origin: &Origin) -> Result<(), Refusal> {
        self.must_be_proven(session)?;
        let (session, name, origin) = (session.clone(), name.to_owned(), origin.clone());
        self.uninterrupted(self.clone().do_roll_back(session, name, origin))
            .await
    }

    async fn list_parked(&self, name: &str, page: PageRequest) -> Result<Page<ParkedEntry>, Refusal> {
        let after = page.cursor.unwrap_or_default();
        let limit = usize::from(page.limit);
        let parked = self.engine.parked(name, &after, u32::from(page.limit) + 1).await;
        let mut parked = parked.map_err(denied)?;
        let more = parked.len() > limit;
        parked.truncate(limit);
        Ok(Page {
            next_cursor: parked.last().filter(|_| more).map(|parked| parked.stream.clone()),
            items: parked.into_iter().map(parked_entry).collect(),
        })
    }

    async fn retry_parked(
        &self,
        session: &LiveSession,
        name: &str,
        stream: &str,
        origin: &Origin,
    ) -> Result<(), Refusal> {
        let (session, origin) = (session.clone(), origin.clone());
        let retry = self
            .clone()
            .do_retry(session, name.to_owned(), stream.to_owned(), origin);
        self.uninterrupted(retry).await
    }
}

fn not_a_cursor() -> Refusal {
    Refusal::Invalid(vec![field(
        "cursor",
        "not_a_cursor",
        "This must be the `next_cursor` of a page.",
    )])
}
