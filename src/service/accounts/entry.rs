//! A user to be: checked, with its ids, before anything is written.

use doorbook_domain::{email::EmailAddress, id::UserId, name::DisplayName, seal::ClaimId, time::Timestamp, user};
use doorbook_projections::{fault::Fault, keyring::Place};
use uuid::Uuid;

use crate::{
    ids,
    keys::{KeyName, Keyring},
};

/// What becomes `user.registered`.
pub(super) struct Entry {
    pub(super) id: UserId,
    pub(super) claim: ClaimId,
    pub(super) email: EmailAddress,
    pub(super) name: Option<DisplayName>,
    pub(super) email_verified: bool,
    pub(super) at: Timestamp,
    /// The key of the password's hash, and the hash.
    pub(super) password: Option<(Uuid, String)>,
}

impl Entry {
    /// `now` makes the id.
    pub(super) fn new(
        keyring: &Keyring,
        email: EmailAddress,
        name: Option<DisplayName>,
        hash: Option<String>,
        now: Timestamp,
    ) -> Self {
        Self {
            id: UserId(ids::uuid_v7(now)),
            claim: keyring.claim("email", email.canonical()),
            email,
            name,
            email_verified: true,
            at: now,
            password: hash.map(|hash| (ids::uuid_v4(), hash)),
        }
    }

    /// The keys that must be there before [`Self::seal`].
    pub(super) fn keys(&self) -> Vec<KeyName> {
        let password = self.password.as_ref().map(|(key, _)| KeyName::password(*key));
        std::iter::once(KeyName::user(self.id)).chain(password).collect()
    }

    /// The registration, with what identifies the person sealed.
    pub(super) async fn seal(&self, keyring: &Keyring) -> Result<user::Register, Fault> {
        let stream = format!("user-{}", self.id);
        let place = |event_type, field| Place {
            stream: &stream,
            event_type,
            field,
        };
        let key = KeyName::user(self.id);
        let registered = |field| place("user.registered", field);
        let email = self.email.as_typed().as_bytes();
        let email = keyring.seal(&key, &registered("email"), email).await?;
        let name = match &self.name {
            Some(name) => {
                let place = place("user.profile_changed", "name");
                Some(keyring.seal(&key, &place, name.as_str().as_bytes()).await?)
            }
            None => None,
        };
        let password = match &self.password {
            Some((key, hash)) => {
                let key = KeyName::password(*key);
                Some(keyring.seal(&key, &registered("password"), hash.as_bytes()).await?)
            }
            None => None,
        };
        Ok(user::Register {
            email,
            claim: self.claim.clone(),
            email_verified: self.email_verified,
            password,
            name,
            social: None,
            at: self.at,
        })
    }
}
