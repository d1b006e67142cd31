//! What admins do, called later than their requests were checked.

use doorbook_domain::{
    claim::Claim,
    role::Role,
    user::{GrantRole, RevokeRole},
};
use doorbook_openapi::{
    overview::Glance as _,
    runs::{Rebuild, Runs as _},
    users::{Invitation, UserAction, UserState, Users as _},
};
use tokio_util::sync::CancellationToken;

use super::*;

const BOB: &str = "bob@example.org";
/// Everything but erasing, which needs a recent proof.
const REVERSIBLE: [UserAction; 5] = [
    UserAction::Deactivate,
    UserAction::Reactivate,
    UserAction::Unlock,
    UserAction::ResetPassword,
    UserAction::EndSessions,
];

/// A service whose read models follow, an admin and a user.
async fn admin_and_bob(clock: Option<Clock>) -> (Bed, LiveSession, UserId) {
    let bed = Bed::with(false, clock).await;
    let engine = bed.service.engine.clone();
    tokio::spawn(async move { engine.run(CancellationToken::new()).await });
    for email in [ADA, BOB] {
        bed.sign_up(email).await;
    }
    let (ada, bob) = (bed.id(ADA).await, bed.id(BOB).await);
    let at = bed.service.clock.now();
    let role = Role::Admin;
    bed.change(ada, GrantRole { role, at }.into()).await;
    let session = bed.log_in(ADA, PASSWORD).await.unwrap().session;
    (bed, session, bob)
}

impl Bed {
    async fn id(&self, email: &str) -> UserId {
        let claim = self.service.claim_of(email).unwrap().to_string();
        let claim = self.service.store.load::<Claim>(&claim).await.unwrap();
        claim.aggregate.owner().unwrap()
    }

    async fn change(&self, user: UserId, command: UserCommand) {
        let metadata = self.service.metadata(&origin(), None);
        self.service.command_user(user, command, &metadata).await.unwrap();
    }
}

fn invitation(roles: &[Role]) -> Invitation {
    Invitation {
        email: format!("carol{}@example.org", roles.len()),
        name: None,
        roles: roles.to_vec().into(),
    }
}

#[tokio::test]
async fn power_and_erasure_need_a_proof_of_the_last_five_minutes_and_defence_does_not() {
    let (bed, admin, bob) = admin_and_bob(None).await;
    let stale = LiveSession {
        authenticated_at: admin.authenticated_at.minus(Duration::from_mins(5)),
        ..admin.clone()
    };
    let (service, from) = (&bed.service, origin());
    let refused = [
        service.act_on_user(&stale, bob, UserAction::Erase, &from).await.err(),
        service.set_roles(&stale, bob, Roles::default(), &from).await.err(),
        service.invite(&stale, invitation(&[Role::Auditor]), &from).await.err(),
    ];
    for refusal in refused {
        assert!(
            matches!(refusal, Some(Refusal::ReauthenticationRequired)),
            "{refusal:?}"
        );
    }
    for action in REVERSIBLE {
        service.act_on_user(&stale, bob, action, &from).await.unwrap();
    }
    bed.change(
        bob,
        GrantRole {
            role: Role::Auditor,
            at: service.clock.now(),
        }
        .into(),
    )
    .await;
    service
        .act_on_user(&stale, bob, UserAction::Deactivate, &from)
        .await
        .unwrap();
    let refused = service.act_on_user(&stale, bob, UserAction::Reactivate, &from).await;
    assert!(
        matches!(refused, Err(Refusal::ReauthenticationRequired)),
        "roles come back with the user: {refused:?}"
    );
    service
        .act_on_user(&admin, bob, UserAction::Reactivate, &from)
        .await
        .unwrap();
    let made = service.invite(&stale, invitation(&[]), &from).await.unwrap();
    assert_eq!(made.entry.state, UserState::Active);
    assert!(bed.events("user.erased").await.is_empty());
}

