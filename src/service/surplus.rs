//! The limit of sessions: where a user has more than are allowed, the oldest end.

use std::time::Duration;

use doorbook_domain::{
    id::{SessionId, UserId},
    session::{self, EndReason, SessionCommand},
};
use doorbook_openapi::app::Refusal;
use doorbook_projections::sessions;
use futures_util::future::try_join_all;

use super::{READ_PATIENCE, Service, metadata_of, unexpected};

/// When sessions are counted after a login. By then the read model has them as a rule, and nobody has to wait for it.
const SOON: Duration = Duration::from_millis(600);

/// Sessions that are ended at the same time.
const TOGETHER: usize = 32;

impl Service {
    /// Ends the sessions of a user beyond the limit, after the answer of the login that may have been one too many.
    ///
    /// One look serves all logins of the user that came since the last: it waits a moment, and then until their sessions are
    /// in the read model. One that is not looked after, at a shutdown, is by the next login.
    pub(super) fn end_surplus_later(&self, user: UserId) {
        if !self.uncounted.lock().insert(user) {
            return;
        }
        let service = self.clone();
        self.commands.spawn(async move {
            let closing = service.tabs.closing().clone();
            let look = async {
                tokio::time::sleep(SOON).await;
                service.uncounted.lock().remove(&user);
                service.end_surplus(user).await
            };
            if let Some(Err(refusal)) = closing.run_until_cancelled(look).await {
                tracing::warn!(error = %refusal, "sessions beyond the limit were not ended; the next login tries again");
            }
        });
    }

    /// Which sessions they are, the read model says; whether one still is to be ended, its own stream.
    pub(super) async fn end_surplus(&self, user: UserId) -> Result<(), Refusal> {
        let written = self.store.written().await?;
        let waited = self
            .engine
            .wait_idly_for(sessions::NAME, written, READ_PATIENCE)
            .await?;
        if !waited && !self.engine.rests(sessions::NAME) {
            return Err(Refusal::Busy(READ_PATIENCE));
        }
        let reads = self.engine.reads();
        let surplus = sessions::beyond(&reads, user, self.clock.now(), self.rules.max_sessions).await?;
        // Together, since what is appended together is synced once.
        for some in surplus.chunks(TOGETHER) {
            try_join_all(some.iter().map(|&session| self.end_as_surplus(session))).await?;
        }
        Ok(())
    }

    async fn end_as_surplus(&self, session: SessionId) -> Result<(), Refusal> {
        let at = self.clock.now();
        let end = SessionCommand::End(session::End {
            reason: EndReason::TooMany,
            by: None,
            at,
        });
        self.command_session(session, end, &metadata_of("system", at))
            .await
            .map_err(unexpected)?;
        Ok(())
    }
}
