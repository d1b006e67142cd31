use poem::http::{HeaderValue, header::CONTENT_DISPOSITION};
use poem_openapi::{
    Object, OpenApi,
    types::{Example, MaybeUndefined, Password},
};

use super::Tag;
use crate::{
    app::Secret,
    body::Json,
    caller::{Actor, Reader},
    export::Export,
    form::{Form, FromForm, NewPassword},
    problem::Kind,
    refused::{BODY, READ, Refused, WRITE, kinds},
    reply::{Done, Reply},
    schema::{User, user_json},
};

/// Changes of a profile. What is absent stays.
#[derive(Object)]
#[oai(example)]
struct ProfilePatch {
    /// How the user wants to be called; `null` removes it.
    #[oai(nullable)]
    name: MaybeUndefined<String>,
}

impl Example for ProfilePatch {
    fn example() -> Self {
        Self {
            name: MaybeUndefined::Value("Ada Lovelace".to_owned()),
        }
    }
}

impl FromForm for ProfilePatch {
    fn take(form: &mut Form) -> Self {
        Self {
            name: match form.name() {
                None => MaybeUndefined::Undefined,
                Some(None) => MaybeUndefined::Null,
                Some(Some(name)) => MaybeUndefined::Value(name),
            },
        }
    }
}

/// A change of password.
#[derive(Object)]
#[oai(example)]
struct PasswordChange {
    /// The password until now.
    current_password: Password,
    /// The password from now on; `getConfig` tells the rules.
    new_password: Password,
}

impl Example for PasswordChange {
    fn example() -> Self {
        Self {
            current_password: Password("correct horse battery staple".to_owned()),
            new_password: Password("nine wet pebbles under the bridge".to_owned()),
        }
    }
}

impl FromForm for PasswordChange {
    fn take(form: &mut Form) -> Self {
        Self {
            current_password: Password(form.secret("current_password").0),
            new_password: Password(form.secret("new_password").0),
        }
    }

    fn new_password(&self) -> Option<NewPassword<'_>> {
        Some(NewPassword {
            field: "new_password",
            password: &self.new_password.0,
            words: [None, None],
        })
    }
}

pub(crate) struct Account;

#[OpenApi(prefix_path = "/api", tag = "Tag::Account")]
#[expect(clippy::unused_async, reason = "poem-openapi takes asynchronous operations only")]
impl Account {
    /// Show my profile
    ///
    /// The address, the name and what the user may do.
    #[oai(path = "/me", method = "get", operation_id = "getProfile")]
    async fn show(&self, reader: Reader) -> Result<Reply<User>, Refused<READ>> {
        Ok(Reply::written(user_json(&reader.session)))
    }

    /// Show my profile, under its other name
    ///
    /// As `getProfile`.
    #[oai(path = "/users/profile", method = "get", operation_id = "getUserProfile")]
    async fn show_again(&self, reader: Reader) -> Result<Reply<User>, Refused<READ>> {
        self.show(reader).await
    }

    /// Change my profile
    ///
    /// What is absent stays as it is.
    #[oai(path = "/me", method = "patch", operation_id = "updateProfile")]
    async fn update(
        &self,
        actor: Actor,
        Json(body): Json<ProfilePatch>,
    ) -> Result<Reply<User>, Refused<{ READ | WRITE | BODY | kinds(&[Kind::Conflict, Kind::TooManyRequests]) }>> {
        let name = match body.name {
            MaybeUndefined::Undefined => return Ok(Reply::written(user_json(&actor.session))),
            MaybeUndefined::Null => None,
            MaybeUndefined::Value(name) => Some(name),
        };
        let app = &actor.call.gate().app;
        let session = app.rename(&actor.session, name, &actor.call.origin).await?;
        Ok(Reply::written(user_json(&session)))
    }

    /// Erase me
    ///
    /// Ends the account for good: every session is dead at once, the address is free again, and nobody can read any more who
    /// the user was. It cannot be undone. Needs a proof of who asks from the last five minutes, and refuses the last active
    /// admin.
    #[oai(path = "/me", method = "delete", operation_id = "eraseMe")]
    async fn erase(
        &self,
        actor: Actor,
    ) -> Result<
        Done,
        Refused<{ READ | WRITE | kinds(&[Kind::ReauthenticationRequired, Kind::Conflict, Kind::LastAdmin]) }>,
    > {
        let gate = actor.call.gate();
        gate.app.erase_me(&actor.session, &actor.call.origin).await?;
        Ok(Done::default().headers(gate.farewell()))
    }

    /// Export my data
    ///
    /// Everything that is known about the user, as one document. Needs a proof of who asks from the last five minutes.
    #[oai(path = "/me/export", method = "get", operation_id = "exportMyData")]
    async fn export(
        &self,
        reader: Reader,
    ) -> Result<Reply<Export>, Refused<{ READ | kinds(&[Kind::ReauthenticationRequired, Kind::Busy]) }>> {
        let export = reader.call.gate().app.export(&reader.session).await?;
        Ok(Reply::json(&export).header(
            CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"doorbook-export.json\""),
        ))
    }

    /// Change my password
    ///
    /// Every other session of the user ends. The session that asks gets a new cookie; the old one is dead.
    #[oai(path = "/password/change", method = "post", operation_id = "changePassword")]
    async fn change_password(
        &self,
        actor: Actor,
        Json(body): Json<PasswordChange>,
    ) -> Result<
        Done,
        Refused<
            { READ | WRITE | BODY | kinds(&[Kind::WrongPassword, Kind::Conflict, Kind::Busy, Kind::TooManyRequests]) },
        >,
    > {
        let gate = actor.call.gate();
        let current = Secret(body.current_password.0);
        let new = Secret(body.new_password.0);
        let opened = gate
            .app
            .change_password(&actor.session, current, new, &actor.call.origin)
            .await?;
        Ok(Done::default()
            .cookie(gate.session_cookie(&opened))
            .cookie(gate.device_cookie(&opened)))
    }
}
