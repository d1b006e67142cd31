use poem_openapi::{
    Object, OpenApi,
    types::{Example, Password},
};

use super::Tag;
use crate::{
    app::Secret,
    body::Json,
    caller::{Actor, Visitor},
    form::{Form, FromForm, NewPassword},
    problem::Kind,
    refused::{BODY, LOOK, READ, Refused, WRITE, kinds},
    reply::{Done, Reply},
};

const TOKEN: &str = "AQGTq1xkd7eKj3uYb9nXwQ0…";

/// A token that proves an address.
#[derive(Object)]
#[oai(example)]
struct AddressProof {
    /// What stands behind `#token=` in the mailed link.
    token: Password,
}

impl Example for AddressProof {
    fn example() -> Self {
        Self {
            token: Password(TOKEN.to_owned()),
        }
    }
}

impl FromForm for AddressProof {
    fn take(form: &mut Form) -> Self {
        Self {
            token: Password(form.token("token").0),
        }
    }
}

/// An address.
#[derive(Object)]
#[oai(example)]
struct Address {
    /// The address.
    #[oai(validator(max_length = 254))]
    email: String,
}

impl Example for Address {
    fn example() -> Self {
        Self {
            email: "ada@example.org".to_owned(),
        }
    }
}

impl FromForm for Address {
    fn take(form: &mut Form) -> Self {
        Self { email: form.email() }
    }
}

/// Another password.
#[derive(Object)]
#[oai(example)]
struct PasswordReset {
    /// What stands behind `#token=` in the mailed link.
    token: Password,
    /// The password from now on; `getConfig` tells the rules.
    new_password: Password,
}

impl Example for PasswordReset {
    fn example() -> Self {
        Self {
            token: Password(TOKEN.to_owned()),
            new_password: Password("nine wet pebbles under the bridge".to_owned()),
        }
    }
}

impl FromForm for PasswordReset {
    fn take(form: &mut Form) -> Self {
        Self {
            token: Password(form.token("token").0),
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

/// The wish was accepted.
#[derive(Object)]
#[oai(example)]
struct OnItsWay {
    /// What happens next, for people: the same whatever is known of the address.
    detail: String,
}

impl Example for OnItsWay {
    fn example() -> Self {
        Self::new(RESET)
    }
}

impl OnItsWay {
    fn new(detail: &str) -> Self {
        Self {
            detail: detail.to_owned(),
        }
    }
}

const RESEND: &str = "If a sign-up waits at the address, a mail is on its way to it.";
const RESET: &str = "If the address has an account, a mail is on its way to it, and tells how to set a new password.";
const CHANGE: &str = "If the address is free, a mail is on its way to it. The account moves when its link is followed.";

pub(crate) struct Recovery;

#[OpenApi(prefix_path = "/api", tag = "Tag::Recovery")]
impl Recovery {
    /// Prove an address
    ///
    /// Follows a mailed link: it completes a sign-up, or a change of address. A link works once.
    #[oai(path = "/email/verify", method = "post", operation_id = "verifyEmail")]
    async fn verify(
        &self,
        visitor: Visitor,
        Json(body): Json<AddressProof>,
    ) -> Result<Done, Refused<{ LOOK | WRITE | BODY | kinds(&[Kind::TokenDead, Kind::Conflict, Kind::TooManyRequests]) }>>
    {
        let app = &visitor.call.gate().app;
        app.verify_email(Secret(body.token.0), &visitor.call.origin).await?;
        Ok(Done::default())
    }

    /// Get the link of a sign-up once more
    ///
    /// The same answer whether a sign-up waits at the address or not.
    #[oai(path = "/email/resend", method = "post", operation_id = "resendVerification")]
    async fn resend(
        &self,
        visitor: Visitor,
        Json(body): Json<Address>,
    ) -> Result<
        Reply<OnItsWay, 202>,
        Refused<{ LOOK | WRITE | BODY | kinds(&[Kind::Conflict, Kind::Busy, Kind::TooManyRequests]) }>,
    > {
        let app = &visitor.call.gate().app;
        app.resend_verification(body.email, &visitor.call.origin).await?;
        Ok(Reply::json(&OnItsWay::new(RESEND)))
    }

    /// Move to another address
    ///
    /// Takes effect when the link that is mailed to the address is followed; the address until now is told then. The same
    /// answer whether the address is taken or not. Needs a proof of who asks from the last five minutes.
    #[oai(path = "/email/change", method = "post", operation_id = "changeEmail")]
    async fn change(
        &self,
        actor: Actor,
        Json(body): Json<Address>,
    ) -> Result<
        Reply<OnItsWay, 202>,
        Refused<
            { READ | WRITE | BODY | kinds(&[Kind::ReauthenticationRequired, Kind::Conflict, Kind::TooManyRequests]) },
        >,
    > {
        let app = &actor.call.gate().app;
        app.change_email(&actor.session, body.email, &actor.call.origin).await?;
        Ok(Reply::json(&OnItsWay::new(CHANGE)))
    }

    /// Get a link to set a new password
    ///
    /// The same answer whether the address has an account or not. Who has no password yet sets a first one by it.
    #[oai(path = "/password/forgot", method = "post", operation_id = "requestPasswordReset")]
    async fn forgot(
        &self,
        visitor: Visitor,
        Json(body): Json<Address>,
    ) -> Result<Reply<OnItsWay, 202>, Refused<{ LOOK | WRITE | BODY | kinds(&[Kind::Conflict, Kind::TooManyRequests]) }>>
    {
        let app = &visitor.call.gate().app;
        app.request_password_reset(body.email, &visitor.call.origin).await?;
        Ok(Reply::json(&OnItsWay::new(RESET)))
    }

    /// Set a new password by a mailed link
    ///
    /// Ends every session of the user. A link works once; a password that breaks a rule does not use it up.
    #[oai(path = "/password/reset", method = "post", operation_id = "resetPassword")]
    async fn reset(
        &self,
        visitor: Visitor,
        Json(body): Json<PasswordReset>,
    ) -> Result<
        Done,
        Refused<{ LOOK | WRITE | BODY | kinds(&[Kind::TokenDead, Kind::Conflict, Kind::Busy, Kind::TooManyRequests]) }>,
    > {
        let app = &visitor.call.gate().app;
        let (token, new) = (Secret(body.token.0), Secret(body.new_password.0));
        app.reset_password(token, new, &visitor.call.origin).await?;
        Ok(Done::default())
    }
}
