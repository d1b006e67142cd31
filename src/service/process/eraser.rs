//! Finishing erasures.

use std::time::Duration;

use async_trait::async_trait;
use doorbook_domain::id::UserId;
use doorbook_projections::{fault::Fault, log::Recorded};

use super::Reaction;
use crate::{
    service::{Service, metadata_of},
    store::CommandMetadata,
};

/// Finishes erasures that a crash interrupted, and lets this process forget the keys that the command line destroyed.
pub struct Eraser;

#[async_trait]
impl Reaction for Eraser {
    fn name(&self) -> &'static str {
        "eraser"
    }

    /// The request itself does the work; a command that ran at the same time may have taken a claim since.
    fn patience(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn concerns(&self, event_type: &str) -> bool {
        event_type == "user.erased"
    }

    async fn react(&self, service: &Service, recorded: &Recorded) -> Result<(), Fault> {
        let user: UserId = recorded
            .stream_id
            .parse()
            .map_err(Fault::because("the stream of a user has no id"))?;
        let metadata = CommandMetadata {
            causation: Some(recorded.event_id().to_string()),
            ..metadata_of("system", service.clock.now())
        };
        service.erasure().finish(user, &metadata).await
    }
}
