//! One page that follows its session.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use doorbook_domain::{event::Event, id::UserId, seal::SecretHash, session::Session, user::User};
use doorbook_openapi::app::{LiveSession, Notice, Tab};
use doorbook_projections::{fault::Fault, sessions::raised_epoch};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::seats::Seat;
use crate::{directory::Ear, service::Parts};

/// Memory is asked again after so long without a signal: clocks jump.
const ROUND: Duration = Duration::from_mins(1);
/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(5);
/// Who raises an epoch takes the own session over into it right afterwards: only then is that session known to live on.
const TAKE_OVER: Duration = Duration::from_millis(300);

/// What there is to tell.
enum News {
    Nothing,
    Something(Notice),
    /// The last thing, if there is one to say.
    Last(Option<Notice>),
}

/// An open page.
pub(super) struct Page {
    parts: Arc<Parts>,
    ear: Ear,
    closing: CancellationToken,
    /// SHA-256 of the secret that the page came with.
    secret: SecretHash,
    /// What the page was told.
    told: LiveSession,
    greeted: bool,
    over: bool,
    _seat: Seat,
}

impl Page {
    pub(super) const fn new(
        parts: Arc<Parts>,
        ear: Ear,
        seat: Seat,
        closing: CancellationToken,
        live: LiveSession,
        secret: SecretHash,
    ) -> Self {
        Self {
            parts,
            ear,
            closing,
            secret,
            told: live,
            greeted: false,
            over: false,
            _seat: seat,
        }
    }

    async fn news(&mut self) -> Option<Notice> {
        loop {
            match self.look().await {
                News::Something(notice) => return Some(notice),
                News::Nothing => self.pause().await,
                News::Last(notice) => {
                    self.over = true;
                    return notice;
                }
            }
        }
    }

    /// Asks the directory. When it cannot tell, or would not hear of the next change, the page is sent away rather than
    /// left in a wrong belief.
    async fn look(&mut self) -> News {
        let now = self.parts.clock.now();
        let asked = self.parts.directory.resolve(self.told.id, &self.secret, now);
        match timeout(PATIENCE, asked).await {
            Ok(Ok(None)) => News::Last(self.farewell().await),
            Ok(Ok(Some(live))) if self.parts.directory.is_trusted(now) => self.compare(live),
            Ok(Ok(Some(_)) | Err(_)) | Err(_) => News::Last(None),
        }
    }

    fn compare(&mut self, live: LiveSession) -> News {
        let told = &mut self.told;
        let same_user = told.identity == live.identity
            && told.roles == live.roles
            && told.email_verified == live.email_verified
            && told.user_since == live.user_since;
        if !same_user {
            told.identity = live.identity.clone();
            told.roles = live.roles;
            told.email_verified = live.email_verified;
            told.user_since = live.user_since;
            return News::Something(Notice::UserChanged(live));
        }
        if *told == live {
            return News::Nothing;
        }
        *told = live.clone();
        News::Something(Notice::Refreshed(live))
    }

    /// Waits for a signal, the next deadline, or a while.
    async fn pause(&self) {
        let deadline = self.told.idle_until.min(self.told.absolute_until);
        let left = deadline.since(self.parts.clock.now());
        let wait = left.clamp(Duration::from_millis(1), ROUND);
        tokio::select! {
            () = self.ear.heard() => {}
            () = sleep(wait) => {}
        }
    }

    /// Why the cookie is dead; nothing when the log cannot say.
    async fn farewell(&self) -> Option<Notice> {
        let last = Instant::now() + TAKE_OVER;
        loop {
            let at_last = Instant::now() >= last;
            match timeout(PATIENCE, self.verdict(at_last)).await {
                Ok(Ok(Some(notice))) => return Some(notice),
                Ok(Ok(None)) if !at_last => {
                    // Either way it is asked again.
                    let _ = timeout_at(last, self.ear.heard()).await;
                }
                Ok(Ok(None)) | Err(_) => return None,
                Ok(Err(fault)) => {
                    tracing::debug!(error = fault.cause(), "a page was not told why its session is over");
                    return None;
                }
            }
        }
    }

    /// Says why, unless that may yet turn out differently.
    async fn verdict(&self, at_last: bool) -> Result<Option<Notice>, Fault> {
        let (store, now) = (&self.parts.store, self.parts.clock.now());
        let session = store.load::<Session>(&self.told.id.to_string()).await?.aggregate;
        let Some(login) = session.login() else { return Ok(None) };
        if let Some(reason) = session.ended() {
            return Ok(Some(Notice::SignedOut(reason.as_str())));
        }
        if now >= login.idle_until || now >= login.absolute_until {
            return Ok(Some(Notice::SignedOut("expired")));
        }
        let user = store.load::<User>(&login.user_id.to_string()).await?.aggregate;
        if user.is_active() && session.is_live(now, user.epoch()) {
            let renewed = login.secret != self.secret;
            return Ok(renewed.then_some(Notice::Renewed));
        }
        if user.is_active() && !at_last {
            return Ok(None);
        }
        let cause = self.cause(login.user_id, login.epoch).await?;
        Ok(Some(Notice::SignedOut(cause)))
    }

    /// What ended every session of an epoch.
    async fn cause(&self, user: UserId, epoch: u32) -> Result<&'static str, Fault> {
        let log = self.parts.store.log();
        for recorded in log.stream("user", &user.to_string(), 0).await? {
            if let Ok(Event::User(event)) = recorded.event()
                && let Some((raised, _, cause)) = raised_epoch(&event)
                && raised > epoch
            {
                return Ok(cause);
            }
        }
        Ok("revoked")
    }
}

#[async_trait]
impl Tab for Page {
    async fn next(&mut self) -> Option<Notice> {
        if self.over {
            return None;
        }
        if !self.greeted {
            self.greeted = true;
            return Some(Notice::Connected(self.told.clone()));
        }
        let closing = self.closing.clone();
        closing.run_until_cancelled(self.news()).await.flatten()
    }
}
