//! Who was signed in at an instant: the read model against a fold of the whole log, over random histories.

use std::sync::Arc;

use cqrs_es::Aggregate;
use doorbook_domain::{
    decide::Decide,
    event::Event,
    id::{SessionId, UserId},
    seal::{Sealed, SecretHash},
    session::{self, EndReason, Method, Session, SessionCommand, SessionEvent},
    time::Timestamp,
    user::{self, User, UserCommand},
};
use doorbook_projections::{
    as_of::{self, AsOf},
    cursor::Cursor,
    engine::Reads,
    figures,
    log::{EventLog, Position},
};

use crate::support::{
    bench::{are_true_to_log, open, run},
    history::{at, claim, session, user},
    log::MemoryLog,
    place::Place,
};

on_both!(past_is_what_a_fold_of_the_whole_log_says);

/// Small, and the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// A stream, as the domain made it.
struct Told<A: Aggregate> {
    state: A,
    events: Vec<A::Event>,
}

impl<A: Decide> Told<A> {
    fn new() -> Self {
        Self {
            state: A::default(),
            events: Vec::new(),
        }
    }

    /// What the command makes happen; nothing where it is refused.
    fn command(&mut self, command: impl Into<A::Command>) -> Vec<A::Event> {
        let events = self.state.decide(command.into()).unwrap_or_default();
        for event in &events {
            self.state.apply(event.clone());
        }
        self.events.extend(events.clone());
        events
    }
}

/// Users and sessions that do whatever they may, one thing after the other.
struct World {
    log: Arc<MemoryLog>,
    dice: Dice,
    now: i64,
    users: Vec<Told<User>>,
    sessions: Vec<(usize, Told<Session>)>,
    last: Position,
}

impl World {
    fn new(log: &Arc<MemoryLog>, seed: u64) -> Self {
        let mut world = Self {
            log: Arc::clone(log),
            dice: Dice(seed),
            now: 1,
            users: Vec::new(),
            sessions: Vec::new(),
            last: Position::START,
        };
        for number in 0..4 {
            let mut told = Told::new();
            let register = user::Register {
                email: Sealed::new("user-1:email"),
                claim: claim(number),
                email_verified: true,
                password: None,
                name: None,
                social: None,
                at: at(1),
            };
            for event in told.command(UserCommand::Register(register)) {
                world.last = log.user(number, &event);
            }
            world.users.push(told);
        }
        world
    }

    fn step(&mut self) {
        self.now += i64::try_from(self.dice.below(40_000)).unwrap();
        match self.dice.below(12) {
            0..=3 => self.start(),
            4..=7 => self.change_a_session(),
            8 => self.of_user(|at| user::EndSessions { at }.into()),
            9 => self.raise_and_take_over(),
            10 => self.of_user(|at| user::Deactivate { at }.into()),
            _ => self.of_user(|at| user::Reactivate { at }.into()),
        }
    }

    fn any_user(&mut self) -> usize {
        usize::try_from(self.dice.below(4)).unwrap()
    }

    fn any_session(&mut self) -> Option<usize> {
        let count = u64::try_from(self.sessions.len()).unwrap();
        (count > 0).then(|| usize::try_from(self.dice.below(count)).unwrap())
    }

    fn start(&mut self) {
        let of_user = self.any_user();
        let state = &self.users[of_user].state;
        if !state.is_active() {
            return;
        }
        let start = session::Start {
            user_id: user(u128::try_from(of_user).unwrap()),
            epoch: state.epoch(),
            secret: SecretHash([7; 32]),
            method: Method::Password,
            remember: false,
            new_device: false,
            idle_ms: 50 + self.dice.below(100),
            absolute_ms: 100 + self.dice.below(300),
            origin: None,
            ip_bucket: None,
            at: at(self.now),
        };
        self.sessions.push((of_user, Told::new()));
        self.command_session(self.sessions.len() - 1, start.into());
    }

    fn command_session(&mut self, number: usize, command: SessionCommand) {
        for event in self.sessions[number].1.command(command) {
            self.last = self.log.session(u128::try_from(number).unwrap(), &event);
        }
    }

    fn change_a_session(&mut self) {
        let Some(number) = self.any_session() else { return };
        let now = at(self.now);
        let epoch = self.users[self.sessions[number].0].state.epoch();
        // What is dead of its epoch is not refreshed: nobody holds a good cookie.
        let lives = self.sessions[number].1.state.is_live(now, epoch);
        let end = session::End {
            reason: EndReason::LoggedOut,
            by: None,
            at: now,
        };
        match self.dice.below(3) {
            0 => self.command_session(number, end.into()),
            _ if lives => self.command_session(number, session::Refresh { at: now }.into()),
            _ => {}
        }
    }

    fn of_user(&mut self, command: impl FnOnce(Timestamp) -> UserCommand) {
        let number = self.any_user();
        for event in self.users[number].command(command(at(self.now))) {
            self.last = self.log.user(u128::try_from(number).unwrap(), &event);
        }
    }

    /// As a change of password does it: every session ends, and the own one goes on a moment later.
    fn raise_and_take_over(&mut self) {
        let Some(number) = self.any_session() else { return };
        let (of_user, told) = &self.sessions[number];
        let of_user = *of_user;
        if !told.state.is_live(at(self.now), self.users[of_user].state.epoch()) {
            return;
        }
        let end = user::EndSessions { at: at(self.now) };
        for event in self.users[of_user].command(UserCommand::EndSessions(end)) {
            self.last = self.log.user(u128::try_from(of_user).unwrap(), &event);
        }
        self.now += 3;
        let rotate = session::Rotate {
            secret: SecretHash([8; 32]),
            epoch: self.users[of_user].state.epoch(),
            at: at(self.now),
        };
        self.command_session(number, rotate.into());
    }

