//! What happens, and when.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap, VecDeque},
    time::Duration,
};

use doorbook_domain::{
    id::{SignUpId, UserId},
    role::Roles,
    seal::SecretHash,
    time::Timestamp,
};
use doorbook_projections::fault::Fault;
use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};
use uuid::{Builder, Uuid};

use super::{
    SPAN, Shape,
    draft::{Draft, Fact, Place, Stream},
    person::{Person, Sitting},
};

/// Events of one sign-up, at most.
const SIGN_UP_EVENTS: u64 = 5;
/// Between two steps of one request, in microseconds: other requests get in between.
const STEP: u64 = 1500;

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    /// A step of the sign-up of the user with this number.
    SignUp(u32, Step),
    /// Somebody comes by.
    Arrive,
    /// The user with this number tries again.
    Retry(u32),
    /// The session is used.
    Refresh(u32),
    /// Its user logs out.
    LogOut(u32),
    /// Its user ends it from elsewhere.
    Revoke(u32),
    /// Its user changes the password.
    ChangePassword(u32),
    /// Its user proves again who they are.
    Reauthenticate(u32),
    /// The user is let in again.
    Reactivate(u32),
}

/// The steps of a sign-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Request,
    Register,
    Name,
    Claim,
    Complete,
}

/// Something to do: when, in which order among equals, what.
type Appointment = Reverse<(Timestamp, u64, Action)>;

/// A sign-up on its way.
#[derive(Debug, Clone, Copy)]
struct Newcomer {
    id: SignUpId,
    user: UserId,
    password: Uuid,
    command: Uuid,
    home: Place,
}

/// A history: an iterator over exactly as many events as its shape asks for, in time order.
#[derive(Debug)]
pub struct History {
    pub(crate) shape: Shape,
    pub(crate) rng: StdRng,
    agenda: BinaryHeap<Appointment>,
    order: u64,
    ready: VecDeque<Draft>,
    pub(crate) made: u64,
    pub(crate) signed_up: u32,
    newcomers: BTreeMap<u32, Newcomer>,
    /// By number, from 1.
    pub(crate) people: Vec<Person>,
    pub(crate) sittings: HashMap<u32, Sitting>,
    pub(crate) next_sitting: u32,
    /// Events of each stranger's attempts stream so far.
    pub(crate) strangers: HashMap<u32, u64>,
}

impl History {
    /// The history of a shape.
    ///
    /// # Errors
    ///
    /// There is no user, or there are fewer than ten events for each.
    pub fn new(shape: Shape) -> Result<Self, Fault> {
        if shape.users == 0 || shape.events < 10 * u64::from(shape.users) {
            return Err(Fault::plain("a history needs a user, and ten events for each"));
        }
        let begin = shape.until.minus(SPAN);
        let mut history = Self {
            rng: StdRng::seed_from_u64(shape.seed),
            agenda: BinaryHeap::new(),
            order: 0,
            ready: VecDeque::new(),
            made: 0,
            signed_up: 0,
            newcomers: BTreeMap::new(),
            people: Vec::new(),
            sittings: HashMap::new(),
            next_sitting: 0,
            strangers: HashMap::new(),
            shape,
        };
        history.plan(begin, Action::SignUp(1, Step::Request));
        history.plan(begin.plus(Duration::from_hours(1)), Action::Arrive);
        Ok(history)
    }

    /// Notes what is to happen.
    pub(crate) fn plan(&mut self, at: Timestamp, action: Action) {
        self.order += 1;
        self.agenda.push(Reverse((at, self.order, action)));
    }

    /// Notes an event.
    pub(crate) fn tell(
        &mut self,
        at: Timestamp,
        stream: Stream,
        sequence: u64,
        by: (Uuid, Option<UserId>),
        fact: Fact,
    ) {
        let (command, actor) = by;
        self.ready.push_back(Draft {
            stream,
            sequence,
            at,
            command,
            actor,
            fact,
        });
    }

    /// A UUID v7 of that instant.
    pub(crate) fn id(&mut self, at: Timestamp) -> Uuid {
        let mut bytes = [0; 10];
        self.rng.fill_bytes(&mut bytes);
        let millis = u64::try_from(at.micros() / 1000).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }

