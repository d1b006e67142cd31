//! What a client was told, so that nothing of it can be lost unnoticed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Answer, Caller, Service, caller::PASSWORD};

/// What a client knows of a session that it opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The login was acknowledged, and nobody has asked to end it.
    Lives,
    /// A logout was sent and not acknowledged.
    MayHaveEnded,
    /// The logout was acknowledged.
    Ended,
}

/// Acknowledged answers, kept on the client's side.
#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    addresses: BTreeSet<String>,
    sessions: BTreeMap<String, Fate>,
}

impl Journal {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many answers it holds.
    pub(crate) fn len(&self) -> usize {
        let entries = self.entries();
        entries.addresses.len() + entries.sessions.len()
    }

    /// Takes over what another one holds.
    pub(crate) fn append(&self, other: &Self) {
        let mut entries = self.entries();
        let other = other.entries();
        entries.addresses.extend(other.addresses.iter().cloned());
        entries.sessions.extend(other.sessions.clone());
    }

    /// Signs up, in and out for as long as the service answers. `client` tells its accounts from those of others.
    pub(crate) async fn write(&self, origin: &str, client: &str) {
        for person in 0.. {
            let email = format!("person-{client}-{person}@example.org");
            if self.write_one(origin, &email).await.is_err() {
                return;
            }
        }
    }

    /// One person: an account, two browsers, one of which logs out.
    async fn write_one(&self, origin: &str, email: &str) -> reqwest::Result<()> {
        let (phone, desk) = (Caller::new(origin), Caller::new(origin));
        if !acknowledged(&phone.try_sign_up(email).await?, 202) {
            return Ok(());
        }
        self.entries().addresses.insert(email.to_owned());
        for browser in [&phone, &desk] {
            if acknowledged(&browser.try_log_in(email, PASSWORD).await?, 200) {
                let cookie = browser.session_cookie().expect("a login sets the session cookie");
                self.entries().sessions.insert(cookie, Fate::Lives);
            }
        }
        let Some(cookie) = phone.session_cookie() else {
            return Ok(());
        };
        self.entries().sessions.insert(cookie.clone(), Fate::MayHaveEnded);
        if acknowledged(&phone.try_log_out().await?, 200) {
            self.entries().sessions.insert(cookie, Fate::Ended);
        }
        Ok(())
    }

    /// Asserts that every session is as the client was told.
    pub(crate) async fn check_sessions(&self, service: &Service) {
        let sessions = self.entries().sessions.clone();
        for (cookie, fate) in sessions {
            let browser = service.anonymous();
            browser.jar().plant("sessionid", &cookie);
            let lives = browser.is_signed_in().await;
            match fate {
                Fate::Lives => assert!(lives, "an acknowledged login is lost"),
                Fate::Ended => assert!(!lives, "a session lives after its logout was acknowledged"),
                Fate::MayHaveEnded => {}
            }
        }
    }

    /// Asserts that every account can be used.
    pub(crate) async fn check_accounts(&self, service: &Service) {
        let addresses = self.entries().addresses.clone();
        for address in addresses {
            service.anonymous().log_in(&address).await;
        }
    }
}

/// Whether the answer says that it was done. `503` says that it was not, and nothing else may be said.
fn acknowledged(answer: &Answer, status: u16) -> bool {
    let said = answer.status.as_u16();
    assert!(said == status || said == 503, "{answer:?}");
    said == status
}
