//! A load generator that costs little: raw HTTP/1.1 over keep-alive connections, optionally pipelined.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// What a run of load brought.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    /// Answers by status class: 2xx.
    pub(crate) ok: u64,
    /// Answers with any other status.
    pub(crate) other: u64,
    /// How long it ran.
    pub(crate) elapsed: Duration,
}

impl Outcome {
    pub(crate) fn per_second(&self) -> f64 {
        self.ok as f64 / self.elapsed.as_secs_f64()
    }
}

/// Sends `request` again and again over `connections` connections, `depth` at a time on each, for `span`.
pub(crate) fn hammer(address: SocketAddr, request: &str, connections: usize, depth: usize, span: Duration) -> Outcome {
    let stop = Arc::new(AtomicBool::new(false));
    let (ok, other) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let batch = request.repeat(depth);
    let begun = Instant::now();
    let workers: Vec<_> = (0..connections)
        .map(|_| {
            let (stop, ok, other, batch) = (Arc::clone(&stop), Arc::clone(&ok), Arc::clone(&other), batch.clone());
            thread::spawn(move || {
                let mut connection = Connection::open(address);
                while !stop.load(Ordering::Relaxed) {
                    connection.stream.write_all(batch.as_bytes()).expect("the server hung up");
                    for _ in 0..depth {
                        let counter = if connection.answer().starts_with('2') { &ok } else { &other };
                        counter.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    thread::sleep(span);
    stop.store(true, Ordering::Relaxed);
    let elapsed = begun.elapsed();
    let counted = (ok.load(Ordering::Relaxed), other.load(Ordering::Relaxed));
    for worker in workers {
        worker.join().expect("a load worker crashed");
    }
    Outcome { ok: counted.0, other: counted.1, elapsed }
}

/// One keep-alive connection.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
    start: usize,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("nobody listens");
        stream.set_nodelay(true).expect("no TCP_NODELAY");
        Self { stream, buffer: Vec::with_capacity(64 * 1024), start: 0 }
    }

    /// One request and its answer: the status, and everything that was received.
    pub(crate) fn ask(&mut self, request: &str) -> (String, String) {
        self.stream.write_all(request.as_bytes()).expect("the server hung up");
        let status = self.answer();
        (status, String::from_utf8_lossy(&self.buffer[..self.start]).into_owned())
    }

    /// Reads one answer and returns its status.
    fn answer(&mut self) -> String {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        }
        let head = loop {
            if let Some(at) = find(&self.buffer[self.start..], b"\r\n\r\n") {
                break self.start + at + 4;
            }
            self.fill();
        };
        let text = std::str::from_utf8(&self.buffer[self.start..head]).expect("a head that is not ASCII");
        let status = text.get(9..12).expect("no status").to_owned();
        let length = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, value)| value.trim().parse::<usize>().expect("a length that is no number"));
        while self.buffer.len() < head + length {
            self.fill();
        }
        self.start = head + length;
        status
    }

    fn fill(&mut self) {
        let mut chunk = [0; 16 * 1024];
        let count = self.stream.read(&mut chunk).expect("the server hung up");
        assert!(count > 0, "the server closed the connection");
        self.buffer.extend_from_slice(&chunk[..count]);
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
