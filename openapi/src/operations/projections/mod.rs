mod events;
mod items;

use doorbook_domain::id::{RunId, UserId};
use poem::http::{HeaderValue, header::LOCATION};
use poem_openapi::OpenApi;

use self::{
    events::RunEvents,
    items::{ParkedPage, ParkedStream, Projection, ProjectionList, RebuildWish, Run, RunPage},
};
use super::Tag;
use crate::{
    body::OptionalJson,
    caller::{Admin, Onlooker, Supervisor},
    checked::{Checked, page},
    param::{Cursor, Limit, Name, Path},
    problem::Kind,
    refused::{BODY, ROLE, Refused, WRITE, kinds},
    reply::{Done, Reply},
    runs::{Rebuild, RunEntry},
};

pub(crate) struct Projections;

/// What every change by an admin can answer.
const CHANGE: u64 = ROLE | WRITE | kinds(&[Kind::NotFound, Kind::Conflict]);

/// A run that was begun, and where it can be looked at.
fn begun(entry: RunEntry) -> Reply<Run, 202> {
    let place = format!("/api/admin/projections/{}/runs/{}", entry.projection, entry.id);
    let reply = Reply::json(&Run::from(entry));
    match HeaderValue::try_from(place) {
        Ok(place) => reply.header(LOCATION, place),
        Err(_) => reply,
    }
}

#[OpenApi(prefix_path = "/api/admin", tag = "Tag::Projections")]
impl Projections {
    /// List the projections
    ///
    /// Each read model: what it serves, how far it is behind the log, what it leaves out, and what is being done to it.
    #[oai(path = "/projections", method = "get", operation_id = "listProjections")]
    async fn list(&self, admin: Supervisor) -> Result<Reply<ProjectionList>, Refused<ROLE>> {
        let all = admin.call.gate().app.projections().await?;
        let items = all.into_iter().map(Projection::from).collect();
        Ok(Reply::json(&ProjectionList { items }))
    }