    /// Folds everything that happened up to the instant.
    async fn signed_in(&self, instant: Timestamp) -> Vec<SessionId> {
        let (mut users, mut sessions) = (vec![User::default(); 4], vec![Session::default(); self.sessions.len()]);
        for recorded in self.log.read(Position::START, usize::MAX).await.unwrap() {
            match recorded.event().unwrap() {
                Event::User(event) if event.at() <= instant => {
                    let number = (0..4)
                        .find(|&number| user(number).to_string() == *recorded.stream_id)
                        .unwrap();
                    users[usize::try_from(number).unwrap()].apply(event);
                }
                Event::Session(event) if session_event_at(&event) <= instant => {
                    let ids = (0..).map(|number| session(number).to_string());
                    let number = ids
                        .take(sessions.len())
                        .position(|id| id == *recorded.stream_id)
                        .unwrap();
                    sessions[number].apply(event);
                }
                Event::User(_)
                | Event::Session(_)
                | Event::SignUp(_)
                | Event::Claim(_)
                | Event::LoginAttempts(_)
                | Event::Reading(_)
                | Event::Projection(_) => {}
            }
        }
        let of = |id: UserId| (0..4).find(|&number| user(number) == id).unwrap();
        let live = |folded: &Session| {
            let owner = folded.user_id().map(of);
            owner.is_some_and(|owner| folded.is_live(instant, users[usize::try_from(owner).unwrap()].epoch()))
        };
        let mut found: Vec<_> = (0..)
            .zip(&sessions)
            .filter(|(_, folded)| live(folded))
            .map(|(number, folded)| (folded.login().unwrap().started_at, session(number)))
            .collect();
        found.sort_unstable_by_key(|&(started, id)| std::cmp::Reverse((started, id.to_string())));
        found.into_iter().map(|(_, id)| id).collect()
    }
}

fn session_event_at(event: &SessionEvent) -> Timestamp {
    match event {
        SessionEvent::Started { at, .. }
        | SessionEvent::Refreshed { at, .. }
        | SessionEvent::Reauthenticated { at, .. }
        | SessionEvent::Rotated { at, .. }
        | SessionEvent::Ended { at, .. } => *at,
    }
}

/// All pages of the answer.
async fn told(reads: &Reads, which: AsOf) -> Vec<SessionId> {
    let (mut found, mut after) = (Vec::new(), Cursor::start());
    loop {
        let page = as_of::page(reads, which, &after, 3).await.unwrap();
        let Some(last) = page.last() else { return found };
        after = last.cursor();
        found.extend(page.iter().map(|row| row.session_id));
    }
}

async fn past_is_what_a_fold_of_the_whole_log_says(place: Place) {
    for seed in 1..=3 {
        let log = Arc::new(MemoryLog::new(seed.into()));
        let mut world = World::new(&log, seed);
        for _ in 0..250 {
            world.step();
        }
        let running = run(open(&place, &log).await);
        running.reaches(world.last).await;
        let reads = running.engine.reads();
        let mut most = 0;
        for _ in 0..60 {
            let instant = i64::try_from(world.dice.below(u64::try_from(world.now).unwrap() + 200_000)).unwrap();
            check(&world, &reads, at(instant), &mut most).await;
        }
        // The edges are where it goes wrong: each event's instant, just before and just after.
        for (_, told) in world.sessions.iter().take(20) {
            for event in &told.events {
                let micros = session_event_at(event).micros();
                for instant in [micros - 1, micros, micros + 1] {
                    check(&world, &reads, at(instant), &mut most).await;
                }
            }
        }
        assert!(most > 2, "the history is too dull: {most}");
        // From now on nothing happens: the present is counted by the same rule.
        for later in (0..300_000).step_by(10_000) {
            let instant = at(world.now + later);
            let live = u64::try_from(world.signed_in(instant).await.len()).unwrap();
            let counted = figures::count_sessions(&reads, instant, 1_000).await.unwrap();
            assert_eq!((counted.many, counted.approximate), (live, false), "{later}");
        }
        are_true_to_log(&running.engine, &["sessions", "users", "login_history", "audit_trail"]).await;
        running.stop().await;
    }
}

async fn check(world: &World, reads: &Reads, instant: Timestamp, most: &mut usize) {
    let expected = world.signed_in(instant).await;
    *most = expected.len().max(*most);
    let answer = told(
        reads,
        AsOf {
            at: instant,
            user: None,
        },
    )
    .await;
    assert_eq!(
        answer,
        expected,
        "at {} of seed {:?}",
        instant.micros(),
        world.log.id().await
    );
    let one = AsOf {
        at: instant,
        user: Some(user(1)),
    };
    let of_one: Vec<SessionId> = expected
        .into_iter()
        .filter(|id| {
            let number = (0..world.sessions.len())
                .find(|&number| session(u128::try_from(number).unwrap()) == *id)
                .unwrap();
            world.sessions[number].0 == 1
        })
        .collect();
    assert_eq!(told(reads, one).await, of_one);
}
