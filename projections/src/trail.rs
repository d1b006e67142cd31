//! The audit trail: where in the log the events of a type or of an actor stand.
//!
//! The log itself has every event; this read model only says where to look. A facet is a type or an actor. Of a rare facet
//! it holds every position; of one that stands everywhere in the log (a login, a refreshed session) only the blocks of
//! [`BLOCK`] positions in which it occurs, which is a small fraction of the rows. What is found is read from the log and
//! looked at there, so a facet that shares its number with another is harmless.

use std::borrow::Cow;

use doorbook_domain::event::{Event, KINDS};
use serde::Deserialize;

use crate::{
    engine::Reads,
    fault::Fault,
    fnv::fnv,
    log::{Position, Recorded},
    patch::Patches,
    projection::Projection,
    table::{Rows, Table, int},
};

/// The read model `audit_trail`.
#[derive(Debug, Clone, Copy)]
pub struct AuditTrail;

/// Its name.
pub const NAME: &str = "audit_trail";
/// Positions of one block: its first is a multiple of this.
pub const BLOCK: u64 = 64;

/// Types that stand everywhere.
const EVERYDAY_TYPES: [&str; 15] = [
    "session.started",
    "session.refreshed",
    "session.rotated",
    "session.reauthenticated",
    "session.ended",
    "login.failed",
    "login.failures_summarized",
    "login.link_refused",
    "signup.requested",
    "signup.verified",
    "signup.completed",
    "user.registered",
    "user.profile_changed",
    "claim.taken",
    "user.password_upgraded",
];
/// Actors that stand everywhere.
const EVERYDAY_ACTORS: [&str; 2] = ["anonymous", "system"];

static TABLES: [Table; 2] = [
    Table {
        name: POSITIONS,
        key: &[int("facet"), int("position")],
        columns: &[],
        indices: &[],
        rows: Rows::Lasting,
    },
    // Every event of a block writes the same row.
    Table {
        name: BLOCKS,
        key: &[int("facet"), int("position")],
        columns: &[],
        indices: &[],
        rows: Rows::Along("position"),
    },
];
const POSITIONS: &str = "trail";
const BLOCKS: &str = "trail_blocks";

/// What events have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Facet<'a> {
    /// A type: `session.started`.
    Type(&'a str),
    /// Who sent the command: `user-<id>`, `cli`, `anonymous`, `system`.
    Actor(&'a str),
}

impl Facet<'_> {
    /// Whether it stands everywhere, so that blocks are known and no positions.
    #[must_use]
    pub fn is_everyday(self) -> bool {
        match self {
            Self::Type(name) => EVERYDAY_TYPES.contains(&name),
            Self::Actor(name) => EVERYDAY_ACTORS.contains(&name),
        }
    }

    fn number(self) -> i64 {
        let (kind, name) = match self {
            Self::Type(name) => (b't', name),
            Self::Actor(name) => (b'a', name),
        };
        fnv(kind, name).cast_signed()
    }

    fn note(self, position: Position, out: &mut Patches) {
        let number = position.number();
        if self.is_everyday() {
            let block = number - number % BLOCK;
            out.row(&TABLES[1], [self.number().into(), block.into()]).done();
        } else {
            out.new_row(&TABLES[0], [self.number().into(), number.into()]).done();
        }
    }
}

/// As much of an event's metadata as is needed: every event of the log passes here.
#[derive(Deserialize)]
struct By<'a> {
    #[serde(borrow, default)]
    actor: Option<Cow<'a, str>>,
}

impl Projection for AuditTrail {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        3
    }

    fn aggregates(&self) -> &'static [&'static str] {
        &KINDS
    }

    fn tables(&self) -> &'static [Table] {
        &TABLES
    }

    fn patches(&self, recorded: &Recorded, _: &Event, out: &mut Patches) -> Result<(), Fault> {
        Facet::Type(&recorded.event_type).note(recorded.position, out);
        // What has no readable metadata has no actor.
        let by = serde_json::from_str::<By<'_>>(&recorded.metadata).ok();
        if let Some(actor) = by.and_then(|by| by.actor) {
            Facet::Actor(&actor).note(recorded.position, out);
        }
        Ok(())
    }
}

/// Where events of a facet stand before `before`, newest first: positions, or first positions of blocks.
///
/// # Errors
///
/// [`Fault`] when the read model is not there yet or the database fails.
pub async fn before(reads: &Reads, facet: Facet<'_>, before: Position, limit: u32) -> Result<Vec<Position>, Fault> {
    let view = reads.view(NAME)?;
    let sql = format!(
        "select position from {} where facet = $1 and position < $2 order by position desc limit $3",
        view.table(if facet.is_everyday() { BLOCKS } else { POSITIONS })
    );
    let values = vec![facet.number().into(), before.number().into(), limit.into()];
    let rows = view.fetch(&sql, values).await?;
    rows.iter()
        .map(|row| row.count("position").map(Position::new))
        .collect()
}

#[cfg(test)]
mod tests {
    use doorbook_domain::event::types;

    use super::*;

    #[test]
    fn everyday_types_are_types() {
        assert!(EVERYDAY_TYPES.iter().all(|name| types().any(|known| known == *name)));
    }

    #[test]
    fn types_and_actors_have_numbers_of_their_own() {
        assert_ne!(Facet::Type("cli").number(), Facet::Actor("cli").number());
    }
}
