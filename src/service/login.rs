//! Logging in and out.

use doorbook_domain::{
    attempts::FailureReason,
    email::EmailAddress,
    id::{SessionId, UserId},
    seal::ClaimId,
    session::{self, EndReason, Method, Session, SessionCommand},
    user::{self, User, UserCommand},
};
use doorbook_openapi::app::{LogIn, Opened, Origin, Refusal, Secret};
use doorbook_projections::keyring::Place;
use std::time::Duration;

use super::{Service, attempts::Failed, seals::Owner, token, unexpected};
use crate::hashing::Verdict;
use crate::ids;
use crate::throttle::{Counted, Device, Devices, Guesser};

/// Whom an address leads to, as the log had it when the password was about to be checked.
struct Candidate {
    id: Option<UserId>,
    user: User,
    /// The stored hash, where the account can be used.
    hash: Option<String>,
}

impl Service {
    /// Opens a session. Every refusal costs the same: an unknown and an unusable account load what a known one loads,
    /// and hash what a wrong password hashes (security: no deduction by message or time, ASVS 6.3.8).
    pub(super) async fn do_log_in(self, wish: LogIn, origin: Origin) -> Result<Opened, Refusal> {
        self.hasher.asked_by(origin.ip).must_have_room()?;
        let typed = EmailAddress::parse(&wish.email);
        let canonical = typed
            .as_ref()
            .map_or_else(|_| wish.email.as_str(), EmailAddress::canonical);
        let claim = self.keyring.claim("email", canonical);
        let (candidate, counted) = self.counted_candidate(&claim, &origin).await?;
        let verdict = match self.judge(&candidate, &wish.password, &origin).await {
            Ok(verdict) => verdict,
            Err(refusal) => {
                self.throttle.withdraw(counted).await;
                return Err(refusal);
            }
        };
        let (Some(user), Ok(upgrade)) = (candidate.id, verdict) else {
            let reason = verdict.err().unwrap_or(FailureReason::UnknownAddress);
            self.attempts.record(Failed {
                claim,
                user: candidate.id,
                email: wish.email,
                reason,
                provider: None,
                origin,
                at: self.clock.now(),
            });
            return Err(Refusal::InvalidCredentials);
        };
        self.throttle.passed(counted).await;
        let opened = self
            .open_session(user, &candidate.user, Method::Password, wish.remember, &origin)
            .await?;
        if let Some(old) = wish.replaces {
            self.end(old, EndReason::Replaced, Some(user), &origin).await?;
        }
        if upgrade {
            self.upgrade_later(user, candidate.user, wish.password, origin);
        }
        Ok(opened)
    }

    /// Counts the attempt, before anything is hashed for it. The log is asked first only for a browser in which somebody has
    /// logged in at this very address: for any other, made-up cookies among them, nothing is looked up before it is counted,
    /// so that the time of a refusal tells nothing.
    async fn counted_candidate(&self, claim: &ClaimId, origin: &Origin) -> Result<(Candidate, Counted), Refusal> {
        let device = origin.device.as_ref().and_then(Devices::read);
        let Some(device) = device.filter(|device| self.devices.hints_at(device, claim)) else {
            let counted = self.count(Guesser::Stranger(claim), claim, origin).await?;
            return Ok((self.candidate(claim).await?, counted));
        };
        let candidate = self.candidate(claim).await?;
        let guesser = self.guesser(&device, &candidate).unwrap_or(Guesser::Stranger(claim));
        let counted = self.count(guesser, claim, origin).await?;
        Ok((candidate, counted))
    }

