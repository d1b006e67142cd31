//! Whether somebody may still do what was allowed when the request came.

use doorbook_domain::{
    id::{SessionId, UserId},
    role::Role,
    session::Session,
    time::Timestamp,
    user::User,
};
use doorbook_projections::fault::Fault;

use crate::store::Store;

/// Whether the session lives and its user has one of the roles, as the log has it now (ASVS 8.3.2).
///
/// # Errors
///
/// [`Fault`] when the log cannot be read.
pub(super) async fn hold(
    store: &Store,
    now: Timestamp,
    (session, user): (SessionId, UserId),
    roles: &[Role],
) -> Result<bool, Fault> {
    let user = store.load::<User>(&user.to_string()).await?.aggregate;
    let session = store.load::<Session>(&session.to_string()).await?.aggregate;
    let allowed = roles.iter().any(|&role| user.roles().contains(role));
    Ok(allowed && user.is_active() && session.is_live(now, user.epoch()))
}
