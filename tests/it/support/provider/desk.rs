//! What the provider answers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use doorbook_domain::seal::hex;
use hmac::{Hmac, KeyInit as _, Mac as _};
use poem::{Endpoint, EndpointExt as _, Request, Response, Route, endpoint::make, http::StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use super::{
    CLIENT_ID, CLIENT_SECRET, Grant, Kind, MOVED, Person, State,
    token::{self, Lie},
};

pub(super) fn routes(kind: Kind, origin: &str, state: &Arc<Mutex<State>>) -> impl Endpoint + use<> {
    let on = |answer: fn(&Desk, &Asked) -> Response| {
        let desk = Desk {
            kind,
            origin: origin.to_owned(),
            state: Arc::clone(state),
        };
        make(move |request: Request| {
            let desk = desk.clone();
            async move {
                if desk.has_moved(request.uri().path()) {
                    return moved();
                }
                let asked = Asked::read(request).await;
                if desk.state.lock().unwrap().silent {
                    std::future::pending::<()>().await;
                }
                desk.pause().await;
                if desk.state.lock().unwrap().down {
                    return status(503);
                }
                answer(&desk, &asked)
            }
        })
        .boxed()
    };
    Route::new()
        .at("/token", on(Desk::token))
        .at(MOVED, on(Desk::token))
        .at("/me", on(Desk::me))
        .at("/me/emails", on(Desk::emails))
        .at(
            "/keys",
            on(|desk, _| as_json(&token::keys(desk.state.lock().unwrap().lie))),
        )
        .at("/.well-known/openid-configuration", on(Desk::discovery))
}

/// What a request says.
struct Asked {
    accept: String,
    bearer: String,
    authorization: String,
    query: HashMap<String, String>,
    form: HashMap<String, String>,
}

impl Asked {
    async fn read(mut request: Request) -> Self {
        let header = |name: &str| {
            request
                .headers()
                .get(name)
                .map_or("", |value| value.to_str().unwrap())
                .to_owned()
        };
        let (accept, authorization) = (header("accept"), header("authorization"));
        assert!(
            header("user-agent").starts_with("doorbook/"),
            "GitHub refuses whoever does not say who they are"
        );
        let pairs = |text: &[u8]| form_urlencoded::parse(text).into_owned().collect::<HashMap<_, _>>();
        let query = pairs(request.uri().query().unwrap_or_default().as_bytes());
        let form = pairs(&request.take_body().into_vec().await.unwrap());
        let bearer = authorization.strip_prefix("Bearer ").unwrap_or_default().to_owned();
        Self {
            accept,
            bearer,
            authorization,
            query,
            form,
        }
    }
}

/// Who answers.
#[derive(Clone)]
pub(super) struct Desk {
    kind: Kind,
    origin: String,
    pub(super) state: Arc<Mutex<State>>,
}

impl Desk {
    fn has_moved(&self, path: &str) -> bool {
        path == "/token" && self.state.lock().unwrap().lie == Some(Lie::Moved)
    }

    fn token(&self, asked: &Asked) -> Response {
        let mut state = self.state.lock().unwrap();
        state.exchanges += 1;
        let basic = format!(
            "Basic {}",
            BASE64_STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"))
        );
        let knows = asked.authorization == basic
            || asked
                .form
                .get("client_secret")
                .is_some_and(|secret| secret == CLIENT_SECRET);
        let grant = state.codes.remove(&asked.form["code"]);
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&asked.form["code_verifier"]));
        let fits = |grant: &Grant| grant.challenge == challenge && grant.redirect_uri == asked.form["redirect_uri"];
        let Some(grant) = grant.filter(fits).filter(|_| knows) else {
            return self.refusal(asked);
        };
        state.count += 1;
        let access = format!("canary-access-token-{}", state.count);
        let mut answer = json!({
            "access_token": access,
            "token_type": "bearer",
            "refresh_token": "canary-refresh-token",
            "expires_in": 3600,
        });
        if matches!(self.kind, Kind::Google | Kind::Oidc) {
            // Google puts the address into the ID token; others leave it to the user info.
            let with_email = self.kind == Kind::Google;
            let issued = token::issue(&self.origin, &grant, with_email, state.lie);
            answer["id_token"] = issued.into();
        }
        state.tokens.insert(access.clone(), grant);
        if self.kind == Kind::Github && !asked.accept.contains("json") {
            return form(&[("access_token", &access), ("token_type", "bearer")]);
        }
        as_json(&answer)
    }

    /// GitHub says no with status 200, the Graph API with an object, others as RFC 6749 has it.
    fn refusal(&self, asked: &Asked) -> Response {
        let code = &asked.form["code"];
        match self.kind {
            Kind::Github => as_json(&json!({"error": "bad_verification_code", "error_description": code})),
            Kind::Facebook => {
                let error = json!({"error": {"message": code, "type": "OAuthException", "code": 100}});
                let mut response = as_json(&error);
                response.set_status(StatusCode::BAD_REQUEST);
                response
            }
            Kind::Google | Kind::Oidc => {
                let mut response = as_json(&json!({"error": "invalid_grant"}));
                response.set_status(StatusCode::BAD_REQUEST);
                response
            }
        }
    }

    fn me(&self, asked: &Asked) -> Response {
        let state = self.state.lock().unwrap();
        let Some(grant) = state.tokens.get(&asked.bearer) else {
            return status(401);
        };
        let Person {
            id,
            email,
            verified,
            name,
        } = &grant.person;
        match self.kind {
            Kind::Github => as_json(&json!({"id": id, "login": name, "name": null, "email": null})),
            Kind::Facebook => {
                let mut mac = Hmac::<Sha256>::new_from_slice(CLIENT_SECRET.as_bytes()).unwrap();
                mac.update(asked.bearer.as_bytes());
                let proof = hex(&mac.finalize().into_bytes());
                if asked.query.get("appsecret_proof") != Some(&proof) {
                    return status(400);
                }
                let mut me = json!({"id": id.to_string(), "name": name});
                if let Some(email) = email {
                    me["email"] = email.as_str().into();
                }
                as_json(&me)
            }
            Kind::Google | Kind::Oidc => {
                let subject = if state.lie == Some(Lie::UserInfoSubject) {
                    id + 1
                } else {
                    *id
                };
                as_json(&json!({
                    "sub": subject.to_string(), "email": email, "email_verified": verified, "name": name,
                }))
            }
        }
    }

    fn emails(&self, asked: &Asked) -> Response {
        let state = self.state.lock().unwrap();
        let Some(grant) = state.tokens.get(&asked.bearer) else {
            return status(401);
        };
        let own = grant.person.email.iter();
        let mut list: Vec<Value> = own
            .map(|email| json!({"email": email, "primary": true, "verified": grant.person.verified}))
            .collect();
        list.push(json!({"email": "second@example.org", "primary": false, "verified": true}));
        as_json(&list.into())
    }

    fn discovery(&self, _: &Asked) -> Response {
        let origin = &self.origin;
        let lie = self.state.lock().unwrap().lie;
        let issuer = if lie == Some(Lie::MetadataIssuer) {
            "https://other.example"
        } else {
            origin
        };
        as_json(&json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{origin}/authorize"),
            "token_endpoint": format!("{origin}/token"),
            "userinfo_endpoint": format!("{origin}/me"),
            "jwks_uri": format!("{origin}/keys"),
            "authorization_response_iss_parameter_supported": true,
        }))
    }
}

fn as_json(value: &Value) -> Response {
    Response::builder()
        .content_type("application/json")
        .body(value.to_string())
}

fn form(pairs: &[(&str, &str)]) -> Response {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(pairs);
    Response::builder()
        .content_type("application/x-www-form-urlencoded")
        .body(body.finish())
}

fn moved() -> Response {
    Response::builder()
        .status(StatusCode::TEMPORARY_REDIRECT)
        .header("location", MOVED)
        .finish()
}

fn status(code: u16) -> Response {
    Response::builder().status(StatusCode::from_u16(code).unwrap()).finish()
}
