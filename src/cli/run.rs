//! Carries out what was typed.

use std::{fs, future::Future, path::Path, pin::pin};

use clap::CommandFactory as _;
use tokio::signal::{self, unix};
use tokio_util::sync::CancellationToken;

use super::{
    accounts::Operator,
    args::{
        AuditCommand, Cli, Command, DevCommand, EventsCommand, KeysCommand, MailCommand, ProjectionsCommand,
        UserCommand, WebhooksCommand,
    },
    audit, backup, configuration, doctor,
    exit::Failure,
    logging, openapi,
    output::Output,
    projections::Bench,
    stores, webhooks,
};
use crate::{
    config::{Config, Database, Sources},
    open::{self, Durable},
    server::{self, Addresses},
};

/// Carries out a command. Ctrl-C ends it; one that leaves something behind tidies up first.
///
/// # Errors
///
/// Why it did not do what it was asked for.
pub async fn run(cli: &Cli, output: &Output) -> Result<(), Failure> {
    let sources = cli.options.sources();
    match &cli.command {
        Command::Config(command) => configuration::run(command, &sources, output),
        Command::Completions { shell } => completions(*shell, output),
        Command::Man { dir } => manual(dir.as_deref(), output),
        Command::Openapi(command) => openapi::run(command, output),
        Command::Audit(command) => until_interrupted(audit(command, &open(&sources)?, output)).await,
        Command::Doctor => until_interrupted(doctor::run(&open(&sources)?, output)).await,
        Command::Events(command) => until_interrupted(events(command, &open(&sources)?, output)).await,
        Command::Mail(command) => until_interrupted(mail(command, &open(&sources)?, output)).await,
        Command::Webhooks(command) => until_interrupted(webhooks(command, &open(&sources)?, output)).await,
        Command::Migrate => until_interrupted(stores::migrate(&open(&sources)?, output)).await,
        Command::Backup { dir } => until_interrupted(backup(dir, &open(&sources)?, output)).await,
        Command::Restore(command) => until_interrupted(backup::restore(command, &open(&sources)?, output)).await,
        Command::Keys(KeysCommand::Rotate) => until_interrupted(rotate(&open(&sources)?, output)).await,
        Command::Projections(command) => projections(command, &open(&sources)?, output).await,
        Command::Serve => serve(&sources, output).await,
        Command::User(command) => until_interrupted(users(command, &open(&sources)?, output)).await,
        Command::Dev(command) => until_interrupted(dev(command, &open(&sources)?, output)).await,
    }
}

/// Reads the configuration and starts logging.
fn open(sources: &Sources) -> Result<Config, Failure> {
    let config = Config::load(sources)?;
    logging::start(&config.log, false)?;
    Ok(config)
}

/// Carries out what leaves nothing behind when it is dropped.
async fn until_interrupted(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::select! {
        done = work => done,
        _ = signal::ctrl_c() => Err(Failure::Interrupted),
    }
}

/// Runs the service until SIGTERM or Ctrl-C.
async fn serve(sources: &Sources, output: &Output) -> Result<(), Failure> {
    let config = Config::load(sources)?;
    logging::start(&config.log, true)?;
    let mut terminate = unix::signal(unix::SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = signal::ctrl_c() => {}
        }
    };
    let public_url = config.http.public_url.to_string();
    let ready = |addresses: Addresses| {
        tracing::info!(api = %addresses.api, admin = %addresses.admin, "ready");
        output.note(&format!(
            "Doorbook is ready: {public_url} (API at {public_url}/api/docs)"
        ));
    };
    Ok(server::serve(&config, ready, stop).await?)
}

async fn users(command: &UserCommand, config: &Config, output: &Output) -> Result<(), Failure> {
    // The first user may be there before the first start.
    if !matches!(command, UserCommand::Create { .. } | UserCommand::Import(_)) {
        open::log_is_there(config).await?;
    }
    let operator = Operator::open(config).await?;
    let done = super::users::run(command, &operator, output).await;
    operator.close().await;
    done
}

