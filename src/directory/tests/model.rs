//! The directory against a naive fold of the whole log, under random histories.

use std::collections::HashMap;

use doorbook_domain::{
    event::Event,
    id::{SessionId, UserId},
    role::Role,
    session::{Method, SessionEvent},
    user::UserEvent,
};
use doorbook_openapi::app::Check;
use doorbook_projections::log::Recorded;
use futures_util::FutureExt;
use proptest::prelude::*;
use uuid::Uuid;

use super::{support::*, truth::*};

/// Users and sessions of a history.
const USERS: u8 = 3;
const SESSIONS: u8 = 6;

/// One thing that happens. `nudged` says whether the command reports it in the same request.
#[derive(Debug, Clone)]
enum Step {
    User {
        user: u8,
        change: UserChange,
        nudged: bool,
    },
    Session {
        session: u8,
        change: SessionChange,
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

/// What happens to a session.
#[derive(Debug, Clone, Copy)]
enum SessionChange {
    LogIn(u8),
    LogOut,
    Refresh,
    Prove,
    Rotate,
}

/// What happens to a user.
#[derive(Debug, Clone, Copy)]
enum UserChange {
    Password,
    Grant,
    Revoke,
    Deactivate,
    Reactivate,
    EndAll,
    Rename(u8),
}

fn user_change() -> impl Strategy<Value = UserChange> {
    prop_oneof![
        1 => Just(UserChange::Password),
        1 => Just(UserChange::Grant),
        1 => Just(UserChange::Revoke),
        1 => Just(UserChange::Deactivate),
        2 => Just(UserChange::Reactivate),
        1 => Just(UserChange::EndAll),
        1 => (0..3u8).prop_map(UserChange::Rename),
    ]
}

fn session_change() -> impl Strategy<Value = SessionChange> {
    prop_oneof![
        6 => (0..USERS).prop_map(SessionChange::LogIn),
        1 => Just(SessionChange::LogOut),
        2 => Just(SessionChange::Refresh),
        1 => Just(SessionChange::Prove),
        3 => Just(SessionChange::Rotate),
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

    fn change_user(&mut self, id: UserId, change: UserChange, nudged: bool) {
        let owner = fold_user(&self.user(id));
        let epoch = owner.epoch + 1;
        let event = match change {
            UserChange::Password => password_changed(epoch),
            UserChange::Grant => granted(epoch),
            UserChange::Revoke => UserEvent::RoleRevoked {
                role: Role::Admin,
                epoch,
                at: T0,
            },
            UserChange::Deactivate => UserEvent::Deactivated { epoch, at: T0 },
            UserChange::Reactivate => UserEvent::Reactivated { at: T0 },
            UserChange::EndAll => UserEvent::SessionsEnded { epoch, at: T0 },
            UserChange::Rename(0) => renamed(id, None),
            UserChange::Rename(number) => renamed(id, Some(&format!("name {number}"))),
        };
        let sequence = self.world.log.append("user", id.0, &event);
        if nudged {
            self.world.directory.nudge_user(id, &[(sequence, event)]);
            self.tell(id.0, sequence);
        }
    }

    fn change_session(&mut self, id: SessionId, change: SessionChange, nudged: bool) {
        let past = self.session(id);
        if matches!(past.last(), Some(SessionEvent::Ended { .. })) {
            return;
        }
        let event = match (owner(&past), change) {
            (None, SessionChange::LogIn(number)) => self.log_in(user(number.into())),
            (None, _) | (Some(_), SessionChange::LogIn(_)) => return,
            (Some(_), SessionChange::LogOut) => ended(),
            (Some(_), SessionChange::Refresh) => refreshed(self.now + IDLE),
            (Some(_), SessionChange::Prove) => SessionEvent::Reauthenticated {
                method: Method::Password,
                at: at(self.now),
            },
            (Some(owner), SessionChange::Rotate) => {
                let of = if past.len().is_multiple_of(2) { 2 } else { 3 };
                rotated(of, fold_user(&self.user(owner)).epoch)
            }
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
        let owner = owner(&past);
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
