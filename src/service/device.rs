//! Browsers that a user has logged in with before.

use doorbook_domain::{id::UserId, user::User};
use doorbook_openapi::app::{DeviceCookie, Origin};
use doorbook_projections::{
    cursor::Cursor,
    sessions::{self, Which},
};

use super::Service;
use crate::throttle::Devices;

/// The browser in which somebody has just logged in.
pub(super) struct Browser {
    /// Whether its user has used others, but never this one.
    pub(super) is_new: bool,
    /// By which it is known from now on; `None` for a user without an address.
    pub(super) cookie: Option<DeviceCookie>,
}

impl Service {
    pub(super) async fn browser(&self, id: UserId, user: &User, origin: &Origin) -> Browser {
        let device = origin.device.as_ref().and_then(Devices::read);
        let known = device
            .as_ref()
            .is_some_and(|device| self.devices.knows(device, id, user.epoch()));
        let cookie = user
            .claim()
            .map(|claim| self.devices.write(device.as_ref(), claim, id, user.epoch()));
        Browser {
            is_new: !known && self.has_logged_in(id).await,
            cookie,
        }
    }

    /// Whether the user has ever logged in. For a notice only, so the read model may lag: the very first login has nothing to
    /// compare with. When it cannot tell, the user is told once too often.
    async fn has_logged_in(&self, user: UserId) -> bool {
        let reads = self.engine.reads();
        if !reads.serves(sessions::NAME) {
            return true;
        }
        match sessions::page(&reads, user, Which::All, &Cursor::start(), 1).await {
            Ok(rows) => !rows.is_empty(),
            Err(fault) => {
                tracing::warn!(
                    error = fault.cause(),
                    "it is not known whether a user has logged in before"
                );
                true
            }
        }
    }

    /// The cookie of a browser whose session raised its user's epoch to `epoch`, and goes on in it: a browser that was known
    /// stays so, and becomes the only one.
    pub(super) fn carried_over(&self, user: UserId, epoch: u32, origin: &Origin) -> Option<DeviceCookie> {
        let device = origin.device.as_ref().and_then(Devices::read)?;
        self.devices.carry_over(&device, user, epoch)
    }
}
