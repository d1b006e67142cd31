//! `doorbook serve`: opens the parts in an order in which each can rely on the ones before, runs until it is told to stop,
//! and stops in the opposite order.

mod health;
pub mod prompt;

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use doorbook_projections::{engine::Engine, fault::Fault};
use poem::{IntoEndpoint, Server};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::{
    health::{Outboxes, Vitals},
    prompt::{Crowd, Prompt},
};
use crate::{
    config::{Config, Database},
    lock::{DatabaseLock, DirectoryLock},
    mail,
    open::{self, Durable, StartError},
    outbox::{Counts, Outbox},
    proof::{courier::Courier, notary::Notary},
    service::{
        Service,
        process::{self, FOLLOWERS, Reaction},
    },
    webhooks,
};

/// A silent connection is closed after so long, unless it still owes something: [`prompt`] drops those.
const IDLE_CONNECTION: Duration = Duration::from_secs(75);

/// Where a running service can be reached.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// The API and the pages.
    pub api: SocketAddr,
    /// Health and metrics.
    pub admin: SocketAddr,
}

/// Runs the service until `stop` is done, then answers the requests in flight and puts everything down.
///
/// `ready` is told the addresses once requests are accepted.
///
/// # Errors
///
/// [`StartError`] when it cannot start, or lost the lock of its store.
pub async fn serve(
    config: &Config,
    ready: impl FnOnce(Addresses),
    stop: impl Future<Output = ()> + Send,
) -> Result<(), StartError> {
    prompt::allow_descriptors();
    let directory_lock = lock_directory(config)?;
    let database_lock = match &config.store {
        Database::Postgres(url) => Some(DatabaseLock::take(url).await?),
        Database::Sqlite(_) => None,
    };
    let durable = Durable::open(config).await?;
    let cancel = CancellationToken::new();
    let mut background = Background {
        tasks: Vec::new(),
        cancel: cancel.clone(),
    };
    let lost = CancellationToken::new();
    if let Some(lock) = database_lock {
        let (cancel, lost) = (cancel.clone(), lost.clone());
        background.spawn(async move {
            if let Err(error) = lock.keep(cancel).await {
                tracing::error!(%error, "the lock of the store is lost: stopping");
                lost.cancel();
            }
        });
    }
    let (service, outboxes) = assemble(config, durable, &mut background).await?;
    let (everybody, watchers) = (Crowd::everybody(config.http.trusted_proxies.clone()), Crowd::watchers());
    let api = listen("http.listen", config.http.listen, everybody).await?;
    let admin = listen("http.admin_listen", config.http.admin_listen, watchers).await?;
    let addresses = Addresses {
        api: api.address().unwrap_or(config.http.listen),
        admin: admin.address().unwrap_or(config.http.admin_listen),
    };
    let vitals = Arc::new(Vitals::new(service.clone(), outboxes));
    let health = doorbook_openapi::admin(vitals.clone());
    background.spawn(run(admin, health, cancel.clone().cancelled_owned(), Duration::ZERO));
    ready(addresses);
    let endpoint = doorbook_openapi::api(Arc::new(service.clone()));
    let stop = async {
        tokio::select! {
            () = stop => {}
            () = lost.cancelled() => {}
        }
        vitals.stopping();
        service.close_tabs();
    };
    run(api, endpoint, stop, config.shutdown.grace).await;
    background.stop().await;
    drop(vitals);
    service.close().await;
    drop(directory_lock);
    Ok(())
}

fn lock_directory(config: &Config) -> Result<DirectoryLock, StartError> {
    open::directories(config)?;
    Ok(DirectoryLock::take(&config.data.dir)?)
}

/// Tasks that run beside the requests.
struct Background {
    tasks: Vec<JoinHandle<()>>,
    cancel: CancellationToken,
}

impl Background {
    fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push(tokio::spawn(task));
    }

    async fn stop(self) {
        self.cancel.cancel();
        for task in self.tasks {
            if let Err(crash) = task.await {
                tracing::error!(error = %crash, "a background task crashed");
            }
        }
    }
}

async fn assemble(
    config: &Config,
    durable: Durable,
    background: &mut Background,
) -> Result<(Service, Outboxes), StartError> {
    let parts = open::parts(config, durable, config.service_clock()).await?;
    parts.post.tidy()?;
    let from = parts.store.log().head().await?;
    background.spawn(Arc::clone(&parts.directory).follow(from, background.cancel.clone()));
    background.spawn(run_engine(parts.engine.clone(), background.cancel.clone()));
    start_notary(&parts.notary, background)?;
    let service = Service::new(parts);
    background.spawn(service.throttle.clone().keep(background.cancel.clone()));
    background.spawn(service.clone().keep_retention(background.cancel.clone()));
    for reaction in FOLLOWERS {
        follow(&service, background, reaction);
    }
    let outboxes = Outboxes {
        mail: start_mail(&service, background),
        webhooks: start_webhooks(config, &service, background).await?,
    };
    Ok((service, outboxes))
}

fn start_notary(notary: &Arc<Notary>, background: &mut Background) -> Result<(), Fault> {
    background.spawn(Arc::clone(notary).follow(background.cancel.clone()));
    if let Some(courier) = Courier::new(notary)? {
        background.spawn(courier.follow(background.cancel.clone()));
    }
    Ok(())
}

fn start_mail(service: &Service, background: &mut Background) -> Arc<Counts> {
    let (log, keyring) = (service.store.log(), Arc::clone(&service.keyring));
    let (post, clock) = (Arc::clone(&service.post), service.clock.clone());
    start_outbox(
        &mail::outbox::outbox(log, keyring, service.clone(), post, clock),
        background,
    )
}

async fn start_webhooks(
    config: &Config,
    service: &Service,
    background: &mut Background,
) -> Result<Vec<(String, Arc<Counts>)>, Fault> {
    let (log, keyring, clock) = (service.store.log(), &service.keyring, &service.clock);
    let outboxes = webhooks::open(&config.webhooks, &log, keyring, clock).await?;
    let started = outboxes.into_iter().map(|(name, outbox)| {
        let counts = start_outbox(&outbox, background);
        (name, counts)
    });
    Ok(started.collect())
}

fn start_outbox(outbox: &Outbox, background: &mut Background) -> Arc<Counts> {
    background.spawn(outbox.clone().follow(background.cancel.clone()));
    background.spawn(outbox.clone().send(background.cancel.clone()));
    outbox.counts()
}

fn follow(service: &Service, background: &mut Background, reaction: &'static dyn Reaction) {
    background.spawn(process::follow(service.clone(), reaction, background.cancel.clone()));
}

async fn run_engine(engine: Engine, cancel: CancellationToken) {
    if let Err(fault) = engine.run(cancel).await {
        tracing::error!(error = fault.cause(), "the projections stopped");
    }
}

async fn listen(key: &'static str, address: SocketAddr, crowd: Crowd) -> Result<Prompt, StartError> {
    Prompt::bind(address, crowd)
        .await
        .map_err(|source| StartError::Listen { key, address, source })
}

/// Answers requests until `stop` is done, and those in flight for `grace` longer.
pub async fn run(
    acceptor: Prompt,
    endpoint: impl IntoEndpoint<Endpoint: 'static>,
    stop: impl Future<Output = ()>,
    grace: Duration,
) {
    let server = Server::new_with_acceptor(acceptor).idle_timeout(IDLE_CONNECTION);
    if let Err(error) = server.run_with_graceful_shutdown(endpoint, stop, Some(grace)).await {
        tracing::error!(%error, "the server stopped");
    }
}
