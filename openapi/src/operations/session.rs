use poem_openapi::{
    Object, OpenApi,
    types::{Example, Password},
};

use super::Tag;
use crate::{
    app::Secret,
    body::Json,
    caller::{Actor, Anyone, Watcher},
    events::SessionEvents,
    form::{Form, FromForm},
    problem::Kind,
    refused::{BODY, LOOK, READ, Refused, WRITE, kinds},
    reply::Reply,
    schema::{SIGNED_OUT, Session, SessionState, session_json},
};

/// A password as fresh proof.
#[derive(Object)]
#[oai(example)]
struct Proof {
    /// The user's password.
    password: Password,
}

impl Example for Proof {
    fn example() -> Self {
        Self {
            password: Password("correct horse battery staple".to_owned()),
        }
    }
}

impl FromForm for Proof {
    fn take(form: &mut Form) -> Self {
        Self {
            password: Password(form.secret("password").0),
        }
    }
}

pub(crate) struct SessionApi;

#[OpenApi(prefix_path = "/api", tag = "Tag::Session")]
#[expect(clippy::unused_async, reason = "poem-openapi takes asynchronous operations only")]
impl SessionApi {
    /// Show the session of this browser
    ///
    /// For anybody, so that a page's first request is no error. It costs no I/O, and it is no activity: it does not keep the
    /// session alive.
    // Documented here; `edge::session` answers, without this crate's extractors and their cost.
    #[oai(path = "/session", method = "get", operation_id = "getSession")]
    async fn show(&self, anyone: Anyone) -> Result<Reply<SessionState>, Refused<LOOK>> {
        let body = anyone
            .session
            .as_ref()
            .map_or_else(|| SIGNED_OUT.to_vec(), session_json);
        Ok(Reply::written(body))
    }

    /// Follow the session
    ///
    /// Server-sent events for one open page: `connected` with the session and its user, then `session-refreshed`,
    /// `user-changed` and, as the last, `signed-out`, each within a second, from whichever place the change came. A comment
    /// comes every 20 seconds. It is no activity. The stream ends with the session, when the session gets a new cookie, and
    /// when the service cannot tell any more: ask `getSession`, and open it again while somebody is signed in. A session has
    /// at most 16 streams, a user 64.
    #[oai(path = "/session/events", method = "get", operation_id = "streamSessionEvents")]
    async fn follow(
        &self,
        watcher: Watcher,
    ) -> Result<SessionEvents, Refused<{ READ | kinds(&[Kind::TooManyRequests, Kind::Busy]) }>> {
        let tab = watcher.call.gate().app.follow(&watcher.cookie).await?;
        Ok(SessionEvents::new(tab))
    }

    /// Keep the session alive
    ///
    /// Moves its idle deadline now.
    #[oai(path = "/session/refresh", method = "post", operation_id = "refreshSession")]
    async fn refresh(
        &self,
        actor: Actor,
    ) -> Result<Reply<Session>, Refused<{ READ | WRITE | kinds(&[Kind::Conflict]) }>> {
        let app = &actor.call.gate().app;
        let session = app.refresh(actor.session.id, &actor.call.origin).await?;
        Ok(Reply::written(session_json(&session)))
    }

    /// Prove again who is there
    ///
    /// Takes the password as fresh proof, for what asks for one. The session gets a new cookie; the old one is dead.
    #[oai(path = "/session/reauthenticate", method = "post", operation_id = "reauthenticate")]
    async fn reauthenticate(
        &self,
        actor: Actor,
        Json(body): Json<Proof>,
    ) -> Result<
        Reply<Session>,
        Refused<
            { READ | WRITE | BODY | kinds(&[Kind::WrongPassword, Kind::Conflict, Kind::Busy, Kind::TooManyRequests]) },
        >,
    > {
        let gate = actor.call.gate();
        let password = Secret(body.password.0);
        let opened = gate
            .app
            .reauthenticate(&actor.session, password, &actor.call.origin)
            .await?;
        Ok(Reply::written(session_json(&opened.session)).cookie(gate.session_cookie(&opened)))
    }
}