    /// Rebuild a projection
    ///
    /// Folds it anew from the log beside its tables, which serve until the new ones have caught up; then these take their
    /// place in one step. With `stream` or `user_id` it folds those rows in place: what differs is put right, what is
    /// missing comes to be, what should not be there stays. Needs a recent proof. `Location` names the run.
    #[oai(
        path = "/projections/:name/rebuild",
        method = "post",
        operation_id = "rebuildProjection"
    )]
    async fn rebuild(
        &self,
        admin: Admin,
        /// The projection.
        name: Path<Name>,
        OptionalJson(wish): OptionalJson<RebuildWish>,
    ) -> Result<
        Reply<Run, 202>,
        Refused<{ CHANGE | BODY | kinds(&[Kind::ReauthenticationRequired, Kind::RunUnderWay, Kind::NotBuilt]) }>,
    > {
        let what = Rebuild {
            stream: wish.stream,
            user_id: wish.user_id.map(UserId),
        };
        let app = &admin.call.gate().app;
        let run = app
            .rebuild_projection(&admin.session, &name.0.0, what, &admin.call.origin)
            .await?;
        Ok(begun(run))
    }

    /// Verify a projection
    ///
    /// Folds the log beside its tables and compares every row. Nobody is disturbed. `Location` names the run, whose result
    /// names the rows that differ.
    #[oai(
        path = "/projections/:name/verify",
        method = "post",
        operation_id = "verifyProjection"
    )]
    async fn verify(
        &self,
        admin: Admin,
        /// The projection.
        name: Path<Name>,
    ) -> Result<Reply<Run, 202>, Refused<{ CHANGE | kinds(&[Kind::RunUnderWay, Kind::NotBuilt]) }>> {
        let app = &admin.call.gate().app;
        let run = app
            .verify_projection(&admin.session, &name.0.0, &admin.call.origin)
            .await?;
        Ok(begun(run))
    }

    /// List the runs of a projection
    ///
    /// Newest first, also those of the command line and of the service itself; the latest five hundred are kept.
    #[oai(path = "/projections/:name/runs", method = "get", operation_id = "listRuns")]
    async fn runs(
        &self,
        admin: Supervisor,
        /// The projection.
        name: Path<Name>,
        /// From the page before.
        cursor: Checked<Cursor>,
        /// How many items.
        limit: Checked<Limit>,
    ) -> Result<Reply<RunPage>, Refused<{ ROLE | kinds(&[Kind::NotFound, Kind::Invalid]) }>> {
        let page = page(cursor, limit)?;
        let page = admin.call.gate().app.list_runs(&name.0.0, page).await?;
        Ok(Reply::json(&RunPage {
            items: page.items.into_iter().map(Run::from).collect(),
            next_cursor: page.next_cursor,
        }))
    }

    /// Show a run
    #[oai(path = "/projections/:name/runs/:id", method = "get", operation_id = "getRun")]
    async fn run(
        &self,
        admin: Supervisor,
        /// The projection.
        name: Path<Name>,
        /// The run.
        id: Path<RunId>,
    ) -> Result<Reply<Run>, Refused<{ ROLE | kinds(&[Kind::NotFound]) }>> {
        let run = admin.call.gate().app.find_run(&name.0.0, id.0).await?;
        Ok(Reply::json(&Run::from(run)))
    }

    /// Cancel a run
    ///
    /// It stops within a second, whichever process is at it, or once an index that is being made is done. What serves stays as it is.
    #[oai(path = "/projections/:name/runs/:id", method = "delete", operation_id = "cancelRun")]
    async fn cancel(
        &self,
        admin: Admin,
        /// The projection.
        name: Path<Name>,
        /// The run.
        id: Path<RunId>,
    ) -> Result<Done, Refused<{ CHANGE | kinds(&[Kind::RunOver]) }>> {
        let app = &admin.call.gate().app;
        app.cancel_run(&admin.session, &name.0.0, id.0, &admin.call.origin)
            .await?;
        Ok(Done::default())
    }

    /// Follow a run
    ///
    /// Server-sent events: `progress` with the run as often as it has moved, at most twice a second, and `ended` as the
    /// last. A comment comes every 20 seconds. The stream also ends with the session, with its role, and when the service
    /// stops.
    #[oai(
        path = "/projections/:name/runs/:id/events",
        method = "get",
        operation_id = "streamRunEvents"
    )]
    async fn follow(
        &self,
        admin: Onlooker,
        /// The projection.
        name: Path<Name>,
        /// The run.
        id: Path<RunId>,
    ) -> Result<RunEvents, Refused<{ ROLE | kinds(&[Kind::NotFound, Kind::TooManyRequests, Kind::Busy]) }>> {
        let app = &admin.call.gate().app;
        Ok(RunEvents(app.watch_run(&admin.cookie, &name.0.0, id.0).await?))
    }

    /// Pause a projection
    ///
    /// It stays as it is until it is resumed, also over restarts. Queries go on reading it, and no longer see what was
    /// written since.
    #[oai(path = "/projections/:name/pause", method = "post", operation_id = "pauseProjection")]
    async fn pause(
        &self,
        admin: Admin,
        /// The projection.
        name: Path<Name>,
    ) -> Result<Done, Refused<CHANGE>> {
        let app = &admin.call.gate().app;
        app.pause_projection(&admin.session, &name.0.0, &admin.call.origin)
            .await?;
        Ok(Done::default())
    }

    /// Resume a projection
    ///
    /// It follows the log again, from where it was.
    #[oai(
        path = "/projections/:name/resume",
        method = "post",
        operation_id = "resumeProjection"
    )]
    async fn resume(
        &self,
        admin: Admin,
        /// The projection.
        name: Path<Name>,
    ) -> Result<Done, Refused<CHANGE>> {
        let app = &admin.call.gate().app;
        app.resume_projection(&admin.session, &name.0.0, &admin.call.origin)
            .await?;
        Ok(Done::default())
    }

    /// Go back to the generation before
    ///
    /// In one step. It catches up from where it had read the log; queries read the other one until it has. The same call
    /// goes forward again. Needs a recent proof.
    #[oai(
        path = "/projections/:name/rollback",
        method = "post",
        operation_id = "rollBackProjection"
    )]
    async fn roll_back(
        &self,
        admin: Admin,
        /// The projection.
        name: Path<Name>,
    ) -> Result<
        Done,
        Refused<
            {
                CHANGE
                    | kinds(&[
                        Kind::ReauthenticationRequired,
                        Kind::RunUnderWay,
                        Kind::NoEarlierGeneration,
                    ])
            },
        >,
    > {
        let app = &admin.call.gate().app;
        app.roll_back_projection(&admin.session, &name.0.0, &admin.call.origin)
            .await?;
        Ok(Done::default())
    }

    /// List the parked streams of a projection
    ///
    /// By name. Each is left out from an event on that could not be read; every other stream goes on.
    #[oai(path = "/projections/:name/parked", method = "get", operation_id = "listParked")]
    async fn parked(
        &self,
        admin: Supervisor,
        /// The projection.
        name: Path<Name>,
        /// From the page before.
        cursor: Checked<Cursor>,
        /// How many items.
        limit: Checked<Limit>,
    ) -> Result<Reply<ParkedPage>, Refused<{ ROLE | kinds(&[Kind::NotFound, Kind::Invalid]) }>> {
        let page = page(cursor, limit)?;
        let page = admin.call.gate().app.list_parked(&name.0.0, page).await?;
        Ok(Reply::json(&ParkedPage {
            items: page.items.into_iter().map(ParkedStream::from).collect(),
            next_cursor: page.next_cursor,
        }))
    }

    /// Try a parked stream again
    ///
    /// After a fix: with a program that can read the event. The stream is parked no more then.
    #[oai(
        path = "/projections/:name/parked/:stream/retry",
        method = "post",
        operation_id = "retryParked"
    )]
    async fn retry(
        &self,
        admin: Admin,
        /// The projection.
        name: Path<Name>,
        /// The stream.
        stream: Path<Name>,
    ) -> Result<Done, Refused<{ CHANGE | kinds(&[Kind::NotBuilt, Kind::StillUnreadable]) }>> {
        let app = &admin.call.gate().app;
        app.retry_parked(&admin.session, &name.0.0, &stream.0.0, &admin.call.origin)
            .await?;
        Ok(Done::default())
    }
}
