//! How long a connection may keep others waiting.

use std::{io, pin::Pin, task::Context, time::Duration};

use tokio::time::{Instant, Sleep, sleep};

/// The head of a request must be there so long after the connection was opened, or after its first byte.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How often it is asked whether something has moved. It is asked only while somebody waits for the connection, so that one
/// that moves costs no timer.
const TICK: Duration = Duration::from_secs(20);
/// So many ticks in a row in which nothing moved are too many: 80 to 100 seconds, a little more than poem's own limit,
/// which waits for what the client still has to send.
const STILL: u8 = 4;

/// How HTTP/2 begins without being negotiated (RFC 9113, 3.4). HTTP/1.1 has no such method.
const PREFACE: [u8; 4] = *b"PRI ";
/// How an answer begins that asks for the body of its request, and is none.
const GO_ON: &[u8] = b"HTTP/1.1 100";

/// Where the conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The head of a request is awaited, or on its way.
    Head(Head),
    /// A head was there: its body may come, and its answer will.
    Request,
    /// It is being answered, or was. What comes next begins another request.
    Answered,
}

/// What was seen of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Head {
    /// Whether there is more than empty lines, which may precede it.
    begun: bool,
    /// Line feeds in a row, carriage returns apart: two end it.
    ends: u8,
}

impl Head {
    /// Whether it ends in these bytes.
    fn ends_in(&mut self, bytes: &[u8]) -> bool {
        if bytes.ends_with(b"\r\n\r\n") && (self.begun || bytes.first().is_some_and(u8::is_ascii_uppercase)) {
            return true;
        }
        for byte in bytes {
            match byte {
                b'\r' => {}
                b'\n' => self.ends = self.ends.saturating_add(u8::from(self.begun)),
                _ => {
                    *self = Self { begun: true, ends: 0 };
                }
            }
            if self.ends == 2 {
                return true;
            }
        }
        false
    }
}

/// Watches one connection.
pub(super) struct Watch {
    phase: Phase,
    timer: Pin<Box<Sleep>>,
    /// Ticks in which nothing moved.
    still: u8,
    /// How much of [`PREFACE`] the first bytes were; `None` once they are something else.
    preface: Option<usize>,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Head(Head::default()),
            timer: Box::pin(sleep(HEAD_WITHIN)),
            still: 0,
            preface: Some(0),
        }
    }

    /// Whether it has waited for too long. Wakes whoever waits when that has to be asked again.
    pub(super) fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        while self.timer.as_mut().poll(context).is_ready() {
            self.still = self.still.saturating_add(1);
            if matches!(self.phase, Phase::Head(_)) || self.still > STILL {
                return true;
            }
            self.timer.as_mut().reset(Instant::now() + TICK);
        }
        false
    }

    /// Takes note of what the client sends.
    ///
    /// # Errors
    ///
    /// When it speaks HTTP/2 without having been asked to.
    pub(super) fn hears(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.still = 0;
        if self.preface.is_some() && self.is_preface(bytes) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let (mut head, is_next) = match self.phase {
            Phase::Request => return Ok(()),
            Phase::Head(head) => (head, false),
            Phase::Answered => (Head::default(), true),
        };
        if head.ends_in(bytes) {
            self.phase = Phase::Request;
            return Ok(());
        }
        self.phase = Phase::Head(head);
        // Rare: a head comes whole.
        if is_next {
            self.timer.as_mut().reset(Instant::now() + HEAD_WITHIN);
        }
        Ok(())
    }

    /// Takes note of what the service sends.
    pub(super) fn says(&mut self, bytes: &[u8]) {
        self.still = 0;
        if !bytes.starts_with(GO_ON) {
            self.phase = Phase::Answered;
        }
    }

    fn is_preface(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            let Some(matched) = self.preface else { return false };
            match PREFACE.get(matched) {
                Some(expected) if expected == byte => self.preface = Some(matched + 1),
                Some(_) => self.preface = None,
                None => break,
            }
        }
        self.preface.is_some_and(|matched| matched >= PREFACE.len())
    }
}

#[cfg(test)]
mod tests;