    /// The digest of a secret that nobody has.
    pub(crate) fn secret(&mut self) -> SecretHash {
        let mut bytes = [0; 32];
        self.rng.fill_bytes(&mut bytes);
        SecretHash(bytes)
    }

    /// Somewhere.
    pub(crate) fn place(&mut self) -> Place {
        Place {
            network: self.rng.random(),
            browser: self.rng.random(),
        }
    }

    /// Events that the sign-ups that did not begin yet will need.
    pub(crate) fn reserved(&self) -> u64 {
        u64::from(self.shape.users.saturating_sub(self.signed_up)) * SIGN_UP_EVENTS
    }

    fn act(&mut self, at: Timestamp, action: Action) {
        match action {
            Action::SignUp(number, Step::Request) => self.request(at, number),
            Action::SignUp(number, step) => self.sign_up(at, number, step),
            Action::Arrive => self.arrive(at),
            Action::Retry(number) => self.log_in(at, number),
            Action::Refresh(sitting) => self.refresh(at, sitting),
            Action::LogOut(sitting) => self.log_out(at, sitting),
            Action::Revoke(sitting) => self.revoke(at, sitting),
            Action::ChangePassword(sitting) => self.change_password(at, sitting),
            Action::Reauthenticate(sitting) => self.reauthenticate(at, sitting),
            Action::Reactivate(number) => self.reactivate(at, number),
        }
    }

    fn request(&mut self, at: Timestamp, number: u32) {
        let newcomer = Newcomer {
            id: SignUpId(self.id(at)),
            user: UserId(self.id(at)),
            password: self.id(at),
            command: self.id(at),
            home: self.place(),
        };
        self.signed_up += 1;
        let fact = Fact::Requested {
            user: (newcomer.user, number),
            password: newcomer.password,
            place: newcomer.home,
        };
        self.tell(at, Stream::SignUp(newcomer.id), 1, (newcomer.command, None), fact);
        self.newcomers.insert(number, newcomer);
        self.plan(
            at.plus(Duration::from_micros(STEP)),
            Action::SignUp(number, Step::Register),
        );
        if number < self.shape.users {
            // All have signed up after six tenths of the time.
            let micros = SPAN.as_micros() * 6 / 10 / u128::from(self.shape.users);
            let gap = Duration::from_micros(u64::try_from(micros).unwrap_or(STEP));
            self.plan(at.plus(gap), Action::SignUp(number + 1, Step::Request));
        }
    }

    fn sign_up(&mut self, at: Timestamp, number: u32, step: Step) {
        let Some(&newcomer) = self.newcomers.get(&number) else {
            return;
        };
        let user = (newcomer.user, number);
        let stream = Stream::User(newcomer.user);
        let by = (newcomer.command, None);
        let named = super::people::name(number).is_some();
        let next = match step {
            Step::Request | Step::Register => {
                let password = newcomer.password;
                self.tell(at, stream, 1, by, Fact::Registered { user, password });
                if named { Step::Name } else { Step::Claim }
            }
            Step::Name => {
                self.tell(at, stream, 2, by, Fact::Named { user });
                Step::Claim
            }
            Step::Claim => {
                self.tell(at, Stream::Claim(number), 1, by, Fact::Taken(newcomer.user));
                self.settle(newcomer, if named { 2 } else { 1 });
                Step::Complete
            }
            Step::Complete => {
                self.tell(at, Stream::SignUp(newcomer.id), 2, by, Fact::Completed(newcomer.user));
                self.newcomers.remove(&number);
                return self.appoint(at, number);
            }
        };
        self.plan(at.plus(Duration::from_micros(STEP)), Action::SignUp(number, next));
    }

    /// From the claim on there is a user, who can log in.
    fn settle(&mut self, newcomer: Newcomer, sequence: u64) {
        self.people.push(Person {
            id: newcomer.user,
            sequence,
            attempts: 0,
            epoch: 0,
            roles: Roles::default(),
            active: true,
            home: newcomer.home,
            latest: None,
        });
    }
}

impl Iterator for History {
    type Item = Draft;

    fn next(&mut self) -> Option<Draft> {
        if self.made == self.shape.events {
            return None;
        }
        while self.ready.is_empty() {
            let Reverse((at, _, action)) = self.agenda.pop()?;
            self.act(at, action);
        }
        self.made += 1;
        self.ready.pop_front()
    }
}
