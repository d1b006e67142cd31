use cqrs_es::DomainEvent;
use doorbook_domain::{
    attempts::{FailureReason, LoginAttemptsEvent},
    claim::ClaimEvent,
    id::{SessionId, SignUpId, UserId},
    role::Role,
    seal::{ClaimId, Sealed, SecretHash},
    session::{EndReason, Method, SessionEvent},
    signup::SignUpEvent,
    time::Timestamp,
    user::{PasswordCause, UserEvent},
};
use doorbook_projections::log::Position;
use uuid::Uuid;

use super::log::MemoryLog;

pub(crate) fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(0x0100 << 64 | number))
}

pub(crate) fn session(number: u128) -> SessionId {
    SessionId(Uuid::from_u128(0x0200 << 64 | number))
}

pub(crate) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

pub(crate) fn claim(number: u128) -> ClaimId {
    ClaimId(format!("email-{number:064x}").into())
}

/// What the tests append, by the things it is about.
impl MemoryLog {
    fn fact<E: DomainEvent>(&self, aggregate: &str, id: &str, event: &E) -> Position {
        self.append(
            aggregate,
            id,
            &event.event_type(),
            &serde_json::to_string(event).unwrap(),
        )
    }

    pub(crate) fn user(&self, number: u128, event: &UserEvent) -> Position {
        self.fact("user", &user(number).to_string(), event)
    }

    pub(crate) fn session(&self, number: u128, event: &SessionEvent) -> Position {
        self.fact("session", &session(number).to_string(), event)
    }

    /// A user with its address, registered at `micros`.
    pub(crate) fn sign_up(&self, number: u128, micros: i64) -> Position {
        self.prepare(number, number, micros);
        let event = ClaimEvent::Taken {
            user_id: user(number),
            at: at(micros),
        };
        self.fact("claim", &claim(number).0, &event)
    }

    /// A user that does not have its address yet.
    pub(crate) fn prepare(&self, number: u128, of_claim: u128, micros: i64) -> Position {
        self.user(
            number,
            &UserEvent::Registered {
                email: Sealed::new(format!("user-{number}:email\t\\N\n")),
                claim: claim(of_claim),
                email_verified: false,
                password: None,
                at: at(micros),
            },
        )
    }

    pub(crate) fn release(&self, number: u128, micros: i64) -> Position {
        let event = ClaimEvent::Released {
            user_id: user(number),
            at: at(micros),
        };
        self.fact("claim", &claim(number).0, &event)
    }

    pub(crate) fn log_in(&self, of_user: u128, number: u128, epoch: u32, micros: i64) -> Position {
        self.session(
            number,
            &SessionEvent::Started {
                user_id: user(of_user),
                epoch,
                secret: SecretHash([7; 32]),
                method: Method::Password,
                remember: true,
                new_device: false,
                idle_until: at(micros + 100),
                absolute_until: at(micros + 200),
                idle_ms: 1,
                origin: Some(Sealed::new(format!("user-{of_user}:origin"))),
                ip_bucket: Some(7),
                at: at(micros),
            },
        )
    }

    pub(crate) fn log_out(&self, number: u128, micros: i64) -> Position {
        self.session(
            number,
            &SessionEvent::Ended {
                reason: EndReason::LoggedOut,
                by: None,
                at: at(micros),
            },
        )
    }

    pub(crate) fn fail(&self, of_user: u128, micros: i64) -> Position {
        let event = LoginAttemptsEvent::Failed {
            user_id: Some(user(of_user)),
            email: Sealed::new(format!("user-{of_user}:typed")),
            reason: FailureReason::WrongPassword,
            provider: None,
            origin: None,
            ip_bucket: Some(7),
            at: at(micros),
        };
        self.fact("attempts", &claim(of_user).0, &event)
    }

    pub(crate) fn change_password(&self, number: u128, epoch: u32, micros: i64) -> Position {
        self.user(
            number,
            &UserEvent::PasswordChanged {
                password: Sealed::new("password-1:hash"),
                epoch,
                cause: PasswordCause::Changed,
                at: at(micros),
            },
        )
    }

    /// An attempt to sign up that became the user of the same number.
    pub(crate) fn attempt(&self, number: u128, micros: i64) -> Position {
        let id = SignUpId(Uuid::from_u128(0x0300 << 64 | number)).to_string();
        let user_id = user(number);
        let requested = SignUpEvent::Requested {
            user_id,
            email: Sealed::new(format!("user-{number}:email")),
            claim: claim(number),
            name: None,
            password: Sealed::new(format!("password-{number}:hash")),
            verify: false,
            until: None,
            origin: None,
            at: at(micros),
        };
        self.fact("signup", &id, &requested);
        let completed = SignUpEvent::Completed {
            user_id,
            at: at(micros),
        };
        self.fact("signup", &id, &completed)
    }

    /// A bit of everything, `rounds` times, from `micros` on. The same arguments append the same.
    pub(crate) fn live_on(&self, first: u128, rounds: u128) -> Position {
        let mut position = Position::START;
        for number in first..first + rounds {
            let micros = i64::try_from(number * 1000).unwrap();
            self.attempt(number, micros);
            self.sign_up(number, micros);
            self.log_in(number, number * 2, 1, micros + 1);
            self.log_in(number, number * 2 + 1, 1, micros + 2);
            self.fail(number, micros + 3);
            let (idle_until, seen) = (at(micros + 150), at(micros + 4));
            self.session(number * 2, &SessionEvent::Refreshed { idle_until, at: seen });
            if number > first {
                self.log_out(number * 2 - 2, micros + 5);
                let role = if number % 2 == 0 { Role::Admin } else { Role::Auditor };
                self.user(
                    number - 1,
                    &UserEvent::RoleGranted {
                        role,
                        epoch: 2,
                        at: at(micros + 6),
                    },
                );
                self.session(
                    number * 2 - 1,
                    &SessionEvent::Rotated {
                        secret: SecretHash([8; 32]),
                        epoch: 2,
                        at: seen,
                    },
                );
            }
            let name = (number % 3 > 0).then(|| Sealed::new("user-1:name"));
            position = self.user(
                number,
                &UserEvent::ProfileChanged {
                    name,
                    at: at(micros + 7),
                },
            );
        }
        position
    }
}
