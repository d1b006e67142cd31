//! Somebody must be able to manage the others: the last active admin stays.
//!
//! The read model names who may be an admin, the log says who is one, and a lock that spans processes keeps two admins from
//! removing each other at once.

use std::time::Duration;

use doorbook_domain::{claim::Claim, id::UserId, role::Role, user::User};
use doorbook_projections::{
    engine::Engine,
    fault::Fault,
    users::{self as rows},
};

use crate::{
    keys::{Alone, Keyring},
    store::Store,
};

/// How long the decision waits for the read model.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a user may cease to be an active admin.
pub(crate) enum Leave {
    /// It may, while the lock is held.
    Granted(Alone),
    /// Nobody else is one.
    LastAdmin,
}

/// Decides whether `user` may be erased, deactivated or stripped of the role `admin`.
///
/// Whoever asks is mostly another admin, which needs no read model. One that is behind, or paused, names fewer than there
/// are: enough to let go, never to keep.
///
/// # Errors
///
/// [`Fault`] when the log, the read model or the lock cannot be had.
pub(crate) async fn leave(
    store: &Store,
    keyring: &Keyring,
    engine: &Engine,
    user: UserId,
    by: Option<UserId>,
) -> Result<Leave, Fault> {
    // First of all: who is no admin now could become one, and let the others go, before what was decided takes place.
    let alone = keyring.alone().await?;
    if !is_admin(store, user).await? {
        return Ok(Leave::Granted(alone));
    }
    if let Some(by) = by.filter(|by| *by != user)
        && is_admin(store, by).await?
    {
        return Ok(Leave::Granted(alone));
    }
    let head = store.log().head().await?;
    let all = engine.wait_for(rows::NAME, head, PATIENCE).await?;
    for other in rows::admins(&engine.reads()).await? {
        if other != user && is_admin(store, other).await? {
            return Ok(Leave::Granted(alone));
        }
    }
    if all {
        Ok(Leave::LastAdmin)
    } else {
        Err(Fault::plain(
            "the read model of users is behind: the other admins are not known",
        ))
    }
}

/// Whether the log says that the user can act as an admin. Who was invited and has not come yet cannot: there is nothing to
/// log in with, and the link may never be followed.
async fn is_admin(store: &Store, id: UserId) -> Result<bool, Fault> {
    let user = store.load::<User>(&id.to_string()).await?.aggregate;
    if !user.is_active() || !user.roles().contains(Role::Admin) {
        return Ok(false);
    }
    if user.password().is_none() && user.social_accounts().is_empty() {
        return Ok(false);
    }
    let Some(claim) = user.claim() else { return Ok(false) };
    let claim = store.load::<Claim>(&claim.to_string()).await?.aggregate;
    Ok(claim.owner() == Some(id))
}
