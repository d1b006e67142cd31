use poem_openapi::{
    Object, OpenApi,
    types::{Example, Password},
};

use super::Tag;
use crate::{
    app::{self, Refusal, Secret},
    body::Json,
    caller::{Leaver, Visitor},
    form::{Form, FromForm, NewPassword},
    problem::Kind,
    refused::{BODY, LOOK, Refused, WRITE, kinds},
    reply::Reply,
    schema::{Session, session_json},
};

/// A wish to sign up.
#[derive(Object)]
#[oai(example)]
struct SignUp {
    /// The address.
    #[oai(validator(max_length = 254))]
    email: String,
    /// Any characters; `getConfig` tells the rules.
    password: Password,
    /// How the user wants to be called.
    #[oai(nullable)]
    name: Option<String>,
}

impl Example for SignUp {
    fn example() -> Self {
        Self {
            email: "ada@example.org".to_owned(),
            password: Password("correct horse battery staple".to_owned()),
            name: Some("Ada".to_owned()),
        }
    }
}

impl FromForm for SignUp {
    fn take(form: &mut Form) -> Self {
        Self {
            email: form.email(),
            password: Password(form.secret("password").0),
            name: form.name().flatten(),
        }
    }

    fn new_password(&self) -> Option<NewPassword<'_>> {
        Some(NewPassword {
            field: "password",
            password: &self.password.0,
            words: [Some(&self.email), self.name.as_deref()],
        })
    }
}

/// The wish was accepted.
#[derive(Object)]
#[oai(example)]
struct SignedUp {
    /// What happens next, for people: the same whether the address was known or not.
    detail: String,
}

impl Example for SignedUp {
    fn example() -> Self {
        Self {
            detail: DETAIL_BY_MAIL.to_owned(),
        }
    }
}

const DETAIL_AT_ONCE: &str = "If the address was free, the account can be used now.";
const DETAIL_BY_MAIL: &str = "A mail is on its way to the address, and tells how to go on.";

/// A wish to log in.
#[derive(Object)]
#[oai(example)]
struct LogIn {
    /// The address.
    email: String,
    /// The password.
    password: Password,
    /// Whether the session outlives the browser: yes, unless told.
    remember: Option<bool>,
}

impl Example for LogIn {
    fn example() -> Self {
        Self {
            email: "ada@example.org".to_owned(),
            password: Password("correct horse battery staple".to_owned()),
            remember: Some(true),
        }
    }
}

impl FromForm for LogIn {
    fn take(form: &mut Form) -> Self {
        Self {
            email: form.text("email"),
            password: Password(form.secret("password").0),
            remember: form.optional_flag("remember"),
        }
    }
}

/// The session has ended.
#[derive(Object)]
#[oai(example)]
struct LoggedOut {
    /// `Logout Successful`.
    detail: String,
}

impl Example for LoggedOut {
    fn example() -> Self {
        Self {
            detail: "Logout Successful".to_owned(),
        }
    }
}

pub(crate) struct Login;

#[OpenApi(prefix_path = "/api", tag = "Tag::Login")]
impl Login {
    /// Sign up
    ///
    /// The same answer whether the address is known or not.
    #[oai(path = "/signup", method = "post", operation_id = "signUp")]
    async fn sign_up(
        &self,
        visitor: Visitor,
        Json(body): Json<SignUp>,
    ) -> Result<
        Reply<SignedUp, 202>,
        Refused<
            { LOOK | WRITE | BODY | kinds(&[Kind::SignUpClosed, Kind::Conflict, Kind::Busy, Kind::TooManyRequests]) },
        >,
    > {
        let gate = visitor.call.gate();
        let wish = app::SignUp {
            email: body.email,
            password: Secret(body.password.0),
            name: body.name,
        };
        gate.app.sign_up(wish, &visitor.call.origin).await?;
        let detail = if gate.settings.verify_email {
            DETAIL_BY_MAIL
        } else {
            DETAIL_AT_ONCE
        };
        Ok(Reply::json(&SignedUp {
            detail: detail.to_owned(),
        }))
    }

    /// Log in
    ///
    /// Opens a session and sets its cookie. A live session of the same browser is replaced. `invalid-credentials` stands for
    /// every cause: a wrong password, an unknown address, one not yet confirmed, an inactive user. After too many failures it is
    /// 429 for a while, known address or not; a browser that the user has logged in with before is spared.
    #[oai(path = "/login", method = "post", operation_id = "logIn")]
    async fn log_in(
        &self,
        visitor: Visitor,
        Json(body): Json<LogIn>,
    ) -> Result<
        Reply<Session>,
        Refused<
            {
                LOOK | WRITE
                    | BODY
                    | kinds(&[
                        Kind::InvalidCredentials,
                        Kind::Conflict,
                        Kind::Busy,
                        Kind::TooManyRequests,
                    ])
            },
        >,
    > {
        let gate = visitor.call.gate();
        let wish = app::LogIn {
            email: body.email,
            password: Secret(body.password.0),
            remember: body.remember.unwrap_or(true),
            replaces: visitor.session.map(|session| session.id),
        };
        let opened = gate.app.log_in(wish, &visitor.call.origin).await?;
        let token = gate.fresh_token(Some(&opened.session));
        Ok(Reply::written(session_json(&opened.session))
            .cookie(gate.session_cookie(&opened))
            .cookie(gate.device_cookie(&opened))
            .cookie(gate.csrf_cookie(&token)))
    }

    /// Log out
    ///
    /// Ends the session of this browser, removes its cookie and sets a CSRF token for the signed-out. It succeeds for anybody;
    /// the CSRF header is needed only where a session lives.
    #[oai(path = "/logout", method = "post", operation_id = "logOut")]
    async fn log_out(
        &self,
        leaver: Leaver,
    ) -> Result<Reply<LoggedOut>, Refused<{ LOOK | WRITE | kinds(&[Kind::Conflict]) }>> {
        let gate = leaver.call.gate();
        if let Some(session) = leaver.session {
            match gate.app.log_out(session.id, &leaver.call.origin).await {
                Ok(()) | Err(Refusal::NotSignedIn | Refusal::NotFound) => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Ok(Reply::json(&LoggedOut::example()).headers(gate.farewell()))
    }
}
