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

/// Longest wait for bytes of an answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a run of load brought.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcome {
    /// Answers with a status of 2xx.
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

/// Sends each request again and again over a connection of its own, `depth` at a time, for `span`.
pub(crate) fn hammer(address: SocketAddr, requests: &[String], depth: usize, span: Duration) -> Outcome {
    let stop = Arc::new(AtomicBool::new(false));
    let (ok, other) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let begun = Instant::now();
    let workers: Vec<_> = requests
        .iter()
        .map(|request| {
            let (stop, ok, other) = (Arc::clone(&stop), Arc::clone(&ok), Arc::clone(&other));
            let batch = request.repeat(depth);
            thread::spawn(move || {
                let mut connection = Connection::open(address);
                while !stop.load(Ordering::Relaxed) {
                    connection.send(&batch);
                    let good = (0..depth).filter(|_| connection.is_ok()).count();
                    ok.fetch_add(good as u64, Ordering::Relaxed);
                    other.fetch_add((depth - good) as u64, Ordering::Relaxed);
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
    Outcome {
        ok: counted.0,
        other: counted.1,
        elapsed,
    }
}

/// One keep-alive connection.
pub(crate) struct Connection {
    stream: TcpStream,
    chunk: Box<[u8]>,
    buffer: Vec<u8>,
    start: usize,
    /// Length of the last answer: the next is most likely as long, and need not be read line by line then.
    usual: usize,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("nobody listens");
        stream.set_nodelay(true).expect("no TCP_NODELAY");
        stream.set_read_timeout(Some(PATIENCE)).expect("no timeout");
        Self {
            stream,
            chunk: vec![0; 64 * 1024].into(),
            buffer: Vec::with_capacity(128 * 1024),
            start: 0,
            usual: 0,
        }
    }

    /// One request and its answer, as it was received.
    pub(crate) fn ask(&mut self, request: &str) -> String {
        self.send(request);
        let begin = if self.start == self.buffer.len() { 0 } else { self.start };
        self.answer();
        String::from_utf8_lossy(&self.buffer[begin..self.start]).into_owned()
    }

    fn send(&mut self, request: &str) {
        self.stream.write_all(request.as_bytes()).expect("the server hung up");
    }

    /// Reads one answer and says whether it is a good one.
    fn is_ok(&mut self) -> bool {
        let end = self.start + self.usual;
        if self.usual > 0 && self.buffer.len() >= end {
            let next = &self.buffer[end..];
            let ends_here = next.is_empty() || next.starts_with(b"HTTP/1.1 ");
            if ends_here && self.buffer[self.start..].starts_with(b"HTTP/1.1 2") {
                self.start = end;
                return true;
            }
        }
        self.answer();
        self.buffer[self.start - self.usual..].starts_with(b"HTTP/1.1 2")
    }

    /// Reads one answer, which then ends at `start`.
    fn answer(&mut self) {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        }
        let head = loop {
            let rest = &self.buffer[self.start..];
            if let Some(at) = rest.windows(4).position(|window| window == b"\r\n\r\n") {
                break self.start + at + 4;
            }
            self.fill();
        };
        let text = std::str::from_utf8(&self.buffer[self.start..head]).expect("a head that is not ASCII");
        let length = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, value)| {
                value.trim().parse().expect("a length that is no number")
            });
        while self.buffer.len() < head + length {
            self.fill();
        }
        self.usual = head + length - self.start;
        self.start = head + length;
    }

    fn fill(&mut self) {
        let count = self.stream.read(&mut self.chunk).expect("the server does not answer");
        assert!(count > 0, "the server closed the connection");
        self.buffer.extend_from_slice(&self.chunk[..count]);
    }
}
