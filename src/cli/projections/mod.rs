//! `doorbook projections …`: beside a running service or alone. The locks of the read models keep two from working on the
//! same one.

mod list;
mod work;

use doorbook_domain::{id::RunId, projection::ProjectionEvent};
use doorbook_projections::engine::{Denied, Engine, Kind, Scope};
use tokio_util::sync::CancellationToken;

use self::work::Wish;
use super::{
    args::{Part, ProjectionsCommand},
    exit::Failure,
    output::Output,
};
use crate::{
    clock::Clock,
    ids,
    service::runs,
    store::{CommandMetadata, Failure as StoreFailure, Store},
};

/// What the commands work with.
pub(crate) struct Bench<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) store: &'a Store,
    pub(crate) clock: Clock,
    pub(crate) output: &'a Output,
    /// When it comes, the read models stay as they were.
    pub(crate) cancel: &'a CancellationToken,
}

/// Carries one out.
pub(crate) async fn run(command: &ProjectionsCommand, bench: &Bench<'_>) -> Result<(), Failure> {
    match command {
        ProjectionsCommand::List => list::projections(bench).await,
        ProjectionsCommand::Rebuild(wish) => {
            let scope = scope(&wish.part);
            let names = match (&wish.name, &scope) {
                (None, Scope::Stream(stream)) => bench.engine.readers_of(stream),
                (name, _) => bench.names(name.as_deref())?,
            };
            work::rebuild(bench, &Wish::new(Kind::Rebuild, &names, scope)).await
        }
        ProjectionsCommand::Verify { name } => work::verify(bench, &bench.names(name.as_deref())?).await,
        ProjectionsCommand::Pause { name } => bench.pause(name, true).await,
        ProjectionsCommand::Resume { name } => bench.pause(name, false).await,
        ProjectionsCommand::Rollback { name } => bench.roll_back(name).await,
        ProjectionsCommand::Runs { name, lines } => list::runs(bench, name, *lines).await,
        ProjectionsCommand::Cancel { name, run } => bench.stop_run(name, *run).await,
        ProjectionsCommand::Parked { name } => list::parked(bench, &bench.names(name.as_deref())?).await,
        ProjectionsCommand::Retry { name, stream, all: _ } => bench.retry(name, stream.as_deref()).await,
    }
}

fn scope(part: &Part) -> Scope {
    match (&part.stream, part.user) {
        (Some(stream), _) => Scope::Stream(stream.clone()),
        (None, Some(user)) => Scope::User(user.0),
        (None, None) => Scope::Whole,
    }
}

