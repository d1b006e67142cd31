//! Where a command writes.

use std::io::{self, IsTerminal as _, Write};

use comfy_table::{Table, presets::NOTHING};
use parking_lot::Mutex;
use serde::Serialize;

use super::progress::Progress;

/// Standard output for data, standard error for everything else.
pub struct Output {
    data: Mutex<Box<dyn Write + Send>>,
    notes: Mutex<Box<dyn Write + Send>>,
    json: bool,
    terminal: bool,
}

impl Output {
    /// Of this process. With `json`, data are JSON, one value a line.
    #[must_use]
    pub fn of_process(json: bool) -> Self {
        Self {
            data: Mutex::new(Box::new(io::stdout())),
            notes: Mutex::new(Box::new(io::stderr())),
            json,
            terminal: io::stderr().is_terminal(),
        }
    }

    /// To two other places, which are no terminals.
    #[must_use]
    pub fn to(data: Box<dyn Write + Send>, notes: Box<dyn Write + Send>, json: bool) -> Self {
        Self {
            data: Mutex::new(data),
            notes: Mutex::new(notes),
            json,
            terminal: false,
        }
    }

    /// Whether scripts read the data.
    #[must_use]
    pub const fn is_json(&self) -> bool {
        self.json
    }

    /// Writes data as they are.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn text(&self, text: &str) -> io::Result<()> {
        self.bytes(text.as_bytes())
    }

    /// Writes data that need not be text.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn bytes(&self, bytes: &[u8]) -> io::Result<()> {
        let mut data = self.data.lock();
        data.write_all(bytes)?;
        data.flush()
    }

    /// Writes a line of data.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn line(&self, line: &str) -> io::Result<()> {
        self.text(&format!("{line}\n"))
    }

    /// Writes many lines of data, not each at once.
    #[must_use]
    pub fn lines(&self) -> Lines<'_> {
        Lines {
            output: self,
            waiting: String::new(),
        }
    }

    /// Writes a value: as JSON on one line, or as `line` for people.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn value(&self, value: &impl Serialize, line: impl FnOnce() -> String) -> io::Result<()> {
        if self.json {
            self.line(&serde_json::to_string(value)?)
        } else {
            self.line(&line())
        }
    }

    /// Writes values: as JSON, one a line, or as a table for people.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn table<T: Serialize>(&self, heads: &[&str], values: &[T], row: impl Fn(&T) -> Vec<String>) -> io::Result<()> {
        if self.json {
            return values
                .iter()
                .try_for_each(|value| self.line(&serde_json::to_string(value)?));
        }
        let mut table = Table::new();
        table.load_style(NOTHING).set_header(heads.iter().copied());
        for value in values {
            table.add_row(row(value));
        }
        self.line(&table.trim_fmt())
    }

    /// Tells people something that is not data. A standard error that is gone is no reason to stop.
    pub fn note(&self, text: &str) {
        let mut notes = self.notes.lock();
        // There is nobody left to tell.
        let _ = writeln!(notes, "{text}").and_then(|()| notes.flush());
    }

    /// Shows how far a long work is: a bar on a terminal, a log line now and then elsewhere.
    #[must_use]
    pub fn progress(&self, what: &'static str, total: u64) -> Progress {
        Progress::new(what, total, self.terminal)
    }
}

/// Bytes of lines that are written at once.
const CHUNK: usize = 1 << 16;

/// Lines of data that are gathered before they are written. The last ones are written by [`Lines::flush`].
pub struct Lines<'a> {
    output: &'a Output,
    waiting: String,
}

impl Lines<'_> {
    /// Adds a line.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn line(&mut self, line: &str) -> io::Result<()> {
        self.waiting.push_str(line);
        self.waiting.push('\n');
        if self.waiting.len() < CHUNK {
            return Ok(());
        }
        self.flush()
    }

    /// Writes what waits.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.output.text(&std::mem::take(&mut self.waiting))
    }
}
