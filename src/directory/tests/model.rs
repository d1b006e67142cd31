//! The directory against a naive fold of the whole log, under random histories.

use std::collections::HashMap;

use doorbook_domain::{
    event::Event,
    id::{SessionId, UserId},
    role::{Role, Roles},
    session::{Method, SessionEvent},
    user::UserEvent,
};
use doorbook_openapi::app::{Check, LiveSession};
use doorbook_projections::log::Recorded;
use futures_util::FutureExt;
use proptest::prelude::*;
use uuid::Uuid;

use super::support::*;

/// Users and sessions of a history.
const USERS: u8 = 3;
const SESSIONS: u8 = 6;

/// One thing that happens. `nudged` says whether the command reports it in the same request.
#[derive(Debug, Clone)]
enum Step {
    User {
        user: u8,
        change: Change,
        nudged: bool,
    },
    Session {
        session: u8,
        change: Change,
        nudged: bool,
    },
    /// The tail brings so many events.
    Tail(usize),
    /// A cookie is checked, and resolved if memory does not know.
    Ask {
        session: u8,
        secret: u8,
    },
    /// Time passes, in microseconds.
    Pass(i64),
    /// The node starts anew, with an empty memory.
    Restart,
    /// Memory is believed or not.
    Trust(bool),
}

/// What happens to a user or a session.
#[derive(Debug, Clone, Copy)]
enum Change {
    LogIn(u8),
    LogOut,
    Refresh,
    Prove,
    Rotate,
    Password,
    Grant,
    Revoke,
    Deactivate,
    Reactivate,
    EndAll,
    Rename(u8),
}

fn user_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        1 => Just(Change::Password),
        1 => Just(Change::Grant),
        1 => Just(Change::Revoke),
        1 => Just(Change::Deactivate),
        2 => Just(Change::Reactivate),
        1 => Just(Change::EndAll),
        1 => (0..3u8).prop_map(Change::Rename),
    ]
}

fn session_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => (0..USERS).prop_map(Change::LogIn),
        1 => Just(Change::LogOut),
        2 => Just(Change::Refresh),
        1 => Just(Change::Prove),
        3 => Just(Change::Rotate),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let nudged = prop::bool::weighted(0.7);
    prop_oneof![
        4 => (0..USERS, user_change(), nudged)
            .prop_map(|(user, change, nudged)| Step::User { user, change, nudged }),
        10 => (0..SESSIONS, session_change(), nudged)
            .prop_map(|(session, change, nudged)| Step::Session { session, change, nudged }),
        4 => (1..6usize).prop_map(Step::Tail),
        16 => (0..SESSIONS, 1..4u8).prop_map(|(session, secret)| Step::Ask { session, secret }),
        2 => (1..IDLE / 2).prop_map(Step::Pass),
        1 => Just(Step::Restart),
        1 => any::<bool>().prop_map(Step::Trust),
    ]
}

/// The naive truth: everything that a stream says, folded as far as `upto`.
#[derive(Default, Clone)]
struct TrueUser {
    registered: bool,
    off: bool,
    epoch: u32,
    roles: Roles,
    name: Option<String>,
}

fn fold_user(events: &[UserEvent]) -> TrueUser {
    let mut user = TrueUser::default();
    for event in events {
        match event {
            UserEvent::Registered { .. } => user.registered = true,
            UserEvent::ProfileChanged { name, .. } => {
                user.name = name
                    .as_ref()
                    .map(|name| name.as_str().rsplit('|').next().unwrap().to_owned());
            }
            UserEvent::PasswordUpgraded { .. } => {}
            UserEvent::PasswordChanged { epoch, .. } | UserEvent::SessionsEnded { epoch, .. } => user.epoch = *epoch,
            UserEvent::RoleGranted { epoch, role, .. } => {
                user.epoch = *epoch;
                user.roles = user.roles.with(*role);
            }
            UserEvent::RoleRevoked { epoch, role, .. } => {
                user.epoch = *epoch;
                user.roles = user.roles.without(*role);
            }
            UserEvent::Deactivated { epoch, .. } => {
                user.epoch = *epoch;
                user.off = true;
            }
            UserEvent::Reactivated { .. } => user.off = false,
        }
    }
    user
}

