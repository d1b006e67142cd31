//! Changing one's name.

use doorbook_domain::{
    name::DisplayName,
    session::Session,
    user::{self, UserCommand},
};
use doorbook_openapi::app::{LiveSession, Origin, Refusal};
use doorbook_projections::keyring::Place;

use super::{Service, unexpected};
use crate::{keys::KeyName, store::Failure};

impl Service {
    pub(super) async fn do_rename(
        self,
        session: LiveSession,
        name: Option<String>,
        origin: Origin,
    ) -> Result<LiveSession, Refusal> {
        let name = name.as_deref().map(DisplayName::parse).transpose();
        let name = name.map_err(|error| Refusal::Invalid(vec![error.into()]))?;
        let user = self.owner_of_live(&session).await?;
        let known = self.name_of(session.user, &user).await?;
        // Sealed twice, one name is two texts: whether it is the same one shows before it is sealed.
        if known.as_deref() != name.as_ref().map(DisplayName::as_str) {
            self.append_name(&session, name.as_ref(), &origin).await?;
        }
        let loaded = self.store.load::<Session>(&session.id.to_string()).await?;
        self.still_live(session.id, &loaded.aggregate).await
    }

    async fn append_name(
        &self,
        session: &LiveSession,
        name: Option<&DisplayName>,
        origin: &Origin,
    ) -> Result<(), Refusal> {
        self.throttle.change(session.user).await?;
        let stream = format!("user-{}", session.user);
        let place = Place {
            stream: &stream,
            event_type: "user.profile_changed",
            field: "name",
        };
        let sealed = match name {
            Some(name) => Some(
                self.seals
                    .text(&KeyName::user(session.user), &place, name.as_str())
                    .await?,
            ),
            None => None,
        };
        let rename = UserCommand::Rename(user::Rename {
            name: sealed,
            at: self.clock.now(),
        });
        let metadata = self.metadata(origin, Some(session.user));
        match self.command_user(session.user, rename, &metadata).await {
            Ok(_) => Ok(()),
            Err(Failure::Refused(_)) => Err(Refusal::NotSignedIn),
            Err(failure) => Err(unexpected(failure)),
        }
    }
}