    fn guesser<'a>(&self, device: &'a Device, candidate: &Candidate) -> Option<Guesser<'a>> {
        let user = candidate.id?;
        let known = self.devices.knows(device, user, candidate.user.epoch());
        known.then_some(Guesser::Known(device, user))
    }

    /// A refused attempt appends nothing; it is one of a sum.
    async fn count(&self, guesser: Guesser<'_>, claim: &ClaimId, origin: &Origin) -> Result<Counted, Refusal> {
        let counted = self.throttle.log_in(guesser, origin.ip).await;
        if let Err(Refusal::Throttled(_)) = &counted {
            self.attempts.refused(claim.clone(), self.clock.now());
        }
        counted
    }

    async fn candidate(&self, claim: &ClaimId) -> Result<Candidate, Refusal> {
        let (id, user) = self.owner_of(claim).await?;
        let hash = match id {
            Some(id) => self.stored_hash(id, &user).await?,
            None => None,
        };
        Ok(Candidate { id, user, hash })
    }

    /// The user's password hash; `None` without a password, or when its key is gone.
    pub(super) async fn stored_hash(&self, id: UserId, user: &User) -> Result<Option<String>, Refusal> {
        let (Some(sealed), Some(event_type)) = (user.password(), user.password_event()) else {
            return Ok(None);
        };
        let stream = format!("user-{id}");
        Ok(self
            .seals
            .open(
                sealed,
                &Place {
                    stream: &stream,
                    event_type,
                    field: "password",
                },
            )
            .await?)
    }

    /// Whether the password opens the account, and whether its hash should be replaced by a better one.
    async fn judge(
        &self,
        candidate: &Candidate,
        password: &Secret,
        origin: &Origin,
    ) -> Result<Result<bool, FailureReason>, Refusal> {
        let (hasher, password) = (self.hasher.asked_by(origin.ip), password.0.as_bytes());
        let Some(hash) = &candidate.hash else {
            hasher.verify_nothing(password).await?;
            let known = candidate.id.is_some();
            return Ok(Err(if known {
                FailureReason::NoPassword
            } else {
                FailureReason::UnknownAddress
            }));
        };
        Ok(match hasher.verify(password, hash).await? {
            Verdict::Match { .. } if !candidate.user.is_active() => Err(FailureReason::Inactive),
            Verdict::Match { .. } if self.must_be_verified(&candidate.user) => Err(FailureReason::Unverified),
            Verdict::Match { needs_upgrade } => Ok(needs_upgrade),
            Verdict::Mismatch => Err(FailureReason::WrongPassword),
        })
    }

    /// Whether the account waits for its address to be proven: by a reset link, since a sign-up link proves it before.
    fn must_be_verified(&self, user: &User) -> bool {
        self.rules.settings.verify_email && !user.email_verified()
    }

    pub(super) async fn open_session(
        &self,
        id: UserId,
        user: &User,
        method: Method,
        remember: bool,
        origin: &Origin,
    ) -> Result<Opened, Refusal> {
        let at = self.clock.now();
        let session = SessionId(ids::uuid_v7(at));
        let secret = ids::random();
        let browser = self.browser(id, user, origin).await;
        let lifetimes = self.lifetimes(user.roles());
        let stream = format!("session-{session}");
        let sealed = self
            .seals
            .origin(&Owner::User(id), &stream, "session.started", origin, at)
            .await?;
        let start = session::Start {
            user_id: id,
            epoch: user.epoch(),
            secret: token::hash(&secret),
            method,
            remember,
            new_device: browser.is_new,
            idle_ms: millis(lifetimes.idle),
            absolute_ms: millis(lifetimes.absolute),
            origin: sealed,
            ip_bucket: origin.ip.map(|ip| self.keyring.ip_bucket(ip)),
            at,
        };
        let metadata = self.metadata(origin, Some(id));
        let expected = self.directory.expect(session);
        let begun = self
            .store
            .begin::<Session>(&session.to_string(), SessionCommand::Start(start), &metadata)
            .await
            .map_err(unexpected)?;
        if let (Some(expected), Some(first)) = (expected, begun.events.first()) {
            self.directory.admit(expected, &first.event).await?;
        }
        self.end_surplus_later(id);
        match self.opened(session, secret).await {
            // The epoch was raised meanwhile: by a new password, a deactivation or a changed role.
            Err(Refusal::NotSignedIn) => Err(Refusal::Conflict),
            Ok(opened) => Ok(Opened {
                device: browser.cookie,
                ..opened
            }),
            refused @ Err(_) => refused,
        }
    }

    /// Ends a session; one that has ended already stays as it ended.
    pub(super) async fn end(
        &self,
        session: SessionId,
        reason: EndReason,
        by: Option<UserId>,
        origin: &Origin,
    ) -> Result<(), Refusal> {
        let end = SessionCommand::End(session::End {
            reason,
            by,
            at: self.clock.now(),
        });
        let metadata = self.metadata(origin, by);
        self.command_session(session, end, &metadata)
            .await
            .map_err(unexpected)?;
        Ok(())
    }

    /// Stores the right password under today's hash, after the answer. A password that changed meanwhile wins.
    fn upgrade_later(&self, id: UserId, user: User, password: Secret, origin: Origin) {
        let service = self.clone();
        self.commands.spawn(async move {
            if let Err(refusal) = service.upgrade(id, &user, &password, &origin).await {
                tracing::warn!(error = %refusal, "a password hash was not upgraded; the next login tries again");
            }
        });
    }

    async fn upgrade(&self, id: UserId, user: &User, password: &Secret, origin: &Origin) -> Result<(), Refusal> {
        let Some(replaces) = user.password().cloned() else {
            return Ok(());
        };
        let hash = self.hasher.hash(password.0.as_bytes()).await?;
        let password = self
            .seals
            .password(id, "user.password_upgraded", ids::uuid_v4(), &hash)
            .await?;
        let command = UserCommand::UpgradePassword(user::UpgradePassword {
            replaces,
            password,
            at: self.clock.now(),
        });
        self.command_user(id, command, &self.metadata(origin, Some(id)))
            .await
            .map_err(unexpected)?;
        Ok(())
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
