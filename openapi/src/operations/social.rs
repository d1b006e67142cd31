use poem::http::HeaderValue;
use poem_openapi::{Enum, Object, OpenApi, types::Example};
use url::form_urlencoded;
use uuid::Uuid;

use doorbook_domain::id::LinkId;

use super::Tag;
use crate::{
    app::{LiveSession, Secret},
    body::Json,
    caller::{Actor, Anyone, Call, Reader, Visitor},
    flow::{FlowCookie, Traveller},
    form::{Form, FromForm},
    gate::Gate,
    param::{Line, OwnPage, Path, Provider, Query, Visible},
    problem::{Kind, Problem},
    redirect::Redirect,
    refused::{BODY, LOOK, READ, Refused, WRITE, kinds},
    reply::{Done, Reply},
    scalar::{Always, Instant},
    schema::{SessionInfo, User},
    social::{self, Arrival, Landed, ProviderEntry, Return, SocialAccountEntry, Start, Started},
};

/// An identity provider.
#[derive(Object)]
pub(super) struct IdentityProvider {
    /// Its place in paths: `github`.
    id: String,
    /// Its name for people: `GitHub`.
    name: String,
}

impl From<ProviderEntry> for IdentityProvider {
    fn from(entry: ProviderEntry) -> Self {
        let ProviderEntry { id, name } = entry;
        Self { id, name }
    }
}

/// The providers of this service.
#[derive(Object)]
struct ProviderList {
    /// In the order of their names.
    items: Vec<IdentityProvider>,
}

/// What somebody wants of a provider.
#[derive(Enum)]
#[oai(rename_all = "snake_case")]
enum Intent {
    /// A session.
    Login,
    /// Another way into the account of the session that asks. It needs a recent proof.
    Link,
    /// A fresh proof for the session that asks.
    Reauthenticate,
}

/// A wish to go to a provider.
#[derive(Object)]
#[oai(example)]
struct SocialStart {
    /// What for.
    intent: Intent,
    /// Where people go in the end: a path of this service, or a URL of a listed origin.
    #[oai(nullable)]
    return_to: Option<String>,
}

impl Example for SocialStart {
    fn example() -> Self {
        Self {
            intent: Intent::Login,
            return_to: Some("/settings".to_owned()),
        }
    }
}

impl FromForm for SocialStart {
    fn take(form: &mut Form) -> Self {
        let known = &["login", "link", "reauthenticate"];
        Self {
            intent: match form.word("intent", known).as_str() {
                "link" => Intent::Link,
                "reauthenticate" => Intent::Reauthenticate,
                _ => Intent::Login,
            },
            return_to: form.optional_text("return_to"),
        }
    }
}

/// Where to go.
#[derive(Object)]
#[oai(example)]
struct SocialStarted {
    /// The provider's page: open it in this browser, within ten minutes.
    authorize_url: String,
}

impl Example for SocialStarted {
    fn example() -> Self {
        Self {
            authorize_url: "https://github.com/login/oauth/authorize?response_type=code&…".to_owned(),
        }
    }
}

/// What came back from a provider: the query of the callback page, unchanged.
#[derive(Object)]
#[oai(example)]
struct SocialReturn {
    /// The code; absent when the provider says no.
    #[oai(nullable)]
    code: Option<String>,
    /// The state.
    state: String,
    /// The issuer, where the provider says it.
    #[oai(nullable)]
    iss: Option<String>,
    /// Why the provider says no.
    #[oai(nullable)]
    error: Option<String>,
}

impl Example for SocialReturn {
    fn example() -> Self {
        Self {
            code: Some("4/0AY0e-g7…".to_owned()),
            state: "Zk3…".to_owned(),
            iss: None,
            error: None,
        }
    }
}

impl FromForm for SocialReturn {
    fn take(form: &mut Form) -> Self {
        Self {
            code: form.optional_text("code"),
            state: form.text("state"),
            iss: form.optional_text("iss"),
            error: form.optional_text("error"),
        }
    }
}

/// An account at a provider that the user can log in with.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(crate) struct SocialAccount {
    /// Names the link.
    id: Uuid,
    /// The provider.
    provider: IdentityProvider,
    /// What the person knows it by: an address or a name there.
    label: Option<String>,
    /// Since when.
    linked_at: Instant,
}

