use doorbook_domain::{id::UserId, role::Role};
use poem::http::{HeaderValue, header::LOCATION};
use poem_openapi::OpenApi;

use self::{
    bodies::{NewUser, RoleSet},
    schema::{AdminUser, AdminUserDetail, AdminUserPage},
};
use super::{
    Tag,
    sessions::{SessionItem, SessionPage},
};
use crate::{
    body::Json,
    caller::{Admin, Supervisor},
    checked::{Checked, Findings, page},
    param::{Cursor, Limit, Line, Path},
    problem::Kind,
    refused::{BODY, ROLE, Refused, WRITE, kinds},
    reply::{Done, Reply},
    users::{Invitation, StateWish, UserAction, UserSearch},
};

mod bodies;
mod schema;

/// What every change of a user can answer.
const CHANGE: u64 = ROLE | WRITE | kinds(&[Kind::NotFound, Kind::Conflict]);
/// What a change that could leave nobody to manage the others adds.
const LEAVE: u64 = CHANGE | Kind::LastAdmin.bit();
/// What a change that needs a recent proof adds.
const PROOF: u64 = Kind::ReauthenticationRequired.bit();

pub(crate) struct UsersApi;

impl UsersApi {
    /// Does it. A session that thereby ended its own user's is over: its cookie is removed as by a logout.
    async fn act(admin: &Admin, user: UserId, action: UserAction) -> Result<Done, crate::app::Refusal> {
        let gate = admin.call.gate();
        let origin = &admin.call.origin;
        gate.app.act_on_user(&admin.session, user, action, origin).await?;
        let ends = match action {
            UserAction::Deactivate | UserAction::EndSessions | UserAction::Erase => true,
            UserAction::Reactivate | UserAction::Unlock | UserAction::ResetPassword => false,
        };
        if !ends || user != admin.session.user {
            return Ok(Done::default());
        }
        Ok(Done::default().headers(gate.farewell()))
    }
}

#[OpenApi(prefix_path = "/api/admin", tag = "Tag::Users")]
impl UsersApi {
    /// List users
    ///
    /// Newest first. Erased users are shown only where `state` asks for them.
    #[oai(path = "/users", method = "get", operation_id = "listUsers")]
    async fn list(
        &self,
        supervisor: Supervisor,
        /// The one with exactly this address, however it is spelled.
        email: Checked<Option<Line>>,
        /// Those with this role.
        role: Checked<Option<Role>>,
        /// Those in this state. `unverified` are active, and their address was not proven.
        state: Checked<Option<StateWish>>,
        /// From the page before.
        cursor: Checked<Cursor>,
        /// How many items.
        limit: Checked<Limit>,
    ) -> Result<Reply<AdminUserPage>, Refused<{ ROLE | kinds(&[Kind::Invalid]) }>> {
        let mut findings = Findings::default();
        let search = UserSearch {
            email: findings.take(email).flatten().map(|Line(email)| email),
            role: findings.take(role).flatten(),
            state: findings.take(state).flatten(),
        };
        let page = findings.page(cursor, limit);
        findings.settle()?;
        let page = supervisor.call.gate().app.search_users(search, page).await?;
        Ok(Reply::json(&AdminUserPage {
            items: page.items.into_iter().map(AdminUser::from).collect(),
            next_cursor: page.next_cursor,
        }))
    }

    /// Make a user
    ///
    /// Without a password: the person sets one by a link that is mailed, and thereby proves the address. To give it
    /// roles needs a proof of who asks from the last five minutes.
    #[oai(path = "/users", method = "post", operation_id = "createUser")]
    async fn create(
        &self,
        admin: Admin,
        Json(body): Json<NewUser>,
    ) -> Result<
        Reply<AdminUserDetail, 201>,
        Refused<{ ROLE | WRITE | BODY | PROOF | kinds(&[Kind::AddressTaken, Kind::Conflict]) }>,
    > {
        let wish = Invitation {
            email: body.email,
            name: body.name,
            roles: bodies::roles(body.roles.unwrap_or_default()),
        };
        let app = &admin.call.gate().app;
        let made = app.invite(&admin.session, wish, &admin.call.origin).await?;
        let place = format!("/api/admin/users/{}", made.entry.id);
        let place = HeaderValue::try_from(place).unwrap_or(HeaderValue::from_static("/"));
        Ok(Reply::json(&AdminUserDetail::from(made)).header(LOCATION, place))
    }

    /// Show a user
    ///
    /// As the log has it now, with how it logs in and when it last did.
    #[oai(path = "/users/:id", method = "get", operation_id = "getUser")]
    async fn show(
        &self,
        supervisor: Supervisor,
        /// The user.
        id: Path<UserId>,
    ) -> Result<Reply<AdminUserDetail>, Refused<{ ROLE | kinds(&[Kind::NotFound]) }>> {
        let detail = supervisor.call.gate().app.user_detail(id.0).await?;
        Ok(Reply::json(&AdminUserDetail::from(detail)))
    }

