//! The configuration, as far as the HTTP layer works with it.

use std::{net::IpAddr, time::Duration};

/// Facts of the configuration that the HTTP layer works with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Scheme, host and port that people see, without a trailing slash: the own origin.
    pub public_url: String,
    /// Whether the public URL is https: decides cookie names and `Secure`.
    pub https: bool,
    /// Other origins that may call, each as `scheme://host[:port]`.
    pub allowed_origins: Vec<String>,
    /// The page to log in at, for browsers that a proxy asks about.
    pub login_page: Option<String>,
    /// Peers whose `X-Forwarded-For` counts, as (network, prefix length).
    pub trusted_proxies: Vec<(IpAddr, u8)>,
    /// Name of the readable cookie: `csrftoken`.
    pub csrf_cookie: String,
    /// Name of the header: `X-CSRFToken`.
    pub csrf_header: String,
    /// Key of the CSRF HMACs.
    pub csrf_key: [u8; 32],
    /// Largest accepted body, in bytes.
    pub body_limit: usize,
    /// Longest time in which a whole body arrives.
    pub body_timeout: Duration,
    /// Whether sign-up is open.
    pub signup_enabled: bool,
    /// Whether an address must be proven before the account can be used.
    pub verify_email: bool,
    /// Fewest characters of a password.
    pub password_min_length: usize,
    /// Most characters of a new password.
    pub password_max_length: usize,
    /// Absolute lifetime of a session of a user without a role.
    pub session_absolute: Duration,
    /// Idle lifetime of the same.
    pub session_idle: Duration,
}
