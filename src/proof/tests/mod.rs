//! The tree against its definition and against published vectors; the audit against somebody who writes into real databases.

mod bed;
mod exporting;
mod following;
mod mathematics;
mod naive;
mod notes;
mod storing;
mod tampering;
mod vectors;
