//! Everything that Doorbook says by mail.

use std::fmt;

use doorbook_domain::time::Timestamp;
use uuid::Uuid;

use super::Locale;

/// When, from where and with what something was asked for or done.
#[derive(Clone, PartialEq, Eq)]
pub struct Circumstances {
    /// When.
    pub at: Timestamp,
    /// The client's address, where it is known. What is none is not shown.
    pub ip: Option<String>,
    /// The user agent as sent. Shown only as far as browser and system are known ones.
    pub user_agent: Option<String>,
}

/// What is said to one person.
///
/// Links are whole: they begin with `mail.link_base` and end with a token.
#[derive(Clone, PartialEq, Eq)]
pub enum Letter {
    /// To a new address: follow the link to complete the sign-up.
    VerifyAddress {
        /// Completes it.
        link: String,
        /// The sign-up.
        asked: Circumstances,
        /// The link is dead from then on.
        until: Timestamp,
    },
    /// To a new address at which several signed up: follow the link to begin an account without a password.
    VerifyAddressOnly {
        /// Begins it.
        link: String,
        /// The link is dead from then on.
        until: Timestamp,
    },
    /// To the address of an account: somebody signed up with it. Says how to get in.
    AddressKnown {
        /// The page to log in at.
        login: String,
        /// The page to ask for a new password at.
        reset: String,
        /// The sign-up.
        asked: Circumstances,
    },
    /// Follow the link to choose a new password.
    ResetPassword {
        /// Leads there.
        link: String,
        /// The wish for it.
        asked: Circumstances,
        /// The link is dead from then on.
        until: Timestamp,
    },
    /// To the address of an account that an admin has made: follow the link to choose a password.
    Invited {
        /// Leads there.
        link: String,
        /// The link is dead from then on.
        until: Timestamp,
    },
    /// To an address that an account is to move to: follow the link to confirm it.
    ConfirmAddress {
        /// Confirms it.
        link: String,
        /// The link is dead from then on.
        until: Timestamp,
    },
    /// Notice: a login from a device that was not seen before (ASVS 6.3.5).
    NewDevice {
        /// The login.
        seen: Circumstances,
    },
    /// Notice: the password was changed by somebody who was signed in (ASVS 6.3.7).
    PasswordChanged {
        /// When.
        at: Timestamp,
    },
    /// Notice: the password was changed through a reset link (ASVS 6.3.7).
    PasswordReset {
        /// The providers of the social accounts that can log in still, as the operator named them.
        accounts: Vec<String>,
        /// When.
        at: Timestamp,
    },
    /// Notice to the present address: somebody who is signed in wants the account to have another one. It does not say
    /// which.
    AddressChangeRequested {
        /// When.
        at: Timestamp,
    },
    /// Notice to the old address: the account has another one now (ASVS 6.3.7). It does not say which.
    AddressChanged {
        /// When.
        at: Timestamp,
    },
    /// Notice: the owner of the address came, and has the account that somebody had made without proving it.
    TakenOver {
        /// When.
        at: Timestamp,
    },
    /// Notice: a social account can log in from now on.
    SocialLinked {
        /// Its provider, as the operator named it.
        provider: String,
        /// When.
        at: Timestamp,
    },
    /// Notice: a social account cannot log in any more.
    SocialUnlinked {
        /// Its provider, as the operator named it.
        provider: String,
        /// When.
        at: Timestamp,
    },
    /// Notice: the account was shut.
    Deactivated {
        /// When.
        at: Timestamp,
    },
    /// From an operator: mail works.
    Test {
        /// When.
        at: Timestamp,
    },
}

impl Letter {
    /// The names of all letters: each has a template of that name.
    pub const NAMES: [&str; 16] = [
        "verify_address",
        "verify_address_only",
        "address_known",
        "reset_password",
        "invited",
        "confirm_address",
        "new_device",
        "password_changed",
        "password_reset",
        "address_change_requested",
        "address_changed",
        "taken_over",
        "social_linked",
        "social_unlinked",
        "deactivated",
        "test",
    ];

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::VerifyAddress { .. } => "verify_address",
            Self::VerifyAddressOnly { .. } => "verify_address_only",
            Self::AddressKnown { .. } => "address_known",
            Self::ResetPassword { .. } => "reset_password",
            Self::Invited { .. } => "invited",
            Self::ConfirmAddress { .. } => "confirm_address",
            Self::NewDevice { .. } => "new_device",
            Self::PasswordChanged { .. } => "password_changed",
            Self::PasswordReset { .. } => "password_reset",
            Self::AddressChangeRequested { .. } => "address_change_requested",
            Self::AddressChanged { .. } => "address_changed",
            Self::TakenOver { .. } => "taken_over",
            Self::SocialLinked { .. } => "social_linked",
            Self::SocialUnlinked { .. } => "social_unlinked",
            Self::Deactivated { .. } => "deactivated",
            Self::Test { .. } => "test",
        }
    }

    /// From when on there is no point in sending it: its link is dead.
    #[must_use]
    pub const fn until(&self) -> Option<Timestamp> {
        match self {
            Self::VerifyAddress { until, .. }
            | Self::VerifyAddressOnly { until, .. }
            | Self::ResetPassword { until, .. }
            | Self::Invited { until, .. }
            | Self::ConfirmAddress { until, .. } => Some(*until),
            Self::AddressKnown { .. }
            | Self::NewDevice { .. }
            | Self::PasswordChanged { .. }
            | Self::PasswordReset { .. }
            | Self::AddressChangeRequested { .. }
            | Self::AddressChanged { .. }
            | Self::TakenOver { .. }
            | Self::SocialLinked { .. }
            | Self::SocialUnlinked { .. }
            | Self::Deactivated { .. }
            | Self::Test { .. } => None,
        }
    }
}

/// Shows the name only: the rest is personal data, and links are secrets.
impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Letter({})", self.name())
    }
}

/// Shows nothing: personal data.
impl fmt::Debug for Circumstances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Circumstances(…)")
    }
}

/// A letter on its way to somebody.
#[derive(Clone, PartialEq, Eq)]
pub struct Addressed {
    /// The address, as its owner typed it.
    pub to: String,
    /// The language.
    pub locale: Locale,
    /// What is said.
    pub letter: Letter,
    /// Id of the causing event. With the letter's name it makes the `Message-ID`: sent twice, it is the same message.
    pub key: Uuid,
    /// When that event was stored.
    pub caused_at: Timestamp,
}

/// Shows no address.
impl fmt::Debug for Addressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Addressed({:?}, {})", self.letter, self.key)
    }
}
