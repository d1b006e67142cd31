//! Destroying the keys of what came to nothing.

use std::time::Duration;

use async_trait::async_trait;
use doorbook_domain::{
    claim::Claim,
    event::Event,
    id::UserId,
    signup::{SignUp, SignUpEnd, SignUpEvent},
    time::Timestamp,
    user::User,
};
use doorbook_projections::{fault::Fault, log::Recorded};

use super::{Reaction, key_of};
use crate::{keys::KeyName, service::Service};

/// How long after its deadline an attempt is certain to be over, on every node's clock.
const GRACE: Duration = Duration::from_hours(1);

/// Destroys the keys of attempts to sign up whose deadline has passed or that were refused, and of users that never became
/// anybody because their address was taken by another meanwhile.
pub struct Reaper;

#[async_trait]
impl Reaction for Reaper {
    fn name(&self) -> &'static str {
        "reaper"
    }

    fn patience(&self) -> Duration {
        GRACE
    }

    fn ripe_at(&self, recorded: &Recorded) -> Timestamp {
        match recorded.event() {
            Ok(Event::SignUp(SignUpEvent::Requested { until: Some(until), .. })) => until.plus(GRACE),
            Ok(_) | Err(_) => recorded.recorded_at.plus(GRACE),
        }
    }

    fn concerns(&self, event_type: &str) -> bool {
        matches!(event_type, "signup.requested" | "user.registered")
    }

    async fn react(&self, service: &Service, recorded: &Recorded) -> Result<(), Fault> {
        let keys = if &*recorded.event_type == "signup.requested" {
            of_attempt(service, &recorded.stream_id).await?
        } else {
            of_nobody(service, &recorded.stream_id).await?
        };
        if keys.is_empty() {
            return Ok(());
        }
        service.keyring.destroy_all(&keys).await
    }
}

/// The keys of an attempt that can no longer become a user. One whose link was followed is the finisher's.
async fn of_attempt(service: &Service, id: &str) -> Result<Vec<KeyName>, Fault> {
    let attempt = service.store.load::<SignUp>(id).await?.aggregate;
    let Some(wish) = attempt.requested() else {
        return Ok(Vec::new());
    };
    let expired = attempt.end().is_none()
        && wish.verify
        && !attempt.is_verified()
        && wish.until.is_some_and(|until| until.plus(GRACE) <= service.clock.now());
    if expired || attempt.end() == Some(SignUpEnd::Refused) {
        return Ok(vec![KeyName::user(wish.user_id), key_of(&wish.password)?]);
    }
    Ok(Vec::new())
}

/// The keys of a user whose address belongs to another: nothing leads to it.
async fn of_nobody(service: &Service, id: &str) -> Result<Vec<KeyName>, Fault> {
    let user = service.store.load::<User>(id).await?.aggregate;
    let (Some(claim), Ok(id)) = (user.claim(), id.parse::<UserId>()) else {
        return Ok(Vec::new());
    };
    let owner = service.store.load::<Claim>(&claim.to_string()).await?.aggregate.owner();
    if user.is_erased() || owner.is_none_or(|owner| owner == id) {
        return Ok(Vec::new());
    }
    let password = user.password().map(key_of).transpose()?;
    Ok(std::iter::once(KeyName::user(id)).chain(password).collect())
}