    /// Set the roles of a user
    ///
    /// All that it has from then on. A change ends every session of the user. Needs a proof of who asks from the last
    /// five minutes.
    #[oai(path = "/users/:id/roles", method = "put", operation_id = "setRoles")]
    async fn set_roles(
        &self,
        admin: Admin,
        /// The user.
        id: Path<UserId>,
        Json(body): Json<RoleSet>,
    ) -> Result<Reply<AdminUserDetail>, Refused<{ LEAVE | BODY | PROOF | kinds(&[Kind::UserDeactivated]) }>> {
        let app = &admin.call.gate().app;
        let roles = bodies::roles(body.roles);
        let detail = app.set_roles(&admin.session, id.0, roles, &admin.call.origin).await?;
        Ok(Reply::json(&AdminUserDetail::from(detail)))
    }

    /// Deactivate a user
    ///
    /// Ends every session and refuses logins until it is reactivated.
    #[oai(path = "/users/:id/deactivate", method = "post", operation_id = "deactivateUser")]
    async fn deactivate(
        &self,
        admin: Admin,
        /// The user.
        id: Path<UserId>,
    ) -> Result<Done, Refused<LEAVE>> {
        Ok(Self::act(&admin, id.0, UserAction::Deactivate).await?)
    }

    /// Reactivate a user
    ///
    /// Allows logins again. Sessions that ended stay ended. Of a user with roles it needs a proof of who asks from the last
    /// five minutes.
    #[oai(path = "/users/:id/reactivate", method = "post", operation_id = "reactivateUser")]
    async fn reactivate(
        &self,
        admin: Admin,
        /// The user.
        id: Path<UserId>,
    ) -> Result<Done, Refused<{ CHANGE | PROOF }>> {
        Ok(Self::act(&admin, id.0, UserAction::Reactivate).await?)
    }

    /// Unlock a user
    ///
    /// Forgives wrong passwords that were tried on the account, from wherever.
    #[oai(path = "/users/:id/unlock", method = "post", operation_id = "unlockUser")]
    async fn unlock(
        &self,
        admin: Admin,
        /// The user.
        id: Path<UserId>,
    ) -> Result<Done, Refused<CHANGE>> {
        Ok(Self::act(&admin, id.0, UserAction::Unlock).await?)
    }

    /// Mail a user a link to set another password
    ///
    /// To the address of the account. Nobody but its owner chooses the password, and until then the old one is good.
    #[oai(
        path = "/users/:id/password-reset",
        method = "post",
        operation_id = "startPasswordReset"
    )]
    async fn reset(
        &self,
        admin: Admin,
        /// The user.
        id: Path<UserId>,
    ) -> Result<Done, Refused<{ CHANGE | Kind::UserDeactivated.bit() }>> {
        Ok(Self::act(&admin, id.0, UserAction::ResetPassword).await?)
    }

    /// List the sessions of a user
    ///
    /// Those that live, newest first.
    #[oai(path = "/users/:id/sessions", method = "get", operation_id = "listUserSessions")]
    async fn sessions(
        &self,
        supervisor: Supervisor,
        /// The user.
        id: Path<UserId>,
        /// From the page before.
        cursor: Checked<Cursor>,
        /// How many items.
        limit: Checked<Limit>,
    ) -> Result<Reply<SessionPage>, Refused<{ ROLE | kinds(&[Kind::NotFound, Kind::Invalid]) }>> {
        let page = page(cursor, limit)?;
        let page = supervisor.call.gate().app.sessions_of(id.0, page).await?;
        let own = supervisor.session.id;
        let items = page.items.into_iter();
        Ok(Reply::json(&SessionPage {
            items: items.map(|entry| SessionItem::new(entry, own)).collect(),
            next_cursor: page.next_cursor,
        }))
    }

    /// End every session of a user
    ///
    /// They are dead on their next request.
    #[oai(path = "/users/:id/sessions", method = "delete", operation_id = "endUserSessions")]
    async fn end_sessions(
        &self,
        admin: Admin,
        /// The user.
        id: Path<UserId>,
    ) -> Result<Done, Refused<CHANGE>> {
        Ok(Self::act(&admin, id.0, UserAction::EndSessions).await?)
    }

    /// Erase a user
    ///
    /// For good: when it is answered, nobody can read any more who the user was. Again for the same user changes
    /// nothing. Needs a proof of who asks from the last five minutes.
    #[oai(path = "/users/:id/erase", method = "post", operation_id = "eraseUser")]
    async fn erase(
        &self,
        admin: Admin,
        /// The user.
        id: Path<UserId>,
    ) -> Result<Done, Refused<{ LEAVE | PROOF }>> {
        Ok(Self::act(&admin, id.0, UserAction::Erase).await?)
    }
}
