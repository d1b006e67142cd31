//! TCP without delay, and without connections that are of no use.

mod crowd;
mod stream;
mod watch;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use poem::{
    http::uri::Scheme,
    listener::{Acceptor, Listener, TcpAcceptor, TcpListener},
    web::{LocalAddr, RemoteAddr},
};
use tokio::time::Instant;

pub use self::crowd::{Crowd, allow_descriptors};
use self::stream::Prompted;

/// The pause after a failed accept: out of file descriptors, most likely, and asking again at once would not help.
const PAUSE: Duration = Duration::from_millis(50);
/// Between two log lines about connections that were refused.
const TOLD_EVERY: Duration = Duration::from_mins(1);

/// Accepts TCP connections with `TCP_NODELAY`. poem's own acceptor leaves Nagle's algorithm on, which holds back small
/// answers on a busy connection (measured: 5,900 instead of 151,000 pipelined requests a second).
///
/// Each is watched: one that sends no whole head of a request in time, or on which nothing moves, is dropped, since hyper and
/// poem would wait for it for ever. There are so many at a time, of which one network has a part.
pub struct Prompt {
    acceptor: TcpAcceptor,
    crowd: Arc<Crowd>,
    told: Option<Instant>,
}

impl Prompt {
    /// Listens on an address, for so many.
    ///
    /// # Errors
    ///
    /// When it cannot be listened on.
    pub async fn bind(address: SocketAddr, crowd: Crowd) -> io::Result<Self> {
        Ok(Self {
            acceptor: TcpListener::bind(address).into_acceptor().await?,
            crowd: Arc::new(crowd),
            told: None,
        })
    }

    /// The address that is listened on, with the port that a wish for port 0 was given.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.acceptor
            .local_addr()
            .into_iter()
            .find_map(|address| address.as_socket_addr().copied())
    }

    fn tell(&mut self) {
        if self.told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            self.told = Some(Instant::now());
            tracing::warn!("connections are refused: there are too many, or too many from one network");
        }
    }
}

impl Acceptor for Prompt {
    type Io = Prompted;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.acceptor.local_addr()
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        loop {
            let (stream, local, remote, scheme) = match self.acceptor.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tokio::time::sleep(PAUSE).await;
                    return Err(error);
                }
            };
            let ip = remote.as_socket_addr().map(SocketAddr::ip);
            // Closed at once, it costs a descriptor for an instant.
            let Some(seat) = self.crowd.admit(ip) else {
                self.tell();
                continue;
            };
            stream.set_nodelay(true)?;
            return Ok((Prompted::new(stream, seat), local, remote, scheme));
        }
    }
}
