//! A connection whose bytes the test sends itself, as slowly as it likes. No wait is without an end.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{Answer, Caller, Service};

/// Longest wait for anything to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// One request over a connection of its own.
pub(crate) struct Wire(TcpStream);

impl Wire {
    /// Sends the head of a state-changing request of this caller, and returns once the service asks for the body: by then
    /// it has looked at the session.
    pub(crate) async fn begin(service: &Service, caller: &Caller, method: &str, path: &str, length: usize) -> Self {
        let (origin, cookies) = (service.origin(), caller.jar().header().expect("the caller has cookies"));
        let token = caller.jar().value("csrftoken").expect("the caller has a token");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\norigin: {origin}\r\ncookie: {cookies}\r\nx-csrftoken: {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\nexpect: 100-continue\r\n\
             connection: close\r\n\r\n",
            origin.trim_start_matches("http://")
        );
        let mut wire = Self(TcpStream::connect(service.address()).await.unwrap());
        wire.send(head.as_bytes()).await.unwrap();
        let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        let mut said = vec![0; go_on.len()];
        timeout(PATIENCE, wire.0.read_exact(&mut said)).await.unwrap().unwrap();
        assert_eq!(String::from_utf8_lossy(&said), go_on);
        wire
    }

    /// Sends bytes. Fails once the service has hung up.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        timeout(PATIENCE, self.0.write_all(bytes)).await.unwrap()
    }

    /// Whether something can be read, or the service has hung up, within so long.
    pub(crate) async fn hears_within(&self, patience: Duration) -> bool {
        timeout(patience, self.0.peek(&mut [0])).await.is_ok()
    }

    /// Reads the answer up to the end of the connection.
    pub(crate) async fn answer(mut self) -> Answer {
        let mut said = Vec::new();
        timeout(PATIENCE, self.0.read_to_end(&mut said)).await.unwrap().unwrap();
        Answer::parse(&String::from_utf8(said).unwrap())
    }
}
