//! What people ask for, with what they typed.

use doorbook_domain::id::SessionId;

/// A text that nothing prints: a password as it was received.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A wish to sign up.
#[derive(Debug, Clone)]
pub struct SignUp {
    /// As typed.
    pub email: String,
    /// As received.
    pub password: Secret,
    /// As typed.
    pub name: Option<String>,
}

/// A wish to log in.
#[derive(Debug, Clone)]
pub struct LogIn {
    /// As typed.
    pub email: String,
    /// As received.
    pub password: Secret,
    /// Whether the cookie is to outlive the browser.
    pub remember: bool,
    /// The live session of the same browser, which the new one replaces.
    pub replaces: Option<SessionId>,
}
