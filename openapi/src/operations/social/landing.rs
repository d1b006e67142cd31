//! How a flow at an identity provider ends: what came back, and what the browser gets for it.

use poem::http::HeaderValue;
use url::form_urlencoded;

use super::schema::SocialSession;
use crate::{
    app::Secret,
    caller::Call,
    flow::Traveller,
    gate::Gate,
    param::{Name, Path, Query, Visible},
    problem::Problem,
    redirect::Redirect,
    reply::Reply,
    social::{Arrival, Landed, Return},
};

/// The query of a callback.
type Query4 = (
    Query<Option<Visible>>,
    Query<Visible>,
    Query<Option<Visible>>,
    Query<Option<Visible>>,
);

/// What the query says came back.
pub(super) fn returned(traveller: &Traveller, provider: Path<Name>, query: Query4, to_server: bool) -> Return {
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
pub(super) async fn land(call: &Call, back: Return) -> Result<Reply<SocialSession>, Problem> {
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
pub(super) fn cookies(gate: &Gate, arrival: &Arrival) -> Vec<HeaderValue> {
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
pub(super) fn explained(target: &str, provider: &str, problem: Problem) -> Redirect {
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
