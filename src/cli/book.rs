//! `doorbook audit export`: the file that auditors get over HTTP, for whoever may use the command line.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use doorbook_openapi::{app::Refusal, audit::LoginBatches, formats::Format};
use doorbook_projections::{fault::Fault, login_history, sessions, users};
use tokio_util::sync::CancellationToken;

use super::{args::ExportLogins, exit::Failure, output::Output};
use crate::{
    config::Config,
    lock::DirectoryLock,
    open::{self, Durable},
    service::Service,
};

/// How long the read models may take to see the whole log; they may have to be built first.
const PATIENCE: Duration = Duration::from_hours(1);

/// `doorbook audit export`
pub(crate) async fn export(command: &ExportLogins, config: &Config, output: &Output) -> Result<(), Failure> {
    let filter = command.filter();
    if filter.from.zip(filter.to).is_some_and(|(from, to)| from > to) {
        return Err(Failure::Usage(
            "--to: write an instant that is not before --from".to_owned(),
        ));
    }
    let durable = Durable::open(config).await?;
    let service = Service::new(open::parts(config, durable, config.service_clock()).await?);
    let cancel = CancellationToken::new();
    let reading = read_along(&service, config, &cancel);
    let done = hand_out(&service, command, output).await;
    cancel.cancel();
    if let Some(reading) = reading {
        reading.await.map_err(Fault::because("the read models stopped"))?;
    }
    service.leave().await;
    let rows = done?;
    output.note(&format!("{rows} rows were written."));
    Ok(())
}

/// Brings the read models up to date where no service does.
fn read_along(service: &Service, config: &Config, cancel: &CancellationToken) -> Option<tokio::task::JoinHandle<()>> {
    if DirectoryLock::is_held(&config.data.dir) {
        return None;
    }
    let (engine, cancel) = (service.engine.clone(), cancel.clone());
    Some(tokio::spawn(async move {
        if let Err(fault) = engine.run(cancel).await {
            tracing::error!(error = fault.cause(), "the read models stopped");
        }
    }))
}

/// How many rows were written.
async fn hand_out(service: &Service, command: &ExportLogins, output: &Output) -> Result<u64, Failure> {
    let head = service.store.log().head().await?;
    for name in [login_history::NAME, sessions::NAME, users::NAME] {
        // Whether it came that far is asked once more when the book is opened.
        service.engine.wait_for(name, head, PATIENCE).await?;
    }
    let mut target = Target::open(command.output.as_deref(), output)?;
    let batches = service.export_for_operator(&command.filter(), command.format).await;
    let batches = batches.map_err(failed)?;
    let progress = output.progress("exporting", 0);
    let written = write(batches, command.format, &mut target, &|rows| progress.of(rows, rows)).await;
    progress.finish();
    let rows = written?;
    target.finish()?;
    Ok(rows)
}

async fn write(
    mut batches: Box<dyn LoginBatches>,
    format: Format,
    target: &mut Target<'_>,
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<u64, Failure> {
    target.write(&format.head())?;
    let mut written = 0;
    while let Some(rows) = batches.next().await? {
        target.write(&format.rows(&rows)?)?;
        written += u64::try_from(rows.len()).unwrap_or(0);
        progress(written);
    }
    Ok(written)
}

fn failed(refusal: Refusal) -> Failure {
    if let Refusal::Fault(fault) = refusal {
        return Failure::Fault(fault);
    }
    if matches!(refusal, Refusal::Busy(_)) {
        let behind = "the read models are behind the log, and the file would not be whole: `doorbook projections list` says \
            whether one is paused, or the service that keeps them overloaded. Try again then";
        return Failure::Refused(behind.to_owned());
    }
    Failure::Fault(Fault::new("the book was not opened", refusal))
}

/// Where the file goes.
enum Target<'a> {
    Standard(&'a Output),
    /// A file that has its name once it is whole.
    File {
        part: File,
        from: PathBuf,
        to: PathBuf,
    },
}

impl<'a> Target<'a> {
    fn open(path: Option<&Path>, output: &'a Output) -> Result<Self, Failure> {
        let Some(to) = path else {
            return Ok(Self::Standard(output));
        };
        let mut from = to.to_owned().into_os_string();
        from.push(".part");
        let from = PathBuf::from(from);
        let unwritable = |error: io::Error| Failure::Usage(format!("--output: {}: {error}", from.display()));
        // What an export that broke off has left. One of somebody else, or a link to elsewhere, is not written into.
        match fs::remove_file(&from) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unwritable(error)),
            Ok(()) | Err(_) => {}
        }
        let mut options = OpenOptions::new();
        let part = options.write(true).create_new(true).mode(0o600).open(&from);
        Ok(Self::File {
            part: part.map_err(unwritable)?,
            from,
            to: to.to_owned(),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Standard(output) => output.bytes(bytes),
            Self::File { part, .. } => part.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Standard(_) => Ok(()),
            Self::File { part, from, to } => {
                part.sync_all()?;
                fs::rename(from, to)
            }
        }
    }
}
