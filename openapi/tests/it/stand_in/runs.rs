//! Two read models, one run of each state, and one parked stream.

use std::collections::VecDeque;

use async_trait::async_trait;
use doorbook_domain::{id::RunId, role::Role};
use doorbook_openapi::{app::*, runs::*};
use doorbook_projections::fault::Fault;
use uuid::Uuid;

use super::{Broken, NOW, StandIn};

/// The read model that there is.
pub(crate) const PROJECTION: &str = "sessions";
/// The stream that it has parked.
pub(crate) const STREAM: &str = "session-01930000-0000-7000-8000-000000000001";
/// A run that is at work.
pub(crate) const RUNNING: RunId = RunId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0021));
/// A run that found a difference.
pub(crate) const VERIFIED: RunId = RunId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0022));

pub(crate) fn running() -> RunEntry {
    RunEntry {
        id: RUNNING,
        projection: PROJECTION.into(),
        kind: "rebuild",
        stream: None,
        user_id: None,
        actor: "cli".into(),
        state: "running",
        phase: "loading",
        done: 10,
        total: 100,
        rate: 5.0,
        eta_seconds: Some(18.0),
        cancelling: false,
        started_at: NOW,
        ended_at: None,
        result: None,
        error: None,
    }
}

fn verified() -> RunEntry {
    RunEntry {
        id: VERIFIED,
        kind: "verify",
        state: "done",
        phase: "comparing",
        eta_seconds: None,
        ended_at: Some(NOW),
        result: Some(RunResult {
            position: Some(100),
            rows: Some(40),
            differing: Some(1),
            differences: vec![DifferingRow {
                table: "sessions".into(),
                key: vec!["01930000-0000-7000-8000-000000000001".into()],
                differs: "columns".into(),
                columns: vec!["ended_at".into()],
            }],
            ..RunResult::default()
        }),
        ..running()
    }
}

fn parked() -> ParkedEntry {
    ParkedEntry {
        stream: STREAM.into(),
        position: 42,
        sequence: 2,
        reason: "event session.teleported 1.0 of a session stream cannot be read: unknown variant".into(),
        since: NOW,
    }
}

impl StandIn {
    /// Whoever has logged in is an admin from now on.
    pub(crate) fn promotes(&self) {
        for session in self.sessions.lock().unwrap().values_mut() {
            session.roles = session.roles.with(Role::Admin);
        }
    }

    fn projection(&self, name: &str) -> Result<(), Refusal> {
        match (*self.broken.lock().unwrap(), name) {
            (Broken::Log, _) => Err(Fault::plain("secret-of-the-log").into()),
            (Broken::Contended, _) => Err(RunRefusal::UnderWay.into()),
            (_, PROJECTION) => Ok(()),
            _ => Err(Refusal::NotFound),
        }
    }

    pub(super) fn proven(&self) -> Result<(), Refusal> {
        if *self.broken.lock().unwrap() == Broken::Unproven {
            return Err(Refusal::ReauthenticationRequired);
        }
        Ok(())
    }
}

#[async_trait]
impl Runs for StandIn {
    async fn projections(&self) -> Result<Vec<ProjectionEntry>, Refusal> {
        let served = ProjectionEntry {
            name: PROJECTION.into(),
            version: 3,
            state: "paused",
            generation: Some(2),
            previous_generation: Some(1),
            position: Some(90),
            head: 100,
            lag_events: 10,
            lag_seconds: 1.5,
            paused_at: Some(NOW),
            fault: None,
            parked_count: 1,
            parked: vec![parked()],
            run: Some(running()),
        };
        let unbuilt = ProjectionEntry {
            name: "users".into(),
            state: "failed",
            generation: None,
            previous_generation: None,
            position: None,
            paused_at: None,
            fault: Some("the log has a gap".into()),
            parked_count: 0,
            parked: Vec::new(),
            run: None,
            ..served.clone()
        };
        Ok(vec![served, unbuilt])
    }

    async fn rebuild_projection(
        &self,
        _: &LiveSession,
        name: &str,
        what: Rebuild,
        origin: &Origin,
    ) -> Result<RunEntry, Refusal> {
        self.proven()?;
        self.projection(name)?;
        self.gate(origin)?;
        Ok(RunEntry {
            stream: what.stream,
            user_id: what.user_id,
            ..running()
        })
    }

    async fn verify_projection(&self, _: &LiveSession, name: &str, origin: &Origin) -> Result<RunEntry, Refusal> {
        self.projection(name)?;
        self.gate(origin)?;
        Ok(RunEntry {
            kind: "verify",
            ..running()
        })
    }

    async fn list_runs(&self, name: &str, page: PageRequest) -> Result<Page<RunEntry>, Refusal> {
        self.projection(name)?;
        let next_cursor = (page.limit == 1).then(|| "1".to_owned());
        Ok(Page {
            items: vec![running(), verified()],
            next_cursor,
        })
    }

    async fn find_run(&self, name: &str, id: RunId) -> Result<RunEntry, Refusal> {
        self.projection(name)?;
        let known = [running(), verified()].into_iter().find(|run| run.id == id);
        known.ok_or(Refusal::NotFound)
    }

    async fn cancel_run(&self, _: &LiveSession, name: &str, id: RunId, origin: &Origin) -> Result<(), Refusal> {
        let run = self.find_run(name, id).await?;
        self.gate(origin)?;
        if run.ended_at.is_some() {
            return Err(RunRefusal::Over.into());
        }
        Ok(())
    }

    async fn watch_run(&self, _: &SessionCookie, name: &str, id: RunId) -> Result<Box<dyn RunWatch>, Refusal> {
        self.find_run(name, id).await?;
        let told = [running(), RunEntry { done: 60, ..running() }, verified()];
        Ok(Box::new(Told(told.into())))
    }

    async fn pause_projection(&self, _: &LiveSession, name: &str, origin: &Origin) -> Result<(), Refusal> {
        self.projection(name)?;
        self.gate(origin)
    }

    async fn resume_projection(&self, _: &LiveSession, name: &str, origin: &Origin) -> Result<(), Refusal> {
        self.projection(name)?;
        self.gate(origin)
    }

    async fn roll_back_projection(&self, _: &LiveSession, name: &str, origin: &Origin) -> Result<(), Refusal> {
        self.proven()?;
        self.projection(name)?;
        self.gate(origin)?;
        Err(RunRefusal::NoEarlier.into())
    }

    async fn list_parked(&self, name: &str, _: PageRequest) -> Result<Page<ParkedEntry>, Refusal> {
        self.projection(name)?;
        Ok(Page {
            items: vec![parked()],
            next_cursor: None,
        })
    }

    async fn retry_parked(&self, _: &LiveSession, name: &str, stream: &str, origin: &Origin) -> Result<(), Refusal> {
        self.projection(name)?;
        self.gate(origin)?;
        if stream == STREAM {
            return Err(RunRefusal::StillUnreadable(parked().reason).into());
        }
        Err(Refusal::NotFound)
    }
}

/// A run that moves as it is told.
struct Told(VecDeque<RunEntry>);

#[async_trait]
impl RunWatch for Told {
    async fn next(&mut self) -> Option<RunEntry> {
        self.0.pop_front()
    }
}
