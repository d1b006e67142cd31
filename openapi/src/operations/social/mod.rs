//! Signing in with accounts at identity providers.

mod landing;
mod schema;

use doorbook_domain::id::LinkId;
use poem_openapi::OpenApi;

pub(super) use self::schema::IdentityProvider;
pub(crate) use self::schema::SocialAccount;
use self::{
    landing::{cookies, explained, land, returned},
    schema::{Intent, ProviderList, SocialAccountList, SocialReturn, SocialSession, SocialStart, SocialStarted},
};
use super::Tag;
use crate::{
    app::Secret,
    body::Json,
    caller::{Actor, Anyone, Call, Reader, Visitor},
    flow::{FlowCookie, Traveller},
    gate::Gate,
    origin::OwnPage,
    param::{Line, Name, Path, Query, Visible},
    problem::Kind,
    redirect::Redirect,
    refused::{BODY, LOOK, READ, Refused, WRITE, kinds},
    reply::{Done, Reply},
    social::{self, Landed, Return, Start, Started},
};

/// What a flow can end in, beside the usual.
const LANDING: u64 = LOOK
    | kinds(&[
        Kind::StateInvalid,
        Kind::ProviderRefused,
        Kind::ProviderDown,
        Kind::EmailNeeded,
        Kind::ProofNeeded,
        Kind::AddressTaken,
        Kind::AccountInactive,
        Kind::NotAdmitted,
        Kind::LinkedToAnother,
        Kind::NotLinked,
        Kind::SignUpClosed,
        Kind::NotFound,
        Kind::Conflict,
        Kind::Busy,
    ]);
/// What the beginning of a flow can end in, beside the usual.
const DEPARTURE: u64 = LOOK
    | kinds(&[
        Kind::NotFound,
        Kind::Invalid,
        Kind::OriginRefused,
        Kind::ProviderRefused,
        Kind::ProviderDown,
        Kind::TooManyRequests,
    ]);

pub(crate) struct SocialApi;

#[OpenApi(prefix_path = "/api", tag = "Tag::Social")]
#[expect(clippy::unused_async, reason = "poem-openapi takes asynchronous operations only")]
impl SocialApi {
    /// List the identity providers
    ///
    /// Those that can be signed in with.
    #[oai(path = "/social", method = "get", operation_id = "listProviders")]
    async fn providers(&self, call: Call) -> Result<Reply<ProviderList>, Refused<{ kinds(&[Kind::Internal]) }>> {
        let items = call.gate().app.providers();
        let items = items.into_iter().map(IdentityProvider::from).collect();
        Ok(Reply::json(&ProviderList { items }))
    }

    /// Begin at an identity provider
    ///
    /// Answers with the page to go to. State, PKCE verifier and nonce stay here, bound to this browser by a cookie, for ten
    /// minutes and one use. The provider sends the browser back to the page `/auth/{provider}/callback`, whose script hands the
    /// query to `completeSocialLogin`.
    #[oai(path = "/social/:provider/start", method = "post", operation_id = "startSocialLogin")]
    async fn start(
        &self,
        visitor: Visitor,
        flow: FlowCookie,
        /// The provider.
        provider: Path<Name>,
        Json(body): Json<SocialStart>,
    ) -> Result<
        Reply<SocialStarted>,
        Refused<{ DEPARTURE | WRITE | BODY | kinds(&[Kind::Unauthenticated, Kind::ReauthenticationRequired]) }>,
    > {
        let gate = visitor.call.gate();
        let wish = Start {
            provider: provider.0.0,
            intent: match body.intent {
                Intent::Login => social::Intent::LogIn,
                Intent::Link => social::Intent::Link,
                Intent::Reauthenticate => social::Intent::Reauthenticate,
            },
            return_to: body.return_to,
            to_server: false,
            browser: flow.0,
            session: visitor.session,
        };
        let Started { authorize_url, browser } = gate.app.start_social(wish, &visitor.call.origin).await?;
        Ok(Reply::json(&SocialStarted { authorize_url }).cookie(gate.flow_cookie(&browser)))
    }

