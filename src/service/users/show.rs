//! Users, as admins see them.

use doorbook_domain::{claim::Claim, id::UserId, user::User};
use doorbook_openapi::{
    app::{Page, PageRequest, Refusal},
    users::{LastLogin, StateWish, UserDetail, UserEntry, UserSearch, UserState},
};
use doorbook_projections::{
    cursor::Cursor,
    fault::Fault,
    figures,
    keyring::{ERASED, Place},
    sessions::{self, Which},
    users::{self as rows, Filter, SealedIn, State, UserRow},
};

use crate::service::{
    Service,
    lists::{cut, one_more, start},
};

impl Service {
    /// Users from the read model, once it has everything that was answered before.
    pub(super) async fn list_users(&self, search: UserSearch, page: PageRequest) -> Result<Page<UserEntry>, Refusal> {
        self.caught_up(rows::NAME).await?;
        let after = start(&page)?;
        let filter = filter(&search);
        let reads = self.engine.reads();
        let (found, next_cursor) = if let Some(email) = &search.email {
            (self.with_address(email, filter, &after).await?, None)
        } else {
            let found = rows::search(&reads, filter, &after, one_more(&page)).await?;
            cut(found, &page, UserRow::cursor)
        };
        let mut items = Vec::with_capacity(found.len());
        for row in found {
            items.push(self.user_entry(row).await?);
        }
        Ok(Page { items, next_cursor })
    }

    /// Whoever owns the address, which its claim says, if the filter admits it: one at most.
    async fn with_address(&self, email: &str, filter: Filter, after: &Cursor) -> Result<Vec<UserRow>, Refusal> {
        let claim = self.claim_of(email)?;
        let (Some(owner), _) = self.owner_of(&claim).await? else {
            return Ok(Vec::new());
        };
        let found = rows::find(&self.engine.reads(), owner).await?;
        let admitted = found.filter(|row| filter.admits(row) && *after == Cursor::start());
        Ok(admitted.into_iter().collect())
    }

    async fn user_entry(&self, row: UserRow) -> Result<UserEntry, Fault> {
        let name = match &row.name {
            Some(name) => Some(self.sealed_in(row.user_id, name, "name").await?),
            None => None,
        };
        Ok(UserEntry {
            id: row.user_id,
            email: self.sealed_in(row.user_id, &row.email, "email").await?,
            email_verified: row.email_verified,
            name,
            roles: row.roles,
            state: match row.state {
                State::Active => UserState::Active,
                State::Deactivated => UserState::Deactivated,
                State::Erased => UserState::Erased,
            },
            registered_at: row.registered_at,
        })
    }

    async fn sealed_in(&self, user: UserId, value: &SealedIn, field: &str) -> Result<String, Fault> {
        let stream = format!("user-{user}");
        let place = Place {
            stream: &stream,
            event_type: &value.event_type,
            field,
        };
        let text = self.seals.open(&value.sealed, &place).await?;
        Ok(text.unwrap_or_else(|| ERASED.to_owned()))
    }

    /// The user as the log has it, also one that was erased. One that never owned its address is nobody.
    pub(super) async fn known(&self, id: UserId) -> Result<User, Refusal> {
        let user = self.store.load::<User>(&id.to_string()).await?.aggregate;
        let Some(claim) = user.claim() else {
            return Err(Refusal::NotFound);
        };
        if user.is_erased() {
            return Ok(user);
        }
        let owner = self.store.load::<Claim>(&claim.to_string()).await?.aggregate.owner();
        if owner == Some(id) {
            Ok(user)
        } else {
            Err(Refusal::NotFound)
        }
    }

    /// Everything about a user: itself from the log, its sessions from their read model.
    pub(super) async fn detail(&self, id: UserId) -> Result<UserDetail, Refusal> {
        let user = self.known(id).await?;
        self.caught_up(sessions::NAME).await?;
        let reads = self.engine.reads();
        let locked_until = match user.claim().filter(|_| !user.is_erased()) {
            Some(claim) => self.throttle.locked_until(claim).await?,
            None => None,
        };
        let erased = || ERASED.to_owned();
        let name = match user.name() {
            Some(_) => Some(self.name_of(id, &user).await?.unwrap_or_else(erased)),
            None => None,
        };
        Ok(UserDetail {
            entry: UserEntry {
                id,
                email: self.address_of(id, &user).await?.unwrap_or_else(erased),
                email_verified: user.email_verified(),
                name,
                roles: user.roles(),
                state: state(&user),
                registered_at: user.registered_at().unwrap_or_default(),
            },
            has_password: user.password().is_some(),
            locked_until,
            sessions: figures::count_sessions_of(&reads, id, self.clock.now()).await?,
            last_login: self.last_login(id).await?,
            social_accounts: self.list_social_accounts(id).await?,
        })
    }

    async fn last_login(&self, id: UserId) -> Result<Option<LastLogin>, Fault> {
        let latest = sessions::page(&self.engine.reads(), id, Which::All, &Cursor::start(), 1).await?;
        let Some(row) = latest.into_iter().next() else {
            return Ok(None);
        };
        let entry = self.session_entry(row).await?;
        Ok(Some(LastLogin {
            at: entry.started_at,
            method: entry.method,
            provider: entry.provider,
            ip: entry.ip,
        }))
    }
}

const fn state(user: &User) -> UserState {
    if user.is_erased() {
        UserState::Erased
    } else if user.is_active() {
        UserState::Active
    } else {
        UserState::Deactivated
    }
}

const fn filter(search: &UserSearch) -> Filter {
    let (state, email_verified) = match search.state {
        None => (None, None),
        Some(StateWish::Is(UserState::Active)) => (Some(State::Active), None),
        Some(StateWish::Is(UserState::Deactivated)) => (Some(State::Deactivated), None),
        Some(StateWish::Is(UserState::Erased)) => (Some(State::Erased), None),
        Some(StateWish::Unverified) => (Some(State::Active), Some(false)),
    };
    Filter {
        role: search.role,
        state,
        email_verified,
    }
}