/// What a session is worth by what its stream and its user's say.
fn worth(id: SessionId, session: &[SessionEvent], user: &[UserEvent], of: u8, now: i64) -> Option<LiveSession> {
    let SessionEvent::Started { user_id, .. } = session.first()? else {
        panic!("every session starts");
    };
    let owner = fold_user(user);
    let mut live = LiveSession {
        id,
        user: *user_id,
        roles: owner.roles,
        identity: doorbook_openapi::app::Identity::new("Ada@example.org", owner.name.as_deref()),
        email_verified: true,
        user_since: T0,
        started_at: T0,
        authenticated_at: T0,
        idle_until: T0,
        absolute_until: T0,
        remember: true,
    };
    let mut holds = (0, secret(0));
    for event in session {
        match event {
            SessionEvent::Started {
                epoch,
                secret,
                idle_until,
                absolute_until,
                at,
                ..
            } => {
                holds = (*epoch, *secret);
                (live.idle_until, live.absolute_until) = (*idle_until, *absolute_until);
                (live.started_at, live.authenticated_at) = (*at, *at);
            }
            SessionEvent::Refreshed { idle_until, .. } => live.idle_until = *idle_until,
            SessionEvent::Reauthenticated { at, .. } => live.authenticated_at = *at,
            SessionEvent::Rotated { secret, epoch, .. } => holds = (*epoch, *secret),
            SessionEvent::Ended { .. } => return None,
        }
    }
    let alive = owner.registered && !owner.off && holds == (owner.epoch, secret(of));
    let in_time = at(now) < live.idle_until && at(now) < live.absolute_until;
    (alive && in_time).then_some(live)
}

/// A history under way, and how much of each stream the directory was told.
struct Play {
    world: World,
    capacity: usize,
    now: i64,
    tail: usize,
    told: HashMap<Uuid, u64>,
}

impl Play {
    fn new(capacity: usize) -> Self {
        let world = World::new(capacity);
        for number in 0..USERS {
            world.user_event(user(number.into()), &registered(user(number.into())));
        }
        Self {
            world,
            capacity,
            now: 0,
            tail: 0,
            told: HashMap::new(),
        }
    }

    fn events(&self, id: Uuid) -> Vec<Event> {
        let of_stream = |event: &&Recorded| *event.stream_id == id.to_string();
        let events = self.world.log.events.lock();
        events
            .iter()
            .filter(of_stream)
            .map(|event| event.event().unwrap())
            .collect()
    }

    fn session(&self, id: SessionId) -> Vec<SessionEvent> {
        let events = self.events(id.0).into_iter();
        events
            .filter_map(|event| {
                if let Event::Session(event) = event {
                    Some(event)
                } else {
                    None
                }
            })
            .collect()
    }

    fn user(&self, id: UserId) -> Vec<UserEvent> {
        let events = self.events(id.0).into_iter();
        events
            .filter_map(|event| {
                if let Event::User(event) = event {
                    Some(event)
                } else {
                    None
                }
            })
            .collect()
    }

