//! Signing up.
//!
//! Every attempt is a stream of its own and appends the same event, address known or not. It is completed when its mailed
//! link is followed ([`super::verify`]), or at once with verification off: `user.registered` first, `claim.taken` last,
//! since the claim is the commit point. A crash in between leaves a user that nothing names, and [`super::process`]
//! finishes the attempt.

use std::time::Duration;

use doorbook_domain::{
    claim::{self, Claim, ClaimCommand},
    email::EmailAddress,
    id::{SignUpId, UserId},
    name::DisplayName,
    seal::Sealed,
    signup::{self, Requested, SignUp as Attempt, SignUpCommand, SignUpEnd},
    user::{self, UserCommand},
};
use doorbook_openapi::app::{FieldError, Origin, Refusal, SignUp};
use doorbook_projections::{fault::Fault, keyring::Place};

use super::{Service, seals::Owner, unexpected};
use crate::{
    ids,
    keys::KeyName,
    store::{CommandMetadata, Failure},
};

/// How long the link of a sign-up lives.
pub(super) const VERIFY_WITHIN: Duration = Duration::from_hours(24);
pub(super) const REQUESTED: &str = "signup.requested";

/// What was typed, in the forms that are worked with.
struct Checked {
    email: EmailAddress,
    name: Option<DisplayName>,
}

impl Service {
    pub(super) async fn do_sign_up(self, wish: SignUp, origin: Origin) -> Result<(), Refusal> {
        if !self.rules.settings.signup_enabled {
            return Err(Refusal::SignUpClosed);
        }
        self.throttle.judging(origin.ip).await?;
        let checked = self.check_sign_up(&wish).await?;
        let claim = self.keyring.claim("email", checked.email.canonical());
        self.throttle.sign_up(&claim, origin.ip).await?;
        let hash = self.hasher.asked_by(origin.ip).hash(wish.password.0.as_bytes()).await?;
        let id = SignUpId(ids::uuid_v7(self.clock.now()));
        let metadata = self.metadata(&origin, None);
        let request = self.seal_sign_up(id, &checked, &hash, &origin).await?;
        let stream = id.to_string();
        self.store
            .execute::<Attempt>(&stream, SignUpCommand::Request(request), &metadata)
            .await
            .map_err(unexpected)?;
        if !self.rules.settings.verify_email {
            self.complete_sign_up(id, &metadata).await?;
        }
        Ok(())
    }

    async fn check_sign_up(&self, wish: &SignUp) -> Result<Checked, Refusal> {
        let mut wrong = Vec::new();
        let email = EmailAddress::parse(&wish.email);
        if let Err(error) = &email {
            wrong.push((*error).into());
        }
        let name = wish.name.as_deref().map(DisplayName::parse).transpose();
        if let Err(error) = &name {
            wrong.push((*error).into());
        }
        let words = [Some(wish.email.as_str()), wish.name.as_deref()];
        wrong.extend(self.broken_rules("password", &wish.password, words).await?);
        match (email, name) {
            (Ok(email), Ok(name)) if wrong.is_empty() => Ok(Checked { email, name }),
            _ => Err(Refusal::Invalid(wrong)),
        }
    }

    async fn seal_sign_up(
        &self,
        id: SignUpId,
        checked: &Checked,
        hash: &str,
        origin: &Origin,
    ) -> Result<signup::Request, Refusal> {
        let at = self.clock.now();
        let user_id = UserId(ids::uuid_v7(at));
        let password_key = ids::uuid_v4();
        self.seals.prepare(user_id, password_key).await?;
        let stream = format!("signup-{id}");
        let place = |field| Place {
            stream: &stream,
            event_type: REQUESTED,
            field,
        };
        let key = KeyName::user(user_id);
        let name = match &checked.name {
            Some(name) => Some(self.seals.text(&key, &place("name"), name.as_str()).await?),
            None => None,
        };
        Ok(signup::Request {
            user_id,
            email: self.seals.text(&key, &place("email"), checked.email.as_typed()).await?,
            claim: self.keyring.claim("email", checked.email.canonical()),
            name,
            password: self
                .seals
                .text(&KeyName::password(password_key), &place("password"), hash)
                .await?,
            verify: self.rules.settings.verify_email,
            until: self.rules.settings.verify_email.then(|| at.plus(VERIFY_WITHIN)),
            origin: self
                .seals
                .origin(&Owner::User(user_id), &stream, REQUESTED, origin, at)
                .await?,
            at,
        })
    }