    /// Complete a social login
    ///
    /// For the callback page: takes the query that the provider sent back, once. Opens a session, links the account, or proves
    /// again who one is, as was begun. `proof-needed` and `email-needed` leave the identity waiting in this browser: log in or
    /// sign up, then `continueSocialLogin`.
    #[oai(path = "/social/:provider", method = "post", operation_id = "completeSocialLogin")]
    async fn complete(
        &self,
        visitor: Visitor,
        flow: FlowCookie,
        /// The provider.
        provider: Path<Name>,
        Json(body): Json<SocialReturn>,
    ) -> Result<Reply<SocialSession>, Refused<{ LANDING | WRITE | BODY }>> {
        let back = Return {
            provider: provider.0.0,
            code: body.code.filter(|_| body.error.is_none()).map(Secret),
            state: Secret(body.state),
            iss: body.iss,
            to_server: false,
            browser: flow.0,
            session: visitor.session,
        };
        Ok(land(&visitor.call, back).await?)
    }

    /// Complete a social login by its query
    ///
    /// As `completeSocialLogin`, for pages that hand the query on as it is. No CSRF header is needed: `state` and the cookie of
    /// the flow protect it.
    #[oai(
        path = "/social/:provider",
        method = "get",
        operation_id = "completeSocialLoginByQuery"
    )]
    async fn complete_by_query(
        &self,
        traveller: Traveller,
        /// The provider.
        provider: Path<Name>,
        /// The code; absent when the provider says no.
        code: Query<Option<Visible>>,
        /// The state.
        state: Query<Visible>,
        /// The issuer, where the provider says it.
        iss: Query<Option<Visible>>,
        /// Why the provider says no.
        error: Query<Option<Visible>>,
    ) -> Result<Reply<SocialSession>, Refused<{ LANDING | kinds(&[Kind::Invalid]) }>> {
        let back = returned(&traveller, provider, (code, state, iss, error), false);
        Ok(land(&traveller.call, back).await?)
    }

    /// Go to an identity provider
    ///
    /// For pages without a script: sends the browser to the provider, which sends it back to `finishSocialRedirect`.
    #[oai(
        path = "/social/:provider/login",
        method = "get",
        operation_id = "redirectSocialLogin"
    )]
    async fn redirect(
        &self,
        anyone: Anyone,
        _from: OwnPage,
        flow: FlowCookie,
        /// The provider.
        provider: Path<Name>,
        /// Where people go in the end: a path of this service, or a URL of a listed origin.
        return_to: Query<Option<Line>>,
    ) -> Result<Redirect, Refused<DEPARTURE>> {
        let gate = anyone.call.gate();
        let wish = Start {
            provider: provider.0.0,
            intent: social::Intent::LogIn,
            return_to: return_to.0.map(|line| line.0),
            to_server: true,
            browser: flow.0,
            session: anyone.session,
        };
        let Started { authorize_url, browser } = gate.app.start_social(wish, &anyone.call.origin).await?;
        Ok(Redirect::to(&authorize_url).cookie(gate.flow_cookie(&browser)))
    }

    /// Come back from an identity provider
    ///
    /// Sends the browser to where it wanted to go; where that did not work out, with the problem's name in `social_error` of the
    /// query.
    #[oai(
        path = "/social/:provider/callback",
        method = "get",
        operation_id = "finishSocialRedirect"
    )]
    async fn callback(
        &self,
        traveller: Traveller,
        /// The provider.
        provider: Path<Name>,
        /// The code; absent when the provider says no.
        code: Query<Option<Visible>>,
        /// The state.
        state: Query<Visible>,
        /// The issuer, where the provider says it.
        iss: Query<Option<Visible>>,
        /// Why the provider says no.
        error: Query<Option<Visible>>,
    ) -> Result<Redirect, Refused<{ LOOK | kinds(&[Kind::NotFound, Kind::Invalid]) }>> {
        let back = returned(&traveller, provider, (code, state, iss, error), true);
        let name = back.provider.clone();
        let gate = traveller.call.gate();
        let Landed { outcome, return_to } = gate.app.land_social(back, &traveller.call.origin).await;
        let target = return_to.unwrap_or_else(|| "/".to_owned());
        match outcome {
            Ok(arrival) => {
                let cookies = cookies(gate, &arrival);
                Ok(cookies.into_iter().fold(Redirect::to(&target), Redirect::cookie))
            }
            Err(refusal) => {
                let problem = gate.flow_problem(refusal, traveller.browser.as_ref());
                if problem.is(Kind::NotFound) {
                    return Err(problem.into());
                }
                Ok(explained(&target, &name, problem))
            }
        }
    }

    /// Link the account that waits
    ///
    /// After `proof-needed` or `email-needed`: links the identity that was proven in this browser to the account that is now
    /// signed in. It waits for half an hour, and after `proof-needed` for that account only.
    #[oai(
        path = "/social/:provider/continue",
        method = "post",
        operation_id = "continueSocialLogin"
    )]
    async fn go_on(
        &self,
        actor: Actor,
        flow: FlowCookie,
        /// The provider.
        provider: Path<Name>,
    ) -> Result<
        Reply<SocialSession>,
        Refused<
            {
                READ | WRITE
                    | kinds(&[
                        Kind::StateInvalid,
                        Kind::ReauthenticationRequired,
                        Kind::ProofNeeded,
                        Kind::AccountInactive,
                        Kind::NotAdmitted,
                        Kind::LinkedToAnother,
                        Kind::NotFound,
                        Kind::Conflict,
                    ])
            },
        >,
    > {
        let (app, origin) = (&actor.call.gate().app, &actor.call.origin);
        let entry = app
            .continue_social(&actor.session, &provider.0.0, flow.0, origin)
            .await?;
        Ok(Reply::json(&SocialSession::new(&actor.session, Some(entry), None)))
    }

    /// List my accounts at identity providers
    ///
    /// Oldest first.
    #[oai(path = "/me/social-accounts", method = "get", operation_id = "listSocialAccounts")]
    async fn accounts(&self, reader: Reader) -> Result<Reply<SocialAccountList>, Refused<READ>> {
        let items = reader.call.gate().app.social_accounts(reader.session.user).await?;
        let items = items.into_iter().map(SocialAccount::from).collect();
        Ok(Reply::json(&SocialAccountList { items }))
    }

    /// Unlink one of my accounts at identity providers
    ///
    /// It can no longer be logged in with, and every other session of the user ends. The last way in stays. It needs a recent
    /// proof.
    #[oai(
        path = "/me/social-accounts/:id",
        method = "delete",
        operation_id = "unlinkSocialAccount"
    )]
    async fn unlink(
        &self,
        actor: Actor,
        /// The link.
        id: Path<LinkId>,
    ) -> Result<
        Done,
        Refused<
            {
                READ | WRITE
                    | kinds(&[
                        Kind::NotFound,
                        Kind::LastWayIn,
                        Kind::ReauthenticationRequired,
                        Kind::Conflict,
                    ])
            },
        >,
    > {
        let gate = actor.call.gate();
        let opened = gate.app.unlink_social(&actor.session, id.0, &actor.call.origin).await?;
        Ok(Done::default()
            .cookie(gate.session_cookie(&opened))
            .cookie(gate.device_cookie(&opened)))
    }
}

/// What stands in `getConfig`.
pub(super) fn listed(gate: &Gate) -> Vec<IdentityProvider> {
    gate.app.providers().into_iter().map(IdentityProvider::from).collect()
}
