use std::{sync::Arc, time::Duration};

use doorbook_domain::time::Timestamp;
use doorbook_projections::{
    all,
    engine::{Engine, Report},
    fault::Fault,
    log::Position,
    projection::Projection,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{log::MemoryLog, place::Place};

pub(crate) const SOON: Duration = Duration::from_secs(30);

/// The names of all.
pub(crate) fn names() -> Vec<&'static str> {
    all().iter().map(|projection| projection.name()).collect()
}

pub(crate) async fn open(place: &Place, log: &Arc<MemoryLog>) -> Engine {
    open_with(place, log, all()).await
}

pub(crate) async fn open_with(place: &Place, log: &Arc<MemoryLog>, projections: Vec<Arc<dyn Projection>>) -> Engine {
    let clock = Arc::new(|| Timestamp::from_micros(5_000_000));
    Engine::open(place.target.clone(), Arc::clone(log) as _, projections, clock)
        .await
        .unwrap()
}

/// An engine at work.
pub(crate) struct Running {
    pub(crate) engine: Engine,
    cancel: CancellationToken,
    task: JoinHandle<Result<(), Fault>>,
}

pub(crate) fn run(engine: Engine) -> Running {
    let cancel = CancellationToken::new();
    let task = tokio::spawn({
        let (engine, cancel) = (engine.clone(), cancel.clone());
        async move { engine.run(cancel).await }
    });
    Running { engine, cancel, task }
}

impl Running {
    pub(crate) async fn reaches(&self, position: Position) {
        reaches(&self.engine, position).await;
    }

    pub(crate) async fn stop(self) -> Engine {
        self.cancel.cancel();
        self.task.await.unwrap().unwrap();
        self.engine
    }
}

pub(crate) async fn reaches(engine: &Engine, position: Position) {
    for name in engine.names() {
        let seen = engine.wait_for(name, position, SOON).await.unwrap();
        assert!(seen, "{name} did not reach {position}: {:?}", engine.status().await);
    }
}

/// Waits until `condition` holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let holds = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, holds)
        .await
        .unwrap_or_else(|_| panic!("in vain: {what}"));
}

pub(crate) async fn rebuild(engine: &Engine) {
    engine
        .rebuild(&engine.names(), &|_| {}, &CancellationToken::new())
        .await
        .unwrap();
}

pub(crate) async fn verify(engine: &Engine, name: &str) -> Report {
    engine.verify(name, &|_| {}, &CancellationToken::new()).await.unwrap()
}

/// Every row of every read model is what the log says.
pub(crate) async fn is_true_to_log(engine: &Engine) {
    are_true_to_log(engine, &engine.names()).await;
}

/// Every row of these read models is what the log says, and there are some.
pub(crate) async fn are_true_to_log(engine: &Engine, names: &[&str]) {
    for name in names {
        let report = verify(engine, name).await;
        assert_eq!(report.differences, [], "{name}");
        assert_ne!(report.rows, 0, "{name}");
    }
}