    /// Turns an attempt that needs nothing more into a user, or refuses it when the address is taken, and tells which.
    /// `None` when there was nothing to do. Repeating it changes nothing.
    ///
    /// # Errors
    ///
    /// [`Refusal::Conflict`] when others completed the same attempt at the same time, [`Refusal::Fault`] when the log or
    /// the keys failed. The attempt is then still pending.
    pub async fn complete_sign_up(
        &self,
        id: SignUpId,
        metadata: &CommandMetadata,
    ) -> Result<Option<SignUpEnd>, Refusal> {
        let stream = id.to_string();
        let attempt = self.store.load::<Attempt>(&stream).await?.aggregate;
        let Some(wish) = attempt.pending().filter(|_| attempt.is_ready()) else {
            return Ok(None);
        };
        let Some(mut register) = self.reseal(id, wish).await? else {
            return Ok(None);
        };
        register.email_verified = attempt.is_verified();
        let address_only = attempt.is_of_the_address_only();
        if address_only {
            register.password = None;
            register.name = None;
        }
        let (user_id, claim) = (wish.user_id, wish.claim.clone());
        // The user comes first and the claim last: until the claim names it, the user is unreachable. An orphan of a
        // refused attempt stays unreachable for ever, and its keys are destroyed.
        let registered = match self
            .command_user(user_id, UserCommand::Register(register), metadata)
            .await
        {
            Ok(committed) => committed.aggregate,
            // It became a user long ago, which has moved to another address since.
            Err(Failure::Refused(_)) => {
                self.note_completed(stream, metadata.clone());
                return Ok(Some(SignUpEnd::Completed));
            }
            Err(failure) => return Err(unexpected(failure)),
        };
        let at = self.clock.now();
        let take = ClaimCommand::Take(claim::Take { user_id, at });
        match self.store.execute::<Claim>(&claim.to_string(), take, metadata).await {
            Ok(_) => {
                if address_only && registered.password().is_none() && registered.reset().is_none() {
                    self.mail_reset(user_id, None, metadata).await?;
                }
                self.note_completed(stream, metadata.clone());
                Ok(Some(SignUpEnd::Completed))
            }
            Err(Failure::Refused(_)) => {
                let refuse = SignUpCommand::Refuse(signup::Refuse { at });
                let refused = self.store.execute::<Attempt>(&stream, refuse, metadata).await;
                refused.map_err(unexpected)?;
                Ok(Some(SignUpEnd::Refused))
            }
            Err(failure) => Err(unexpected(failure)),
        }
    }

    /// The account exists since its claim was taken; that the attempt is over is noted after the answer. A known and an
    /// unknown address therefore wait for the same number of appends. A crash leaves the note to the finisher.
    fn note_completed(&self, stream: String, metadata: CommandMetadata) {
        let service = self.clone();
        self.commands.spawn(async move {
            let complete = SignUpCommand::Complete(signup::Complete {
                at: service.clock.now(),
            });
            let noted = service.store.execute::<Attempt>(&stream, complete, &metadata).await;
            if let Err(failure) = noted.map_err(unexpected) {
                tracing::warn!(error = %failure, "a completed sign-up was not noted yet");
            }
        });
    }

    /// The registration that an attempt asks for, sealed for the user's stream. `None` when its keys are gone.
    async fn reseal(&self, id: SignUpId, wish: &Requested) -> Result<Option<user::Register>, Refusal> {
        let (from, to) = (format!("signup-{id}"), format!("user-{}", wish.user_id));
        let moved = async |sealed: &Sealed, event_type: &str, field: &str| {
            let Some(text) = self
                .seals
                .open(
                    sealed,
                    &Place {
                        stream: &from,
                        event_type: REQUESTED,
                        field,
                    },
                )
                .await?
            else {
                return Ok::<_, Fault>(None);
            };
            let place = Place {
                stream: &to,
                event_type,
                field,
            };
            self.seals
                .text(&KeyName::parse(sealed.key())?, &place, &text)
                .await
                .map(Some)
        };
        let Some(email) = moved(&wish.email, "user.registered", "email").await? else {
            return Ok(None);
        };
        let password = moved(&wish.password, "user.registered", "password").await?;
        let name = match &wish.name {
            Some(name) => moved(name, "user.profile_changed", "name").await?,
            None => None,
        };
        let (claim, at) = (wish.claim.clone(), self.clock.now());
        Ok(Some(user::Register {
            email,
            claim,
            email_verified: false,
            password,
            name,
            social: None,
            at,
        }))
    }
}

pub(super) fn field(field: &str, code: &str, message: &str) -> FieldError {
    FieldError {
        field: field.to_owned(),
        code: code.to_owned(),
        message: message.to_owned(),
    }
}
