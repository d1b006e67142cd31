//! Passwords come by standard input or are typed at the terminal. They are no option: those stand in process lists.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
};

use doorbook_openapi::app::Secret;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::{signal, task};

use super::exit::Failure;

/// Longest input that is taken for a password, in bytes.
const LONGEST: u64 = 4096;

/// Reads a password from standard input: its first line.
///
/// # Errors
///
/// The input cannot be read or is empty.
pub async fn from_stdin() -> Result<Secret, Failure> {
    let read = || {
        let mut line = String::new();
        BufReader::new(io::stdin().take(LONGEST)).read_line(&mut line)?;
        Ok(line)
    };
    first_line(typed(read).await?)
}

/// Asks for a password at the terminal, twice, without showing it.
///
/// # Errors
///
/// There is no terminal, the two differ, or Ctrl-C.
pub async fn prompt() -> Result<Secret, Failure> {
    let first = ask("Password: ").await?;
    if ask("Again: ").await? != first {
        return Err(Failure::Usage("the two passwords differ: try again".to_owned()));
    }
    Ok(first)
}

async fn ask(question: &'static str) -> Result<Secret, Failure> {
    let no_terminal =
        |_| Failure::Usage("there is no terminal to ask at: give the password with --password-stdin".to_owned());
    let mut terminal = File::options()
        .read(true)
        .write(true)
        .open("/dev/tty")
        .map_err(no_terminal)?;
    let silence = Silence::begin(terminal.try_clone()?)?;
    terminal.write_all(question.as_bytes())?;
    let mut answers = BufReader::new(terminal.try_clone()?.take(LONGEST));
    let answer = typed(move || {
        let mut line = String::new();
        answers.read_line(&mut line)?;
        Ok(line)
    })
    .await;
    drop(silence);
    terminal.write_all(b"\n")?;
    first_line(answer?)
}

/// Reads beside the runtime, and gives up at Ctrl-C.
async fn typed(read: impl FnOnce() -> io::Result<String> + Send + 'static) -> Result<String, Failure> {
    tokio::select! {
        line = task::spawn_blocking(read) => Ok(line.map_err(io::Error::other)??),
        _ = signal::ctrl_c() => Err(Failure::Interrupted),
    }
}

fn first_line(mut line: String) -> Result<Secret, Failure> {
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    if line.is_empty() {
        return Err(Failure::Usage("the password is empty".to_owned()));
    }
    Ok(Secret(line))
}

/// A terminal that does not show what is typed, until this is dropped.
struct Silence {
    terminal: File,
    before: Termios,
}

impl Silence {
    fn begin(terminal: File) -> io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}
