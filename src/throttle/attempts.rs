//! What each kind of attempt is counted by.

use std::{net::IpAddr, time::Duration};

use doorbook_domain::{id::UserId, seal::ClaimId};
use doorbook_openapi::app::Refusal;

use super::{
    Device, Scope, Throttle,
    counters::{Counted, Counter, Counters},
};
use crate::config;

/// Changes of one user's name and address: more than anybody needs, and few enough for a log that keeps them for ever.
const CHANGES: config::Rate = config::Rate {
    limit: 30,
    window: Duration::from_hours(1),
};

/// Questions of one user to the book: fast enough to page through it by hand and by script, and few enough for a log that
/// keeps each for ever.
const QUESTIONS: config::Rate = config::Rate {
    limit: 3_000,
    window: Duration::from_hours(1),
};

/// Who tries to log in.
#[derive(Debug, Clone, Copy)]
pub enum Guesser<'a> {
    /// A browser that the owner of this address has not used.
    Stranger(&'a ClaimId),
    /// A browser that this user has used.
    Known(&'a Device, UserId),
}

impl Throttle {
    /// Counts an attempt to log in. A known browser counts by itself alone, so that neither a locked account nor a flooded
    /// network shuts it out.
    ///
    /// # Errors
    ///
    /// [`Refusal::Throttled`], or [`Refusal::Fault`] when the counters cannot be read: nobody guesses uncounted.
    pub async fn log_in(&self, guesser: Guesser<'_>, ip: Option<IpAddr>) -> Result<Counted, Refusal> {
        self.take(|throttle| {
            let config = &throttle.config;
            match guesser {
                Guesser::Known(device, user) => {
                    let what = [device.id().as_slice(), user.0.as_bytes()].concat();
                    vec![throttle.row(Scope::LoginDevice, &what, config.login_device)]
                }
                Guesser::Stranger(claim) => {
                    let mut counters =
                        vec![throttle.row(Scope::LoginAccount, claim.0.as_bytes(), config.login_account)];
                    counters.extend(throttle.networks(Scope::LoginNetwork, ip, config.login_network));
                    counters.push(throttle.global(Scope::LoginGlobal, config.login_global));
                    counters
                }
            }
        })
        .await
    }

    /// Counts a password that is given as proof in a live session.
    ///
    /// # Errors
    ///
    /// As [`Self::log_in`].
    pub async fn proof(&self, user: UserId) -> Result<Counted, Refusal> {
        self.take(|throttle| vec![throttle.row(Scope::Proof, user.0.as_bytes(), throttle.config.proof)])
            .await
    }

    /// Counts a mail that somebody asks for: to the address whose claim this is, known or not.
    ///
    /// # Errors
    ///
    /// As [`Self::log_in`].
    pub async fn mail(&self, address: &ClaimId, ip: Option<IpAddr>) -> Result<(), Refusal> {
        self.take(|throttle| throttle.mails(address, ip)).await.map(drop)
    }

    /// Counts a sign-up, which is a mail too.
    ///
    /// # Errors
    ///
    /// As [`Self::log_in`].
    pub async fn sign_up(&self, address: &ClaimId, ip: Option<IpAddr>) -> Result<(), Refusal> {
        self.take(|throttle| {
            let mut counters = throttle.mails(address, ip);
            counters.extend(throttle.networks(Scope::SignupNetwork, ip, throttle.config.signup_network));
            counters
        })
        .await
        .map(drop)
    }

    /// Counts the redemption of a mailed link, whatever its token looks like.
    ///
    /// # Errors
    ///
    /// As [`Self::log_in`].
    pub async fn redemption(&self, token: &str, ip: Option<IpAddr>) -> Result<(), Refusal> {
        self.take(|throttle| {
            let config = &throttle.config;
            let mut counters = vec![throttle.rate(Scope::RedeemToken, token.as_bytes(), config.redeem_token, 1)];
            counters.extend(throttle.networks(Scope::RedeemNetwork, ip, config.redeem_network));
            counters.push(throttle.global(Scope::WorkGlobal, config.work_global));
            counters
        })
        .await
        .map(drop)
    }

    /// Counts a new password whose strength is to be judged.
    ///
    /// # Errors
    ///
    /// As [`Self::log_in`].
    pub async fn judging(&self, ip: Option<IpAddr>) -> Result<(), Refusal> {
        self.take(|throttle| {
            let mut counters = throttle.networks(Scope::JudgeNetwork, ip, throttle.config.judge_network);
            counters.push(throttle.global(Scope::WorkGlobal, throttle.config.work_global));
            counters
        })
        .await
        .map(drop)
    }

    /// Counts the beginning of a sign-in at an identity provider: each is kept until it is over, and too many would push
    /// out those of others.
    ///
    /// # Errors
    ///
    /// As [`Self::log_in`].
    pub async fn flow(&self, ip: Option<IpAddr>) -> Result<(), Refusal> {
        self.take(|throttle| throttle.networks(Scope::FlowNetwork, ip, throttle.config.flow_network))
            .await
            .map(drop)
    }

    /// Counts a change of a user's name, or a wish for another address: the log keeps each for ever.
    ///
    /// # Errors
    ///
    /// As [`Self::log_in`].
    pub async fn change(&self, user: UserId) -> Result<(), Refusal> {
        self.take(|throttle| vec![throttle.rate(Scope::Change, user.0.as_bytes(), CHANGES, 1)])
            .await
            .map(drop)
    }

    /// Counts a question to the book: the log keeps each for ever.
    ///
    /// # Errors
    ///
    /// As [`Self::log_in`].
    pub async fn question(&self, user: UserId) -> Result<(), Refusal> {
        self.take(|throttle| vec![throttle.rate(Scope::Question, user.0.as_bytes(), QUESTIONS, 1)])
            .await
            .map(drop)
    }

    async fn take(&self, counters: impl FnOnce(&Counters) -> Vec<Counter> + Send) -> Result<Counted, Refusal> {
        match &self.0 {
            Some(throttle) => throttle.take(&counters(throttle)).await,
            None => Ok(Counted::default()),
        }
    }
}
