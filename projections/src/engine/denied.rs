use crate::{fault::Fault, log::Position};

/// Why the engine does not do what an admin asks of it.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// No read model has this name.
    #[error("there is no such projection")]
    Unknown,
    /// Somebody builds or verifies it, perhaps in another process.
    #[error("it is being rebuilt or verified already")]
    Busy,
    /// It has no tables yet.
    #[error("the read model is not built yet")]
    NotBuilt,
    /// Its tables are of another version of the program, or of another log.
    #[error("the read model does not fit this program or this log")]
    Misfit,
    /// There is no generation to go back to.
    #[error("no earlier generation is kept")]
    NothingBefore,
    /// The generation before is of another version of the program, or of another log.
    #[error("the earlier generation does not fit this program or this log")]
    EarlierMisfit,
    /// The read model reads no such stream, or it has no event.
    #[error("the projection reads no such stream")]
    NoSuchStream,
    /// The stream is not parked.
    #[error("the stream is not parked")]
    NotParked,
    /// An event of the stream still cannot be read. The stream stays parked from there on.
    #[error("an event cannot be read")]
    Unreadable(#[source] Poison),
    /// There is no such run of this read model.
    #[error("there is no such run")]
    NoSuchRun,
    /// The run has ended.
    #[error("the run is over")]
    RunOver,
    /// Something broke.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// An event that a read model cannot make sense of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {sequence} of stream {stream} at position {position}: {reason}")]
pub struct Poison {
    /// The stream's name.
    pub stream: String,
    /// Where the event stands in the log.
    pub position: Position,
    /// The event's number within the stream.
    pub sequence: u64,
    /// Why it cannot be read.
    pub reason: String,
    /// Whether nobody can read it: the fault is in the event, or its form is newer than the program.
    pub(super) foreign: bool,
}

impl From<Denied> for Fault {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Fault(fault) => fault,
            Denied::Unreadable(poison) => poison.into(),
            denied @ (Denied::Unknown
            | Denied::Busy
            | Denied::NotBuilt
            | Denied::Misfit
            | Denied::NothingBefore
            | Denied::EarlierMisfit
            | Denied::NoSuchStream
            | Denied::NotParked
            | Denied::NoSuchRun
            | Denied::RunOver) => Self::new("a projection cannot be worked on", denied),
        }
    }
}

impl From<Poison> for Fault {
    fn from(poison: Poison) -> Self {
        Self::new("an event cannot be read", poison)
    }
}
