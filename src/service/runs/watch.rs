//! One run that an admin follows.

use std::time::Duration;

use async_trait::async_trait;
use doorbook_domain::{id::RunId, role::Role};
use doorbook_openapi::{
    app::{App as _, LiveSession, Refusal, SessionCookie},
    runs::{RunEntry, RunWatch},
};
use doorbook_projections::{
    engine::{Run, RunState},
    fault::Fault,
};
use tokio::time::{sleep, timeout};

use super::{denied, run_entry};
use crate::service::Service;

/// How often it is looked at. Runs are noted as often.
const ROUND: Duration = Duration::from_millis(500);
/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(5);

/// Nobody may follow it any more, or the service cannot tell.
struct Gone;

struct Watch {
    service: Service,
    cookie: SessionCookie,
    name: String,
    id: RunId,
    told: Option<Run>,
    over: bool,
    _seat: Box<dyn Send + Sync>,
}

impl Service {
    pub(super) async fn watch(
        &self,
        cookie: SessionCookie,
        name: &str,
        id: RunId,
    ) -> Result<Box<dyn RunWatch>, Refusal> {
        let live = self.supervisor(&cookie).await?.ok_or(Refusal::NotSignedIn)?;
        let seat = self.tabs.place(live.id, live.user)?;
        self.engine.run_of(name, id.0).await.map_err(denied)?;
        Ok(Box::new(Watch {
            service: self.clone(),
            cookie,
            name: name.to_owned(),
            id,
            told: None,
            over: false,
            _seat: seat,
        }))
    }

    /// The session of a cookie, as long as it lives and is an admin's.
    async fn supervisor(&self, cookie: &SessionCookie) -> Result<Option<LiveSession>, Fault> {
        if !self.directory.is_trusted(self.clock.now()) {
            return Ok(None);
        }
        let live = self.resolve(&cookie.0).await?;
        Ok(live.filter(|live| live.roles.contains(Role::Admin)))
    }
}

impl Watch {
    /// The run, if it has moved.
    async fn look(&self) -> Result<Option<Run>, Gone> {
        let live = self.service.supervisor(&self.cookie).await;
        live.ok().flatten().ok_or(Gone)?;
        let run = self.service.engine.run_of(&self.name, self.id.0).await;
        let run = run.map_err(|_| Gone)?;
        Ok((self.told.as_ref() != Some(&run)).then_some(run))
    }

    async fn news(&mut self) -> Option<RunEntry> {
        if self.told.is_some() {
            sleep(ROUND).await;
        }
        loop {
            let moved = timeout(PATIENCE, self.look()).await.ok()?.ok()?;
            if let Some(run) = moved {
                self.over = run.state != RunState::Running;
                let entry = run_entry(&run);
                self.told = Some(run);
                return Some(entry);
            }
            sleep(ROUND).await;
        }
    }
}

#[async_trait]
impl RunWatch for Watch {
    async fn next(&mut self) -> Option<RunEntry> {
        if self.over {
            return None;
        }
        let closing = self.service.tabs.closing().clone();
        closing.run_until_cancelled(self.news()).await.flatten()
    }
}