impl From<SocialAccountEntry> for SocialAccount {
    fn from(entry: SocialAccountEntry) -> Self {
        Self {
            id: entry.id.0,
            provider: entry.provider.into(),
            label: entry.label,
            linked_at: Instant(entry.linked_at),
        }
    }
}

/// The accounts at providers that the user can log in with.
#[derive(Object)]
struct SocialAccountList {
    /// Oldest first.
    items: Vec<SocialAccount>,
}

/// A live session, and what a flow at a provider did to it.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct SocialSession {
    /// Always true.
    authenticated: Always<true>,
    /// The session.
    session: SessionInfo,
    /// Its user.
    user: User,
    /// The account at the provider, where this linked it.
    linked: Option<SocialAccount>,
    /// Where people wanted to go in the end.
    return_to: Option<String>,
}

impl SocialSession {
    fn new(live: &LiveSession, linked: Option<SocialAccountEntry>, return_to: Option<String>) -> Self {
        Self {
            authenticated: Always,
            session: SessionInfo::new(live),
            user: User::new(live),
            linked: linked.map(SocialAccount::from),
            return_to,
        }
    }
}

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
        provider: Path<Provider>,
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
        provider: Path<Provider>,
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
        provider: Path<Provider>,
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
        provider: Path<Provider>,
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
        provider: Path<Provider>,
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
        provider: Path<Provider>,
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

/// The query of a callback.
type Query4 = (
    Query<Option<Visible>>,
    Query<Visible>,
    Query<Option<Visible>>,
    Query<Option<Visible>>,
);

fn returned(traveller: &Traveller, provider: Path<Provider>, query: Query4, to_server: bool) -> Return {
    let (code, state, iss, error) = query;
    let code = code.0.filter(|_| error.0.is_none());
    Return {
        provider: provider.0.0,
        code: code.map(|line| Secret(line.0)),
        state: Secret(state.0.0),
        iss: iss.0.map(|line| line.0),
        to_server,
        browser: traveller.browser.clone(),
        session: traveller.session.clone(),
    }
}

/// Ends a flow of a page.
async fn land(call: &Call, back: Return) -> Result<Reply<SocialSession>, Problem> {
    let gate = call.gate();
    let browser = back.browser.clone();
    let Landed { outcome, return_to } = gate.app.land_social(back, &call.origin).await;
    let arrival = outcome.map_err(|refusal| gate.flow_problem(refusal, browser.as_ref()))?;
    let body = match &arrival {
        Arrival::Session(opened) => SocialSession::new(&opened.session, None, return_to),
        Arrival::Linked(session, entry) => SocialSession::new(session, Some(entry.clone()), return_to),
    };
    let cookies = cookies(gate, &arrival);
    Ok(cookies.into_iter().fold(Reply::json(&body), Reply::cookie))
}

/// The cookies that a flow which went well sets.
fn cookies(gate: &Gate, arrival: &Arrival) -> Vec<HeaderValue> {
    match arrival {
        Arrival::Session(opened) => {
            let token = gate.fresh_token(Some(&opened.session));
            let set = [gate.session_cookie(opened), gate.csrf_cookie(&token)];
            set.into_iter().chain(gate.device_cookie(opened)).collect()
        }
        Arrival::Linked(..) => Vec::new(),
    }
}

/// Back to where the person wanted to go, with the name of what went wrong.
fn explained(target: &str, provider: &str, problem: Problem) -> Redirect {
    let (page, fragment) = target.split_once('#').unwrap_or((target, ""));
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("social_error", problem.slug())
        .append_pair("provider", provider)
        .finish();
    let join = if page.contains('?') { '&' } else { '?' };
    let fragment = if fragment.is_empty() {
        String::new()
    } else {
        format!("#{fragment}")
    };
    let redirect = Redirect::to(&format!("{page}{join}{query}{fragment}"));
    problem.into_cookies().into_iter().fold(redirect, Redirect::cookie)
}

/// What stands in `getConfig`.
pub(super) fn listed(gate: &Gate) -> Vec<IdentityProvider> {
    gate.app.providers().into_iter().map(IdentityProvider::from).collect()
}
