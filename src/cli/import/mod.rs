//! `doorbook user import`: users of another system, a batch at a time, in constant memory.

mod line;
mod lines;
#[cfg(test)]
mod tests;

use serde::Serialize;

use self::{line::newcomer, lines::Lines};
use super::{
    args::Import,
    exit::Failure,
    output::Output,
    users::{Newcomer, Outcome, Users},
};
use crate::service::accounts::AccountError;

/// Lines that are taken in at once.
const BATCH: usize = 500;

/// How many lines came to what.
#[derive(Debug, Default, Serialize)]
struct Tally {
    created: u64,
    existing: u64,
    refused: u64,
    dry_run: bool,
}

/// A line that was refused. What stood there is not repeated: it may be a hash.
#[derive(Debug, Serialize)]
struct Refused<'a> {
    line: u64,
    reason: &'a str,
}

/// Reads, takes in, and reports.
///
/// # Errors
///
/// [`Failure::Partly`] when lines were refused; or the file cannot be read, or something broke: it can be repeated.
pub(super) async fn run(options: &Import, users: &dyn Users, output: &Output) -> Result<(), Failure> {
    let unreadable = |error| Failure::Refused(format!("{} cannot be read: {error}", options.file.display()));
    let mut lines = Lines::open(&options.file).await.map_err(unreadable)?;
    let progress = output.progress("importing, in bytes", lines.length());
    let mut tally = Tally {
        dry_run: options.dry_run,
        ..Tally::default()
    };
    loop {
        let batch = lines.batch(BATCH).await.map_err(unreadable)?;
        if batch.is_empty() {
            break;
        }
        let (mut numbers, mut newcomers, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for (number, text) in batch {
            match text.and_then(|text| newcomer(&text)) {
                Ok(newcomer) => {
                    numbers.push(number);
                    newcomers.push(newcomer);
                }
                Err(reason) => refused.push((number, reason)),
            }
        }
        refused.extend(taken_in(numbers, newcomers, users, &mut tally).await?);
        refused.sort_unstable();
        progress.aside(|| report(&refused, output))?;
        tally.refused += u64::try_from(refused.len()).unwrap_or(u64::MAX);
        progress.of(lines.read(), lines.length().max(lines.read()));
    }
    progress.finish();
    if !options.dry_run {
        users.settle().await?;
    }
    finish(&tally, output)
}

/// Takes a batch in; returns the lines that were refused.
async fn taken_in(
    numbers: Vec<u64>,
    newcomers: Vec<Newcomer>,
    users: &dyn Users,
    tally: &mut Tally,
) -> Result<Vec<(u64, String)>, Failure> {
    let outcomes = users.import(newcomers, tally.dry_run).await?;
    let mut refused = Vec::new();
    for (number, outcome) in numbers.into_iter().zip(outcomes) {
        match outcome {
            Outcome::Created => tally.created += 1,
            Outcome::Exists => tally.existing += 1,
            Outcome::Refused(error) => refused.push((number, reason(error))),
        }
    }
    Ok(refused)
}

/// The refusal in the words of the file instead of those of the command line.
fn reason(error: AccountError) -> String {
    match error {
        AccountError::Address(error) => format!("`email`: {error}"),
        AccountError::Name(error) => format!("`name`: {error}"),
        AccountError::Hash(error) => format!("`password_hash`: {error}"),
        other @ (AccountError::Future
        | AccountError::Password(_)
        | AccountError::Taken
        | AccountError::Unknown
        | AccountError::LastAdmin
        | AccountError::Inactive
        | AccountError::NotSignedIn
        | AccountError::Refused(_)
        | AccountError::Conflict
        | AccountError::Fault(_)) => other.to_string(),
    }
}

fn report(refused: &[(u64, String)], output: &Output) -> std::io::Result<()> {
    refused.iter().try_for_each(|(line, reason)| {
        output.value(&Refused { line: *line, reason }, || format!("line {line}: {reason}"))
    })
}

fn finish(tally: &Tally, output: &Output) -> Result<(), Failure> {
    let Tally {
        created,
        existing,
        refused,
        dry_run,
    } = tally;
    let verb = if *dry_run { "would be created" } else { "created" };
    output.value(tally, || {
        format!("{created} {verb}, {existing} exist already, {refused} refused.")
    })?;
    if *refused > 0 {
        return Err(Failure::Partly(format!("{refused} lines were refused")));
    }
    Ok(())
}
