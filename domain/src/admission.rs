//! Who comes in by an identity provider, and as whom.
//!
//! An identity is (provider, subject), never an address. An address counts only when the provider itself has verified it,
//! and even then it leads to an existing account only by the operator's wish or a proof of that account. An account whose
//! address nobody has proven owns nothing: the owner of the address takes it over. Both only where the account and the
//! provider spell the address alike, so that it is one mailbox.

use crate::id::UserId;

/// What a verified address of an existing account leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPolicy {
    /// The account has to be proven first.
    Ask,
    /// The identity is linked to it.
    Always,
    /// Nothing: links are made from within accounts.
    Never,
}

/// What the operator wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// What a verified address of an existing account leads to.
    pub link: LinkPolicy,
    /// Whether somebody unknown gets an account.
    pub sign_up: bool,
}

/// A user whom the identity, or its address, leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub user: UserId,
    /// Whether it may log in.
    pub active: bool,
    /// Whether its address was proven.
    pub proven: bool,
    /// Whether the identity stands among its links.
    pub linked: bool,
}

/// What is known of somebody who comes by a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Whether the operator lets such an identity in at all.
    pub admitted: bool,
    /// Whom the claim on (provider, subject) names.
    pub identity: Option<Holder>,
    /// Whether the provider has verified an address.
    pub address: bool,
    /// Whom the claim on that address names.
    pub account: Option<Holder>,
    /// Whether that account spells the address as the provider does: a mail server may tell spellings apart that are one
    /// address here, and then it is not the same mailbox that the provider has verified.
    pub same_mailbox: bool,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// A session of the user.
    LogIn(UserId),
    /// A link, then a session.
    Link(UserId),
    /// Everything that was prepared under the unproven address dies; then a link and a session.
    TakeOver(UserId),
    /// An account, and a session.
    SignUp,
}

/// Why nobody comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// The operator does not let such identities in.
    #[error("such identities are not admitted")]
    NotAdmitted,
    /// The account is deactivated.
    #[error("the account is inactive")]
    Inactive,
    /// The provider has verified no address.
    #[error("an address is needed")]
    AddressNeeded,
    /// The address is this user's, who has to be proven first.
    #[error("the account has to be proven first")]
    ProofNeeded(UserId),
    /// The address is a user's, and links are made from within accounts.
    #[error("the address belongs to an account")]
    AddressTaken,
    /// Nobody unknown gets an account.
    #[error("sign-up is closed")]
    Closed,
}

/// Decides who comes in.
///
/// # Errors
///
/// [`AdmissionError`]: why nobody does.
pub fn admit(policy: Policy, arrival: &Arrival) -> Result<Admission, AdmissionError> {
    if !arrival.admitted {
        return Err(AdmissionError::NotAdmitted);
    }
    if let Some(holder) = &arrival.identity {
        let user = active(holder)?;
        return Ok(Admission::LogIn(user));
    }
    if !arrival.address {
        return Err(AdmissionError::AddressNeeded);
    }
    let Some(holder) = &arrival.account else {
        return if policy.sign_up {
            Ok(Admission::SignUp)
        } else {
            Err(AdmissionError::Closed)
        };
    };
    let user = active(holder)?;
    match policy.link {
        _ if !holder.proven && arrival.same_mailbox => Ok(Admission::TakeOver(user)),
        // A crash came between the link and its claim.
        _ if holder.linked => Ok(Admission::Link(user)),
        LinkPolicy::Always if arrival.same_mailbox => Ok(Admission::Link(user)),
        LinkPolicy::Always | LinkPolicy::Ask => Err(AdmissionError::ProofNeeded(user)),
        LinkPolicy::Never => Err(AdmissionError::AddressTaken),
    }
}

fn active(holder: &Holder) -> Result<UserId, AdmissionError> {
    holder.active.then_some(holder.user).ok_or(AdmissionError::Inactive)
}

#[cfg(test)]
mod tests;
