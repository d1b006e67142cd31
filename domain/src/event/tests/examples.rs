//! Every event, with its optional fields present and absent.

use uuid::Uuid;

use super::*;
use crate::{
    attempts::{FailureReason, LinkPurpose},
    given::{ADA, BOB, T0, after_ms, claim_id, sealed, secret},
    id::{LinkId, RequestId, RunId},
    role::Role,
    seal::Sealed,
    session::{EndReason, Method},
    user::PasswordCause,
};

const ABSENT_AND_PRESENT: [bool; 2] = [false, true];

pub(super) fn examples() -> Vec<Event> {
    let mut events = sign_up();
    events.extend(user());
    events.extend(passwords_and_roles());
    events.extend(address());
    events.extend(social_accounts());
    events.extend([
        ClaimEvent::Taken { user_id: ADA, at: T0 }.into(),
        ClaimEvent::Released { user_id: ADA, at: T0 }.into(),
    ]);
    events.extend(session());
    events.extend(attempts());
    events.extend(reading());
    events.extend(projection());
    events
}

fn optional(present: bool, text: &str) -> Option<Sealed> {
    present.then(|| sealed(text))
}

fn sign_up() -> Vec<Event> {
    let requested = ABSENT_AND_PRESENT.map(|present| {
        let requested = SignUpEvent::Requested {
            user_id: ADA,
            email: sealed("email"),
            claim: claim_id('a'),
            name: optional(present, "name"),
            password: sealed("password"),
            verify: present,
            until: present.then(|| after_ms(1000)),
            origin: optional(present, "origin"),
            at: T0,
        };
        requested.into()
    });
    let links = ABSENT_AND_PRESENT.map(|address_only| SignUpEvent::LinkRequested { address_only, at: T0 }.into());
    let verified = ABSENT_AND_PRESENT.map(|address_only| SignUpEvent::Verified { address_only, at: T0 }.into());
    let ends = [
        SignUpEvent::Completed { user_id: ADA, at: T0 }.into(),
        SignUpEvent::Refused { user_id: ADA, at: T0 }.into(),
    ];
    let followed = links.into_iter().chain(verified);
    requested.into_iter().chain(followed).chain(ends).collect()
}

fn user() -> Vec<Event> {
    ABSENT_AND_PRESENT
        .into_iter()
        .flat_map(|present| {
            [
                UserEvent::Registered {
                    email: sealed("email"),
                    claim: claim_id('a'),
                    email_verified: present,
                    password: optional(present, "password"),
                    at: T0,
                },
                UserEvent::ProfileChanged {
                    name: optional(present, "name"),
                    at: T0,
                },
            ]
        })
        .chain([
            UserEvent::Deactivated { epoch: 1, at: T0 },
            UserEvent::Reactivated { at: T0 },
            UserEvent::Unlocked { at: T0 },
            UserEvent::SessionsEnded { epoch: 2, at: T0 },
            UserEvent::Erased { epoch: 3, at: T0 },
        ])
        .map(Event::from)
        .collect()
}

fn passwords_and_roles() -> Vec<Event> {
    let changed = [PasswordCause::Changed, PasswordCause::Reset, PasswordCause::Set].map(|cause| {
        let password = sealed("password");
        UserEvent::PasswordChanged {
            password,
            epoch: 1,
            cause,
            at: T0,
        }
    });
    let upgraded = UserEvent::PasswordUpgraded {
        password: sealed("password"),
        at: T0,
    };
    let roles = Role::ALL.into_iter().flat_map(|role| {
        [
            UserEvent::RoleGranted { role, epoch: 1, at: T0 },
            UserEvent::RoleRevoked { role, epoch: 2, at: T0 },
        ]
    });
    changed
        .into_iter()
        .chain([upgraded])
        .chain(roles)
        .map(Event::from)
        .collect()
}

const REQUEST: RequestId = RequestId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001));
const LINK: LinkId = LinkId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0002));

fn address() -> Vec<Event> {
    let resets = ABSENT_AND_PRESENT.map(|present| UserEvent::PasswordResetRequested {
        request: REQUEST,
        until: after_ms(1000),
        origin: optional(present, "origin"),
        at: T0,
    });
    let changes = [
        UserEvent::PasswordRemoved { epoch: 1, at: T0 },
        UserEvent::EmailVerified { at: T0 },
        UserEvent::EmailChangeRequested {
            request: REQUEST,
            email: sealed("email"),
            claim: claim_id('b'),
            until: after_ms(1000),
            at: T0,
        },
        UserEvent::EmailChangeConfirmed {
            request: REQUEST,
            at: T0,
        },
        UserEvent::EmailChanged {
            email: sealed("email"),
            claim: claim_id('b'),
            at: T0,
        },
        UserEvent::EmailChangeRefused {
            request: REQUEST,
            at: T0,
        },
    ];
    resets.into_iter().chain(changes).map(Event::from).collect()
}

