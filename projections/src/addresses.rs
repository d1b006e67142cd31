//! What many users are called, for lists that name them.

use doorbook_domain::{id::UserId, seal::Sealed};

use crate::{
    db::lists,
    engine::Reads,
    fault::Fault,
    users::{NAME, SealedIn},
};

/// Who a user is, as far as it is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Which user. The values stand in its stream.
    pub user: UserId,
    /// The address: field `email`.
    pub email: SealedIn,
    /// The name, if there is one: field `name`.
    pub name: Option<SealedIn>,
}

/// The addresses and names of users, of those that are known.
///
/// # Errors
///
/// [`Fault`] when the read model is not there yet or the database fails.
pub async fn of(reads: &Reads, users: &[UserId]) -> Result<Vec<Named>, Fault> {
    let view = reads.view(NAME)?;
    let mut found = Vec::with_capacity(users.len());
    for (list, users) in lists(users) {
        let sql = format!(
            "select user_id, email, email_event, name, name_event from {}
             where registered_at is not null and user_id in ({list})",
            view.table("users"),
        );
        let ids = users.into_iter().map(|user| user.map(|user| user.0).into()).collect();
        for row in view.fetch(&sql, ids).await? {
            // What was removed is empty.
            let name = row.find_text("name")?.filter(|name| !name.is_empty());
            let name_event = row.find_text("name_event")?;
            found.push(Named {
                user: UserId(row.id("user_id")?),
                email: SealedIn {
                    sealed: Sealed::new(row.text("email")?),
                    event_type: row.text("email_event")?,
                },
                name: name.zip(name_event).map(|(name, event_type)| SealedIn {
                    sealed: Sealed::new(name),
                    event_type,
                }),
            });
        }
    }
    Ok(found)
}