async fn mail(command: &MailCommand, config: &Config, output: &Output) -> Result<(), Failure> {
    if let MailCommand::Test { address } = command {
        return super::mail::test(address, config, output).await;
    }
    open::log_is_there(config).await?;
    let durable = Durable::open(config).await?;
    let done = super::mail::run(command, &durable, config, output).await;
    durable.store.close().await;
    done
}

async fn audit(command: &AuditCommand, config: &Config, output: &Output) -> Result<(), Failure> {
    if !matches!(command, AuditCommand::Verify(_)) {
        open::log_is_there(config).await?;
    }
    audit::run(command, config, output).await
}

async fn webhooks(command: &WebhooksCommand, config: &Config, output: &Output) -> Result<(), Failure> {
    if !matches!(command, WebhooksCommand::Test { .. }) {
        open::log_is_there(config).await?;
    }
    webhooks::run(command, config, output).await
}

async fn backup(dir: &Path, config: &Config, output: &Output) -> Result<(), Failure> {
    if matches!(config.store, Database::Sqlite(_)) {
        open::log_is_there(config).await?;
    }
    backup::backup(dir, config, output).await
}

async fn rotate(config: &Config, output: &Output) -> Result<(), Failure> {
    open::log_is_there(config).await?;
    backup::rotate(config, output).await
}

async fn dev(command: &DevCommand, config: &Config, output: &Output) -> Result<(), Failure> {
    let DevCommand::Seed { users, events, seed } = command;
    let _locks = backup::Locks::take(config).await?;
    let durable = Durable::open(config).await?;
    let size = super::seed::Size {
        users: *users,
        events: *events,
        seed: *seed,
    };
    let done = super::seed::run(size, config, &durable, output).await;
    durable.store.close().await;
    done
}

async fn events(command: &EventsCommand, config: &Config, output: &Output) -> Result<(), Failure> {
    if let EventsCommand::Verify(verify) = command {
        return audit::verify(verify, config, output).await;
    }
    open::log_is_there(config).await?;
    if let EventsCommand::Export(export) = command {
        return audit::export(export, config, output).await;
    }
    if matches!(command, EventsCommand::Parked) {
        let durable = Durable::open(config).await?;
        let done = super::parked::list(&durable, output).await;
        durable.store.close().await;
        return done;
    }
    let store = open::store(config).await?;
    let log = store.log();
    let done = match command {
        EventsCommand::Tail { follow, after, lines } => {
            super::events::tail(log.as_ref(), *after, *lines, *follow, output).await
        }
        EventsCommand::Show { position } => super::events::show(log.as_ref(), *position, output).await,
        // Done above.
        EventsCommand::Verify(_) | EventsCommand::Parked | EventsCommand::Export(_) => Ok(()),
    };
    store.close().await;
    done
}

async fn projections(command: &ProjectionsCommand, config: &Config, output: &Output) -> Result<(), Failure> {
    open::log_is_there(config).await?;
    let store = open::store(config).await?;
    let engine = open::engine(config, &store).await?;
    let cancel = CancellationToken::new();
    let done = {
        let bench = Bench {
            engine: &engine,
            store: &store,
            clock: config.service_clock(),
            output,
            cancel: &cancel,
        };
        let mut work = pin!(super::projections::run(command, &bench));
        tokio::select! {
            done = &mut work => done,
            _ = signal::ctrl_c() => {
                cancel.cancel();
                // What comes of it now is that it was interrupted.
                let _ = work.await;
                Err(Failure::Interrupted)
            }
        }
    };
    store.close().await;
    done
}

fn completions(shell: clap_complete::Shell, output: &Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "doorbook", &mut script);
    Ok(output.text(&String::from_utf8_lossy(&script))?)
}

fn manual(dir: Option<&Path>, output: &Output) -> Result<(), Failure> {
    if let Some(dir) = dir {
        fs::create_dir_all(dir)?;
        return Ok(clap_mangen::generate_to(Cli::command(), dir)?);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    Ok(output.text(&String::from_utf8_lossy(&page))?)
}