fn social_accounts() -> Vec<Event> {
    let linked = ABSENT_AND_PRESENT.map(|present| UserEvent::SocialAccountLinked {
        link: LINK,
        provider: "github".into(),
        claim: claim_id('c'),
        subject: sealed("subject"),
        label: optional(present, "label"),
        by_password: present,
        at: T0,
    });
    let unlinked = UserEvent::SocialAccountUnlinked {
        link: LINK,
        provider: "github".into(),
        claim: claim_id('c'),
        at: T0,
    };
    linked.into_iter().chain([unlinked]).map(Event::from).collect()
}

fn session() -> Vec<Event> {
    let started = ABSENT_AND_PRESENT.map(|present| SessionEvent::Started {
        user_id: ADA,
        epoch: 0,
        secret: secret(0xab),
        method: Method::Password,
        remember: present,
        new_device: present,
        idle_until: after_ms(1000),
        absolute_until: after_ms(5000),
        idle_ms: 1000,
        origin: optional(present, "origin"),
        ip_bucket: present.then_some(7),
        at: T0,
    });
    let moved = [
        SessionEvent::Refreshed {
            idle_until: after_ms(2000),
            at: after_ms(1000),
        },
        SessionEvent::Reauthenticated {
            method: Method::Password,
            at: T0,
        },
        SessionEvent::Reauthenticated {
            method: Method::Social {
                provider: "github".into(),
            },
            at: T0,
        },
        SessionEvent::Rotated {
            secret: secret(0xcd),
            epoch: 1,
            at: T0,
        },
    ];
    let ended = [
        (EndReason::LoggedOut, Some(ADA)),
        (EndReason::Revoked, Some(BOB)),
        (EndReason::Replaced, None),
        (EndReason::TooMany, None),
    ];
    let ended = ended.map(|(reason, by)| SessionEvent::Ended { reason, by, at: T0 });
    started.into_iter().chain(moved).chain(ended).map(Event::from).collect()
}

fn attempts() -> Vec<Event> {
    let failed = [
        (FailureReason::WrongPassword, true, None),
        (FailureReason::UnknownAddress, false, None),
        (FailureReason::Inactive, true, None),
        (FailureReason::NoPassword, true, None),
        (FailureReason::Unverified, true, None),
        (FailureReason::NotAdmitted, false, Some("github")),
        (FailureReason::NotLinked, true, Some("github")),
    ];
    let failed = failed.map(|(reason, known, provider)| LoginAttemptsEvent::Failed {
        user_id: known.then_some(ADA),
        email: sealed("email"),
        reason,
        provider: provider.map(Into::into),
        origin: optional(known, "origin"),
        ip_bucket: known.then_some(7),
        at: T0,
    });
    let summarized = ABSENT_AND_PRESENT.map(|known| LoginAttemptsEvent::Summarized {
        user_id: known.then_some(ADA),
        provider: known.then(|| "github".into()),
        count: 3,
        from: T0,
        at: after_ms(1000),
    });
    let refused = [LinkPurpose::PasswordReset, LinkPurpose::Verification]
        .map(|purpose| LoginAttemptsEvent::LinkRefused { purpose, at: T0 });
    failed
        .into_iter()
        .chain(summarized)
        .chain(refused)
        .map(Event::from)
        .collect()
}

fn reading() -> Vec<Event> {
    let read = ABSENT_AND_PRESENT.map(|present| ReadingEvent::Read {
        user_id: Some(ADA),
        operation: "searchLogins".into(),
        filters: sealed("filters"),
        origin: optional(present, "origin"),
        at: T0,
    });
    let by_operator = ReadingEvent::Read {
        user_id: None,
        operation: "exportLogins".into(),
        filters: sealed("filters"),
        origin: None,
        at: T0,
    };
    let ended = ABSENT_AND_PRESENT.map(|complete| ReadingEvent::ExportEnded {
        rows: 3,
        complete,
        at: after_ms(1000),
    });
    read.into_iter()
        .chain([by_operator])
        .chain(ended)
        .map(Event::from)
        .collect()
}

fn projection() -> Vec<Event> {
    let run = RunId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0003));
    let stream = || "session-01930000-0000-7000-8000-000000000001".into();
    let requested = [(None, None), (Some(stream()), None), (None, Some(ADA))];
    let requested = requested.map(|(stream, user_id)| ProjectionEvent::RebuildRequested {
        run,
        stream,
        user_id,
        at: T0,
    });
    let rebuilt = [None, Some(2)].map(|generation| ProjectionEvent::Rebuilt {
        run,
        generation,
        at: T0,
    });
    let others = [
        ProjectionEvent::VerificationRequested { run, at: T0 },
        ProjectionEvent::Verified {
            run,
            differing: 3,
            at: T0,
        },
        ProjectionEvent::Cancelled { run, at: T0 },
        ProjectionEvent::Paused { at: T0 },
        ProjectionEvent::Resumed { at: T0 },
        ProjectionEvent::RolledBack { at: T0 },
        ProjectionEvent::Retried {
            stream: stream(),
            at: T0,
        },
    ];
    requested
        .into_iter()
        .chain(rebuilt)
        .chain(others)
        .map(Event::from)
        .collect()
}
