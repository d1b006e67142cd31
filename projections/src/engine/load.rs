use std::sync::Arc;

use doorbook_domain::time::Timestamp;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use uuid::Uuid;

use super::{
    fold::{Fold, wants},
    generation::{Generation, ParkedRow},
    order::Order,
};
use crate::{
    fault::Fault,
    log::{EventLog, Position, Recorded},
    patch::Patches,
    projection::Projection,
    table::Dialect,
};

/// Events that are read at once.
const READ: usize = 2_000;
/// Events whose changes are merged and written in one transaction. Bounds the memory of a load.
const CHUNK: usize = 10_000;
/// The same for `PostgreSQL`, where a row that is touched again by a later transaction costs far more.
const CHUNK_OF_POSTGRES: usize = 100_000;

/// A generation that is being loaded.
#[derive(Clone)]
pub(super) struct Build {
    pub(super) projection: Arc<dyn Projection>,
    pub(super) generation: Arc<Generation>,
    /// Streams that are left out.
    pub(super) skip: Arc<[ParkedRow]>,
    /// When streams are parked whose events nobody can read; without it the load stops there.
    pub(super) parks: Option<Timestamp>,
}

/// Streams that one load parks at most. A program that can read so little is the wrong one: what serves stays.
const PARKED: usize = 1_000;

/// The changes of a chunk of the log.
struct Chunk {
    patches: Patches,
    parked: Vec<ParkedRow>,
    from: Position,
    to: (Position, Uuid),
}

/// Folds the log from `from` to `to` into every build, in one pass: one task reads, one decodes and folds, and one for
/// each build writes. Any of them waits for the slowest, so memory stays bounded: no chunk waits while the next is folded.
pub(super) async fn load(
    log: &Arc<dyn EventLog>,
    builds: &[Build],
    from: Position,
    to: Position,
    progress: &(dyn Fn(Position) + Send + Sync),
) -> Result<(), Fault> {
    let mut tasks = JoinSet::new();
    let (events, folder) = mpsc::channel(2);
    tasks.spawn(read(Arc::clone(log), from, to, events));
    let mut writers = Vec::new();
    for build in builds {
        let (chunks, inbox) = mpsc::channel(1);
        tasks.spawn(write(Arc::clone(&build.generation), inbox));
        writers.push(chunks);
    }
    let (done, mut watched) = watch::channel(from);
    let state = Folder {
        builds: builds.to_vec(),
        folds: builds
            .iter()
            .map(|build| Fold::new(&*build.projection, &build.skip))
            .collect(),
        parked: builds.iter().map(|_| Vec::new()).collect(),
        writers,
        order: Order::new(),
        from,
        poisoned: 0,
    };
    tasks.spawn(fold(state, folder, done));
    loop {
        tokio::select! {
            ended = tasks.join_next() => match ended {
                None => return Ok(()),
                Some(ended) => ended.map_err(Fault::because("a loader died")).flatten()?,
            },
            Ok(()) = watched.changed() => progress(*watched.borrow_and_update()),
        }
    }
}

async fn read(
    log: Arc<dyn EventLog>,
    from: Position,
    to: Position,
    out: mpsc::Sender<Vec<Recorded>>,
) -> Result<(), Fault> {
    let mut after = from;
    while after < to {
        let mut events = log.read(after, READ).await?;
        events.retain(|recorded| recorded.position <= to);
        let Some(last) = events.last() else {
            return Err(Fault::plain("the log ends before its head"));
        };
        after = last.position;
        if out.send(events).await.is_err() {
            // The folder has failed, and says why.
            return Ok(());
        }
    }
    Ok(())
}

/// Folds what is read, and hands it to the writers chunk by chunk.
struct Folder {
    builds: Vec<Build>,
    folds: Vec<Fold>,
    /// What each build has parked since the last chunk.
    parked: Vec<Vec<ParkedRow>>,
    writers: Vec<mpsc::Sender<Chunk>>,
    order: Order,
    from: Position,
    /// How often a stream was parked.
    poisoned: usize,
}

async fn fold(
    mut folder: Folder,
    mut events: mpsc::Receiver<Vec<Recorded>>,
    done: watch::Sender<Position>,
) -> Result<(), Fault> {
    let is_postgres = |build: &Build| build.generation.dialect == Dialect::Postgres;
    let chunk = if folder.builds.iter().any(is_postgres) {
        CHUNK_OF_POSTGRES
    } else {
        CHUNK
    };
    let mut pending = 0;
    let mut to = None;
    while let Some(batch) = events.recv().await {
        folder.batch(&batch)?;
        pending += batch.len();
        let Some(last) = batch.last() else { continue };
        done.send_replace(last.position);
        to = Some((last.position, last.event_id()));
        if pending >= chunk {
            pending = 0;
            folder.hand_on(to.take()).await;
        }
    }
    folder.hand_on(to).await;
    Ok(())
}

impl Folder {
    /// An event is decoded once for all that want it.
    fn batch(&mut self, events: &[Recorded]) -> Result<(), Fault> {
        for recorded in events {
            self.order.check(recorded)?;
            let mut decoded = None;
            let folds = self.folds.iter_mut().zip(&mut self.parked);
            for (build, (fold, parked)) in self.builds.iter().zip(folds) {
                if !wants(&*build.projection, recorded) {
                    continue;
                }
                let event = decoded.get_or_insert_with(|| recorded.event());
                let Err(poison) = fold.event(&*build.projection, recorded, event) else {
                    continue;
                };
                // A read model that fails on an event which others can read is itself at fault.
                let Some(since) = build.parks.filter(|_| poison.foreign && self.poisoned < PARKED) else {
                    return Err(poison.into());
                };
                self.poisoned += 1;
                fold.park(&*build.projection, &poison);
                parked.push(poison.parked(since));
            }
        }
        self.order.keep();
        Ok(())
    }

    async fn hand_on(&mut self, to: Option<(Position, Uuid)>) {
        let Some(to) = to else { return };
        let from = self.from;
        let folds = self.folds.iter_mut().zip(&mut self.parked);
        for ((fold, parked), writer) in folds.zip(&self.writers) {
            let chunk = Chunk {
                patches: fold.take(),
                parked: std::mem::take(parked),
                from,
                to,
            };
            // A writer that does not take it has failed, and says why.
            writer.send(chunk).await.unwrap_or_default();
        }
        for writer in &self.writers {
            // Until it has begun with the chunk, or has failed.
            writer.reserve().await.map(drop).unwrap_or_default();
        }
        self.from = to.0;
    }
}

async fn write(generation: Arc<Generation>, mut chunks: mpsc::Receiver<Chunk>) -> Result<(), Fault> {
    while let Some(Chunk {
        patches,
        parked,
        from,
        to,
    }) = chunks.recv().await
    {
        let batch = generation.begin(from, to).await?;
        let mut batch = batch.ok_or_else(|| Fault::plain("somebody else writes the generation that is being built"))?;
        batch.load(patches).await?;
        for row in &parked {
            batch.park(row).await?;
        }
        batch.commit().await?;
    }
    Ok(())
}