    fn tell(&mut self, id: Uuid, sequence: u64) {
        let told = self.told.entry(id).or_default();
        *told = sequence.max(*told);
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::User {
                user: number,
                change,
                nudged,
            } => self.change_user(user(number.into()), change, nudged),
            Step::Session {
                session: number,
                change,
                nudged,
            } => {
                self.change_session(session(number.into()), change, nudged);
            }
            Step::Tail(count) => (0..count).for_each(|_| self.bring()),
            Step::Ask {
                session: number,
                secret,
            } => self.ask(number, secret),
            Step::Pass(micros) => self.now += micros,
            Step::Restart => self.restart(),
            Step::Trust(trusted) => self.world.directory.trust.set_reading(trusted),
        }
    }

    fn change_user(&mut self, id: UserId, change: Change, nudged: bool) {
        let owner = fold_user(&self.user(id));
        let epoch = owner.epoch + 1;
        let event = match change {
            Change::Password => password_changed(epoch),
            Change::Grant => granted(epoch),
            Change::Revoke => UserEvent::RoleRevoked {
                role: Role::Admin,
                epoch,
                at: T0,
            },
            Change::Deactivate => UserEvent::Deactivated { epoch, at: T0 },
            Change::Reactivate => UserEvent::Reactivated { at: T0 },
            Change::EndAll => UserEvent::SessionsEnded { epoch, at: T0 },
            Change::Rename(0) => renamed(id, None),
            Change::Rename(number) => renamed(id, Some(&format!("name {number}"))),
            _ => unreachable!("not of a user"),
        };
        let sequence = self.world.log.append("user", id.0, &event);
        if nudged {
            self.world.directory.nudge_user(id, &[(sequence, event)]);
            self.tell(id.0, sequence);
        }
    }

    fn change_session(&mut self, id: SessionId, change: Change, nudged: bool) {
        let past = self.session(id);
        let over = matches!(past.last(), Some(SessionEvent::Ended { .. }));
        let owner = past.first().and_then(|event| match event {
            SessionEvent::Started { user_id, .. } => Some(*user_id),
            _ => None,
        });
        let event = match (change, owner) {
            (Change::LogIn(number), None) => self.log_in(user(number.into())),
            (_, None) => return,
            _ if over => return,
            (Change::LogIn(_), Some(_)) => return,
            (Change::LogOut, _) => ended(),
            (Change::Refresh, _) => refreshed(self.now + IDLE),
            (Change::Prove, _) => SessionEvent::Reauthenticated {
                method: Method::Password,
                at: at(self.now),
            },
            (Change::Rotate, Some(owner)) => {
                rotated(2 + u8::from(past.len() % 2 == 0), fold_user(&self.user(owner)).epoch)
            }
            _ => unreachable!("not of a session"),
        };
        let sequence = self.world.log.append("session", id.0, &event);
        if nudged {
            self.world.directory.nudge_session(id, &[(sequence, event)]);
            self.tell(id.0, sequence);
        }
    }

    fn log_in(&self, owner: UserId) -> SessionEvent {
        let mut event = started(owner, fold_user(&self.user(owner)).epoch);
        if let SessionEvent::Started {
            idle_until,
            absolute_until,
            at: instant,
            ..
        } = &mut event
        {
            *instant = at(self.now);
            (*idle_until, *absolute_until) = (at(self.now + IDLE), at(self.now + 2 * IDLE));
        }
        event
    }

    fn bring(&mut self) {
        let recorded = self.world.log.events.lock().get(self.tail).cloned();
        if let Some(recorded) = recorded {
            self.world.directory.take_in(&recorded);
            self.tail += 1;
            self.tell(recorded.stream_id.parse().unwrap(), recorded.sequence);
        }
    }

    fn restart(&mut self) {
        let events = self.world.log.events.lock().clone();
        self.world = World::new(self.capacity);
        self.tail = events.len();
        for recorded in &events {
            self.tell(recorded.stream_id.parse().unwrap(), recorded.sequence);
        }
        *self.world.log.events.lock() = events;
    }

    /// Every answer must be the truth at some moment not before what the directory was told of either stream; the
    /// whole truth, where it was told everything, and where it reads the log.
    fn ask(&self, number: u8, of: u8) {
        let id = session(number.into());
        let past = self.session(id);
        let owner = past.first().and_then(|event| match event {
            SessionEvent::Started { user_id, .. } => Some(*user_id),
            _ => None,
        });
        let owner_past = owner.map(|owner| self.user(owner)).unwrap_or_default();
        let told = |id: Uuid| usize::try_from(self.told.get(&id).copied().unwrap_or(0)).unwrap();
        let mut truths = Vec::new();
        for upto in told(id.0)..=past.len() {
            for owner_upto in owner.map_or(0, |owner| told(owner.0))..=owner_past.len() {
                truths.push(worth(id, &past[..upto], &owner_past[..owner_upto], of, self.now));
            }
        }
        let whole = truths.last().cloned().flatten();
        let trusted = self.world.directory.is_trusted(at(self.now));
        let check = self.world.check(number.into(), of, self.now);
        match &check {
            Check::Live(live) => assert!(trusted && truths.contains(&Some(live.clone())), "{live:?} never was"),
            Check::Dead => assert!(truths.contains(&None), "it lives: {whole:?}"),
            Check::Unknown => {}
        }
        let resolved = self.world.resolve(number.into(), of, self.now).now_or_never();
        let resolved = resolved.expect("nothing holds the log up");
        assert!(truths.contains(&resolved), "{resolved:?} never was");
        if !trusted && check == Check::Unknown {
            assert_eq!(resolved, whole);
        }
        assert!(self.world.directory.counts().sessions <= self.capacity);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn directory_answers_as_a_fold_of_the_whole_log(
        capacity in 1..8usize,
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut play = Play::new(capacity);
        for step in &steps {
            play.run(step);
        }
        // In the end the tail brings everything, and the answers are exact.
        while play.tail < play.world.log.events.lock().len() {
            play.bring();
        }
        for number in 0..SESSIONS {
            for of in 1..4 {
                play.ask(number, of);
            }
        }
    }
}