#[tokio::test]
async fn admin_who_lost_the_role_meanwhile_changes_nothing() {
    let (bed, admin, bob) = admin_and_bob(None).await;
    let (at, role) = (bed.service.clock.now(), Role::Admin);
    bed.change(admin.user, RevokeRole { role, at }.into()).await;
    let before = bed.service.store.written().await.unwrap();
    let (service, from) = (&bed.service, origin());
    for action in REVERSIBLE.into_iter().chain([UserAction::Erase]) {
        let refused = service.act_on_user(&admin, bob, action, &from).await;
        assert!(matches!(refused, Err(Refusal::NotSignedIn)), "{action:?}: {refused:?}");
    }
    let refused = [
        service
            .set_roles(&admin, bob, Roles::default().with(role), &from)
            .await
            .err(),
        service.invite(&admin, invitation(&[]), &from).await.err(),
    ];
    let users = doorbook_projections::users::NAME;
    let whole = Rebuild::default();
    let runs = [
        service
            .rebuild_projection(&admin, users, whole, &from)
            .await
            .map(drop)
            .err(),
        service.verify_projection(&admin, users, &from).await.map(drop).err(),
        service.pause_projection(&admin, users, &from).await.err(),
        service.resume_projection(&admin, users, &from).await.err(),
        service.roll_back_projection(&admin, users, &from).await.err(),
    ];
    for refusal in refused.into_iter().chain(runs) {
        assert!(matches!(refusal, Some(Refusal::NotSignedIn)), "{refusal:?}");
    }
    assert_eq!(bed.service.store.written().await.unwrap(), before);
}

#[tokio::test]
async fn invited_admin_who_has_not_come_is_no_other_admin() {
    let (bed, admin, _) = admin_and_bob(None).await;
    let (service, from) = (&bed.service, origin());
    let carol = service.invite(&admin, invitation(&[Role::Admin]), &from).await.unwrap();
    bed.service.has_all(doorbook_projections::users::NAME).await.unwrap();
    let alone = service
        .act_on_user(&admin, admin.user, UserAction::Deactivate, &from)
        .await;
    assert!(matches!(alone, Err(Refusal::LastAdmin)), "{alone:?}");
    service
        .act_on_user(&admin, carol.entry.id, UserAction::Deactivate, &from)
        .await
        .expect("whoever cannot act may go");
}

#[tokio::test]
async fn nobody_stays_admin_by_a_pause() {
    let (bed, admin, bob) = admin_and_bob(None).await;
    let (at, role) = (bed.service.clock.now(), Role::Admin);
    bed.change(bob, GrantRole { role, at }.into()).await;
    bed.service.has_all(doorbook_projections::users::NAME).await.unwrap();
    let (service, from) = (&bed.service, origin());
    let bobs = bed.log_in(BOB, PASSWORD).await.unwrap().session;
    service
        .pause_projection(&bobs, doorbook_projections::users::NAME, &from)
        .await
        .unwrap();
    service
        .act_on_user(&admin, bob, UserAction::Deactivate, &from)
        .await
        .unwrap();
    let alone = service
        .act_on_user(&admin, admin.user, UserAction::Deactivate, &from)
        .await;
    assert!(
        matches!(alone, Err(Refusal::Fault(_))),
        "who else there is cannot be known: {alone:?}"
    );
}

#[tokio::test]
async fn admin_who_acts_is_another_admin_whatever_the_read_model_says() {
    let (bed, admin, bob) = admin_and_bob(None).await;
    let (service, from) = (&bed.service, origin());
    bed.service.has_all(doorbook_projections::users::NAME).await.unwrap();
    service
        .pause_projection(&admin, doorbook_projections::users::NAME, &from)
        .await
        .unwrap();
    let (at, role) = (bed.service.clock.now(), Role::Admin);
    bed.change(bob, GrantRole { role, at }.into()).await;
    let bobs = bed.log_in(BOB, PASSWORD).await.unwrap().session;
    service
        .act_on_user(&bobs, admin.user, UserAction::Deactivate, &from)
        .await
        .expect("the log says that Bob is one");
}

#[tokio::test]
async fn hours_of_the_overview_pass_and_none_is_missing() {
    let clock = Clock::standing(Timestamp::from_micros(1_795_435_200_000_000));
    let (bed, _, _) = admin_and_bob(Some(clock.clone())).await;
    let logins = async || -> Vec<u64> {
        let overview = bed.service.overview().await.unwrap();
        overview.hours.iter().map(|hour| hour.logins).collect()
    };
    let caught_up = async || {
        bed.service
            .caught_up(doorbook_projections::login_history::NAME)
            .await
            .unwrap();
    };
    caught_up().await;
    let now = logins().await;
    assert_eq!((now.len(), now[23]), (24, 1));
    clock.advance(Duration::from_hours(2));
    bed.log_in(BOB, PASSWORD).await.unwrap();
    caught_up().await;
    for _ in 0..2 {
        let later = logins().await;
        assert_eq!(
            (later[21], later[22], later[23]),
            (1, 0, 1),
            "also when it is asked again"
        );
    }
    clock.advance(Duration::from_hours(23));
    let later = logins().await;
    assert_eq!((later[0], later[1..].iter().sum::<u64>()), (1, 0));
}
