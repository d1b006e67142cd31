//! To a mail server (RFC 5321).

use std::time::Duration;

use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    transport::smtp::{
        Error, PoolConfig,
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use tokio::time::timeout;

use super::post::{MailError, Undelivered};
use crate::config::{Encryption, SmtpServer};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a message may take from the first byte to the server's word. RFC 5321, 4.5.3.2, grants minutes; a server that
/// needs them is asked again later.
const SEND: Duration = Duration::from_mins(1);
/// Connections kept open for the next message.
const CONNECTIONS: u32 = 4;
/// A connection that was idle for so long is closed.
const IDLE: Duration = Duration::from_secs(30);
/// The server refuses us rather than the message: user or password are wrong, or encryption is wanted (RFC 4954).
const REFUSES_US: [&str; 4] = ["530", "534", "535", "538"];

/// A mail server.
pub(super) struct Smtp(AsyncSmtpTransport<Tokio1Executor>);

impl Smtp {
    /// Prepares connections; none is made yet.
    pub(super) fn new(server: &SmtpServer) -> Result<Self, MailError> {
        let parameters = || TlsParameters::new(server.host.clone()).map_err(|error| MailError::Tls(error.to_string()));
        let tls = match server.encryption {
            Encryption::Implicit => Tls::Wrapper(parameters()?),
            Encryption::Required => Tls::Required(parameters()?),
            Encryption::Opportunistic => Tls::Opportunistic(parameters()?),
            Encryption::None => Tls::None,
        };
        let pool = PoolConfig::new().max_size(CONNECTIONS).idle_timeout(IDLE);
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
            .port(server.port)
            .tls(tls)
            .timeout(Some(CONNECT))
            .pool_config(pool);
        if let Some((user, password)) = &server.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(Self(builder.build()))
    }

    /// Hands a message over. When it returns, the server has taken the message on itself.
    pub(super) async fn send(&self, message: Message) -> Result<(), Undelivered> {
        match timeout(SEND, self.0.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                if error.status().is_none() {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the mail server cannot be used"
                    );
                }
                Err(outcome(&error))
            }
            Err(_) => Err(Undelivered::NotNow("the mail server was too slow".to_owned())),
        }
    }
}

/// What an error means. The server's words are left out: they repeat the address.
fn outcome(error: &Error) -> Undelivered {
    match error.status() {
        Some(code) if error.is_permanent() && !REFUSES_US.contains(&code.to_string().as_str()) => {
            Undelivered::Never(format!("the mail server refused it with {code}"))
        }
        Some(code) => Undelivered::NotNow(format!("the mail server answered {code}")),
        None if error.is_tls() => Undelivered::NotNow("no encrypted connection to the mail server".to_owned()),
        // The address needs what the server lacks: SMTPUTF8 (RFC 6531), for one.
        None if error.is_client() => Undelivered::NotNow(format!("the mail server lacks something: {error}")),
        None => Undelivered::NotNow("no connection to the mail server".to_owned()),
    }
}
