//! What a read model is made of.

use doorbook_domain::event::Event;

use crate::{fault::Fault, log::Recorded, patch::Patches, table::Table};

/// A read model: it says which columns of which rows an event sets, and nothing else.
///
/// It has no state, no clock and no key, so the same log always gives the same rows. A column of a row is set by events
/// of one stream only; events of different streams meet in one row only in different columns. Therefore a stream that
/// was parked can be folded later than the others with the same result.
pub trait Projection: Send + Sync + 'static {
    /// Its name, which is also part of its file's name: lower case and `_`.
    fn name(&self) -> &'static str;

    /// Goes up with every change of its tables or of what it makes of an event. Tables of another version are rebuilt.
    fn version(&self) -> u32;

    /// The kinds of streams that it reads.
    fn aggregates(&self) -> &'static [&'static str];

    /// Its tables.
    fn tables(&self) -> &'static [Table];

    /// Says what `event`, which stands in the log as `recorded`, changes.
    ///
    /// # Errors
    ///
    /// [`Fault`] when it cannot make sense of the event. The stream is parked then; a rebuild stops.
    fn patches(&self, recorded: &Recorded, event: &Event, out: &mut Patches) -> Result<(), Fault>;
}
