//! Sealing what identifies a person, before it goes into a command.

use std::sync::Arc;

use doorbook_domain::{
    id::UserId,
    seal::{ClaimId, Sealed},
    time::Timestamp,
};
use doorbook_openapi::app::Origin;
use doorbook_projections::{
    fault::Fault,
    keyring::{ERASED, Keyring as _, Place},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::keys::{KeyName, Keyring};

/// From where a request came, as it is sealed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Whence {
    /// The client's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ip: Option<String>,
    /// As sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_agent: Option<String>,
}

/// Whose key seals an origin.
#[derive(Debug, Clone)]
pub(crate) enum Owner {
    User(UserId),
    /// The claim, and how many events its stream has.
    Attempts(ClaimId, u64),
}

impl Owner {
    pub(crate) fn key(&self) -> KeyName {
        match self {
            Self::User(user) => KeyName::user(*user),
            Self::Attempts(claim, events) => KeyName::attempts(claim, *events),
        }
    }
}

/// Seals and opens by place.
#[derive(Clone)]
pub(crate) struct Seals {
    keyring: Arc<Keyring>,
}

impl Seals {
    pub(crate) fn new(keyring: Arc<Keyring>) -> Self {
        Self { keyring }
    }

    /// Creates the keys of a user to be, and of its password; durable when it returns.
    pub(crate) async fn prepare(&self, user: UserId, password: Uuid) -> Result<(), Fault> {
        self.keyring
            .create_all(&[KeyName::user(user), KeyName::password(password)])
            .await
    }

    pub(crate) async fn text(&self, key: &KeyName, place: &Place<'_>, text: &str) -> Result<Sealed, Fault> {
        self.keyring.seal(key, place, text.as_bytes()).await
    }

    /// A password hash under a new key of its own.
    pub(crate) async fn password(
        &self,
        user: UserId,
        event_type: &str,
        key: Uuid,
        hash: &str,
    ) -> Result<Sealed, Fault> {
        let name = KeyName::password(key);
        self.keyring.create(&name).await?;
        let stream = format!("user-{user}");
        self.text(
            &name,
            &Place {
                stream: &stream,
                event_type,
                field: "password",
            },
            hash,
        )
        .await
    }

    /// Where a request came from, under its owner's key of the month; nothing when nothing is known, or when the month is
    /// one of those that were forgotten: a clock that goes wrong keeps nobody out.
    pub(crate) async fn origin(
        &self,
        owner: &Owner,
        stream: &str,
        event_type: &str,
        origin: &Origin,
        at: Timestamp,
    ) -> Result<Option<Sealed>, Fault> {
        let from = Whence {
            ip: origin.ip.map(|ip| ip.to_canonical().to_string()),
            user_agent: origin.user_agent.clone(),
        };
        if from == Whence::default() {
            return Ok(None);
        }
        let key = owner.key().of_month(at);
        if self.keyring.is_forgotten(&key).await? {
            tracing::warn!("from where a request came was not recorded: its month was forgotten");
            return Ok(None);
        }
        let text = serde_json::to_string(&from).map_err(Fault::because("an origin has no JSON"))?;
        self.text(
            &key,
            &Place {
                stream,
                event_type,
                field: "origin",
            },
            &text,
        )
        .await
        .map(Some)
    }

    /// The text under a seal; `None` when its key was destroyed.
    pub(crate) async fn open(&self, sealed: &Sealed, place: &Place<'_>) -> Result<Option<String>, Fault> {
        self.keyring.open(sealed, place).await?.into_text()
    }

    /// Where a recorded request came from; `[erased]` in both fields when its key was destroyed.
    pub(crate) async fn open_origin(&self, sealed: Option<&Sealed>, place: &Place<'_>) -> Result<Whence, Fault> {
        let Some(sealed) = sealed else {
            return Ok(Whence::default());
        };
        match self.open(sealed, place).await? {
            Some(text) => serde_json::from_str(&text).map_err(Fault::because("a sealed origin is not an origin")),
            None => Ok(Whence {
                ip: Some(ERASED.to_owned()),
                user_agent: Some(ERASED.to_owned()),
            }),
        }
    }
}