impl Bench<'_> {
    /// The read model of that name, or all.
    fn names(&self, wanted: Option<&str>) -> Result<Vec<&'static str>, Failure> {
        let known = self.engine.names();
        let Some(wanted) = wanted else { return Ok(known) };
        match known.iter().find(|name| **name == wanted) {
            Some(name) => Ok(vec![name]),
            None => Err(Failure::Usage(format!(
                "there is no projection `{wanted}`: name one of {}",
                known.join(", ")
            ))),
        }
    }

    /// Writes down what is done, so that the log says that it was done here.
    async fn write_down(&self, name: &str, event: ProjectionEvent) -> Result<(), Failure> {
        let at = self.clock.now();
        let metadata = CommandMetadata {
            command_id: ids::uuid_v7(at),
            actor: "cli".to_owned(),
            request_id: None,
            causation: None,
            at,
        };
        match runs::record(self.store, name, event, &metadata).await {
            Ok(()) => Ok(()),
            Err(StoreFailure::Broken(fault)) => Err(fault.into()),
            Err(StoreFailure::Conflict | StoreFailure::Refused(_)) => Err(Failure::Refused(
                "others write about this projection all the time: try again".to_owned(),
            )),
        }
    }

    async fn pause(&self, name: &str, paused: bool) -> Result<(), Failure> {
        self.names(Some(name))?;
        let at = self.clock.now();
        let event = if paused {
            ProjectionEvent::Paused { at }
        } else {
            ProjectionEvent::Resumed { at }
        };
        self.write_down(name, event).await?;
        let changed = if paused {
            self.engine.pause(name).await
        } else {
            self.engine.resume(name).await
        };
        let changed = changed.map_err(|denied| failure(name, denied))?;
        let done = serde_json::json!({"name": name, "paused": paused, "changed": changed});
        self.output.value(&done, || match (paused, changed) {
            (true, true) => format!("Paused: {name}. `doorbook projections resume {name}` lets it go on."),
            (false, true) => format!("Resumed: {name}."),
            (true, false) => format!("{name} was paused already."),
            (false, false) => format!("{name} was not paused."),
        })?;
        Ok(())
    }

    async fn roll_back(&self, name: &str) -> Result<(), Failure> {
        self.names(Some(name))?;
        let event = ProjectionEvent::RolledBack { at: self.clock.now() };
        self.write_down(name, event).await?;
        let back = self.engine.roll_back(name).await;
        let back = back.map_err(|denied| failure(name, denied))?;
        let done = serde_json::json!({"name": name, "from": back.from, "to": back.to});
        self.output.value(&done, || {
            format!("{name} went back from generation {} to {}.", back.from, back.to)
        })?;
        Ok(())
    }

    async fn stop_run(&self, name: &str, run: RunId) -> Result<(), Failure> {
        self.names(Some(name))?;
        let at = self.clock.now();
        self.write_down(name, ProjectionEvent::Cancelled { run, at }).await?;
        let asked = self.engine.cancel(name, run.0).await;
        asked.map_err(|denied| failure(name, denied))?;
        let done = serde_json::json!({"name": name, "cancelled": run.to_string()});
        self.output
            .value(&done, || format!("Run {run} of {name} stops within a second."))?;
        Ok(())
    }

    /// Tries one stream again, or all that are parked.
    async fn retry(&self, name: &str, stream: Option<&str>) -> Result<(), Failure> {
        self.names(Some(name))?;
        let streams = match stream {
            Some(stream) => vec![stream.to_owned()],
            None => list::streams(self, name).await?,
        };
        if streams.is_empty() && !self.output.is_json() {
            self.output.line(&format!("{name} has nothing parked."))?;
        }
        for stream in streams {
            let parked = self.engine.is_parked(name, &stream).await;
            parked.map_err(|denied| failure(name, denied))?;
            let event = ProjectionEvent::Retried {
                stream: (&*stream).into(),
                at: self.clock.now(),
            };
            self.write_down(name, event).await?;
            let retried = self.engine.retry_parked(name, &stream).await;
            retried.map_err(|denied| failure(name, denied))?;
            let done = serde_json::json!({"name": name, "retried": stream});
            self.output.value(&done, || format!("{stream} is parked no more."))?;
        }
        Ok(())
    }
}

/// What a command says where the engine says no.
fn failure(name: &str, denied: Denied) -> Failure {
    match denied {
        Denied::Busy => Failure::InUse(format!(
            "{name} is being rebuilt or verified already, by the service or by another command: see `doorbook projections \
             runs {name}`, and try again when that has ended"
        )),
        Denied::NotBuilt => Failure::Refused(format!(
            "{name} is not built yet: start the service, or run `doorbook projections rebuild {name}`"
        )),
        Denied::Misfit => Failure::Refused(format!(
            "{name} does not fit this program or this log: run `doorbook projections rebuild {name}`"
        )),
        Denied::Unreadable(poison) => Failure::Refused(format!("{poison}; the stream stays parked from there on")),
        Denied::Fault(fault) => fault.into(),
        denied @ (Denied::Unknown
        | Denied::NothingBefore
        | Denied::EarlierMisfit
        | Denied::NoSuchStream
        | Denied::NotParked
        | Denied::NoSuchRun
        | Denied::RunOver) => Failure::Refused(format!("{name}: {denied}")),
    }
}
