//! People who come by: what they do, and what comes of it.

use std::time::Duration;

use doorbook_domain::{
    attempts::FailureReason,
    id::{SessionId, UserId},
    role::Role,
    session::EndReason,
    time::Timestamp,
};
use rand::RngExt as _;
use uuid::Uuid;

use super::{
    draft::{Fact, Place, Stream},
    history::{Action, History},
    person::{Person, Sitting},
};

/// Tenths of an event that somebody who comes by causes, on average.
const TENTHS_PER_ARRIVAL: u64 = 27;
/// Addresses that nobody has.
const STRANGERS: u32 = 500;
/// Users with the numbers up to this one keep their roles and are never shut out.
const STAFF: u32 = 2;

impl History {
    fn chance(&mut self, per_mille: u32) -> bool {
        self.rng.random_ratio(per_mille, 1000)
    }

    fn between(&mut self, from: Duration, to: Duration) -> Duration {
        let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.rng.random_range(micros(from)..=micros(to)))
    }

    fn person(&mut self, number: u32) -> Option<&mut Person> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        self.people.get_mut(index)
    }

    /// Somebody comes by, and the next one is expected: so soon that the events will do for the time that is left.
    pub(crate) fn arrive(&mut self, at: Timestamp) {
        let left = self.shape.events.saturating_sub(self.made + self.reserved());
        let arrivals = (left * 10 / TENTHS_PER_ARRIVAL).max(1);
        let time = u64::try_from(self.shape.until.since(at).as_micros()).unwrap_or(0);
        let gap = self.rng.random_range(0..=(2 * time / arrivals).min(time));
        self.plan(
            at.plus(Duration::from_micros(gap)).min(self.shape.until),
            Action::Arrive,
        );
        let Ok(known @ 1..) = u32::try_from(self.people.len()) else {
            return;
        };
        if self.chance(10) {
            return self.stranger(at);
        }
        // Some come more often than others: the lesser of two.
        let number = self.rng.random_range(1..=known).min(self.rng.random_range(1..=known));
        self.log_in(at, number);
    }

    fn stranger(&mut self, at: Timestamp) {
        let number = self.rng.random_range(0..STRANGERS);
        let (command, place) = (self.id(at), self.place());
        let sequence = self.strangers.entry(number).or_default();
        *sequence += 1;
        let sequence = *sequence;
        let fact = Fact::Failed {
            user: None,
            number,
            reason: FailureReason::UnknownAddress,
            place,
        };
        self.tell(at, Stream::StrangerAttempts(number), sequence, (command, None), fact);
    }

    fn fail(&mut self, at: Timestamp, number: u32, reason: FailureReason, place: Place) {
        let command = self.id(at);
        let Some(person) = self.person(number) else { return };
        person.attempts += 1;
        let (sequence, user) = (person.attempts, Some(person.id));
        let fact = Fact::Failed {
            user,
            number,
            reason,
            place,
        };
        self.tell(at, Stream::Attempts(number), sequence, (command, None), fact);
    }

    pub(crate) fn log_in(&mut self, at: Timestamp, number: u32) {
        let Some(person) = self.person(number) else { return };
        let (active, home) = (person.active, person.home);
        let away = self.chance(200);
        let place = if away { self.place() } else { home };
        if !active {
            return self.fail(at, number, FailureReason::Inactive, place);
        }
        if self.chance(60) {
            self.fail(at, number, FailureReason::WrongPassword, place);
            let soon = self.between(Duration::from_secs(5), Duration::from_mins(1));
            return self.plan(at.plus(soon), Action::Retry(number));
        }
        let Some(sitting) = self.start(at, number, place) else {
            return;
        };
        if !away {
            self.replace(at, number, sitting);
        }
        self.expect(at, sitting);
        self.fate(at, number);
    }

    fn start(&mut self, at: Timestamp, number: u32, place: Place) -> Option<u32> {
        let (id, command, secret) = (SessionId(self.id(at)), self.id(at), self.secret());
        let remember = self.chance(700);
        let (lifetimes, staff) = (self.shape.lifetimes, self.shape.staff);
        let person = self.person(number)?;
        let lifetimes = if person.roles.is_empty() { lifetimes } else { staff };
        let (user, epoch) = (person.id, person.epoch);
        let absolute_until = at.plus(lifetimes.absolute);
        let sitting = Sitting {
            id,
            person: number,
            sequence: 1,
            epoch,
            idle_until: at.plus(lifetimes.idle).min(absolute_until),
            absolute_until,
            lifetimes,
        };
        let fact = Fact::Started {
            user,
            epoch,
            secret,
            remember,
            idle_until: sitting.idle_until,
            absolute_until,
            idle_ms: u64::try_from(lifetimes.idle.as_millis()).unwrap_or(u64::MAX),
            place,
        };
        self.tell(at, Stream::Session(id), 1, (command, None), fact);
        self.next_sitting += 1;
        self.sittings.insert(self.next_sitting, sitting);
        Some(self.next_sitting)
    }

    /// A login in the usual browser ends the session that was there.
    fn replace(&mut self, at: Timestamp, number: u32, sitting: u32) {
        let Some(person) = self.person(number) else { return };
        if let Some(former) = person.latest.replace(sitting) {
            self.end(at, former, EndReason::Replaced);
        }
    }

    /// What will become of a session.
    fn expect(&mut self, at: Timestamp, sitting: u32) {
        let Some(idle) = self.sittings.get(&sitting).map(|sitting| sitting.lifetimes.idle) else {
            return;
        };
        if self.chance(450) {
            let later = self.between(idle / 12, idle / 2);
            self.plan(at.plus(later), Action::Refresh(sitting));
        }
        let later = self.between(Duration::from_mins(2), idle);
        match self.rng.random_range(0..1000) {
            0..600 => self.plan(at.plus(later), Action::LogOut(sitting)),
            600..640 => self.plan(at.plus(later), Action::Revoke(sitting)),
            640..650 => self.plan(at.plus(later), Action::ChangePassword(sitting)),
            650..660 => self.plan(at.plus(later), Action::Reauthenticate(sitting)),
            _ => {}
        }
    }

    /// The session, if it is good at `at`; a dead one is forgotten.
    fn live(&mut self, at: Timestamp, sitting: u32) -> Option<(SessionId, UserId, u32)> {
        let found = self.sittings.get(&sitting)?.clone();
        let person = self.person(found.person)?;
        if found.is_live(at, person) {
            return Some((found.id, person.id, found.person));
        }
        self.sittings.remove(&sitting);
        None
    }

    /// Tells the next event of a session.
    fn go_on(&mut self, at: Timestamp, sitting: u32, by: (Uuid, UserId), fact: Fact) {
        let Some(found) = self.sittings.get_mut(&sitting) else {
            return;
        };
        found.sequence += 1;
        let (stream, sequence) = (Stream::Session(found.id), found.sequence);
        self.tell(at, stream, sequence, (by.0, Some(by.1)), fact);
    }

    pub(crate) fn refresh(&mut self, at: Timestamp, sitting: u32) {
        let Some((_, user, _)) = self.live(at, sitting) else {
            return;
        };
        let command = self.id(at);
        let Some(found) = self.sittings.get_mut(&sitting) else {
            return;
        };
        let idle = found.lifetimes.idle;
        let until = at.plus(idle).min(found.absolute_until);
        if until > found.idle_until {
            found.idle_until = until;
            self.go_on(at, sitting, (command, user), Fact::Refreshed(until));
        }
        if self.chance(500) {
            let later = self.between(idle / 12, idle / 2);
            self.plan(at.plus(later), Action::Refresh(sitting));
        }
    }

    fn end(&mut self, at: Timestamp, sitting: u32, reason: EndReason) {
        let Some((_, by, _)) = self.live(at, sitting) else {
            return;
        };
        let command = self.id(at);
        self.go_on(at, sitting, (command, by), Fact::Ended { reason, by });
        self.sittings.remove(&sitting);
    }

    pub(crate) fn log_out(&mut self, at: Timestamp, sitting: u32) {
        self.end(at, sitting, EndReason::LoggedOut);
    }

    pub(crate) fn revoke(&mut self, at: Timestamp, sitting: u32) {
        self.end(at, sitting, EndReason::Revoked);
    }

    pub(crate) fn change_password(&mut self, at: Timestamp, sitting: u32) {
        let Some((_, user, number)) = self.live(at, sitting) else {
            return;
        };
        let (command, password, secret) = (self.id(at), self.id(at), self.secret());
        let Some(epoch) = self.raise(number) else { return };
        let fact = Fact::PasswordChanged { password, epoch };
        self.change(at, number, (command, Some(user)), fact);
        self.rotate(at, sitting, (command, user), secret, epoch);
    }

    fn rotate(
        &mut self,
        at: Timestamp,
        sitting: u32,
        by: (Uuid, UserId),
        secret: doorbook_domain::seal::SecretHash,
        epoch: u32,
    ) {
        if let Some(found) = self.sittings.get_mut(&sitting) {
            found.epoch = epoch;
        }
        self.go_on(at, sitting, by, Fact::Rotated { secret, epoch });
    }

    pub(crate) fn reauthenticate(&mut self, at: Timestamp, sitting: u32) {
        let Some((_, user, number)) = self.live(at, sitting) else {
            return;
        };
        let (command, secret) = (self.id(at), self.secret());
        let Some(epoch) = self.person(number).map(|person| person.epoch) else {
            return;
        };
        self.go_on(at, sitting, (command, user), Fact::Reauthenticated);
        self.rotate(at, sitting, (command, user), secret, epoch);
    }

    /// Raises a user's epoch.
    fn raise(&mut self, number: u32) -> Option<u32> {
        let person = self.person(number)?;
        person.epoch += 1;
        Some(person.epoch)
    }

    /// Tells the next event of a user.
    fn change(&mut self, at: Timestamp, number: u32, by: (Uuid, Option<UserId>), fact: Fact) {
        let Some(person) = self.person(number) else { return };
        person.sequence += 1;
        let (stream, sequence) = (Stream::User(person.id), person.sequence);
        self.tell(at, stream, sequence, by, fact);
    }

    /// The first user becomes an admin, the second an auditor.
    pub(crate) fn appoint(&mut self, at: Timestamp, number: u32) {
        match number {
            1 => self.grant(at, number, Role::Admin),
            2 => self.grant(at, number, Role::Auditor),
            _ => {}
        }
    }

    fn admin(&self) -> Option<UserId> {
        self.people.first().map(|person| person.id)
    }

    fn grant(&mut self, at: Timestamp, number: u32, role: Role) {
        let by = (self.id(at), self.admin());
        let Some(epoch) = self.raise(number) else { return };
        if let Some(person) = self.person(number) {
            person.roles = person.roles.with(role);
        }
        self.change(at, number, by, Fact::Granted { role, epoch });
    }

    fn dismiss(&mut self, at: Timestamp, number: u32, role: Role) {
        let by = (self.id(at), self.admin());
        let Some(epoch) = self.raise(number) else { return };
        if let Some(person) = self.person(number) {
            person.roles = person.roles.without(role);
        }
        self.change(at, number, by, Fact::Revoked { role, epoch });
    }

    /// Now and then an admin thinks of somebody.
    fn fate(&mut self, at: Timestamp, number: u32) {
        if number <= STAFF {
            return;
        }
        let Some(roles) = self.person(number).map(|person| person.roles) else {
            return;
        };
        if self.rng.random_ratio(1, 4000) {
            if roles.contains(Role::Auditor) {
                self.dismiss(at, number, Role::Auditor);
            } else {
                self.grant(at, number, Role::Auditor);
            }
        } else if self.chance(1) {
            self.deactivate(at, number);
        }
    }

    fn deactivate(&mut self, at: Timestamp, number: u32) {
        let by = (self.id(at), self.admin());
        let Some(epoch) = self.raise(number) else { return };
        if let Some(person) = self.person(number) {
            person.active = false;
        }
        self.change(at, number, by, Fact::Deactivated(epoch));
        if self.chance(500) {
            let later = self.between(Duration::from_hours(24), Duration::from_hours(20 * 24));
            self.plan(at.plus(later), Action::Reactivate(number));
        }
    }

    pub(crate) fn reactivate(&mut self, at: Timestamp, number: u32) {
        let by = (self.id(at), self.admin());
        if let Some(person) = self.person(number) {
            person.active = true;
        }
        self.change(at, number, by, Fact::Reactivated);
    }
}
