//! Events for elsewhere: one JSON value a line, in constant memory.
//!
//! The form `ndjson` carries everything that a leaf is made of, and what the tree is around it, so that the file can be
//! compared with a checkpoint where there is no store. `cloudevents` is for machines that take events in.

mod cloud;
mod line;
mod write;

pub use cloud::{CloudEvent, hidden};
pub use line::{EventLine, Foot, Head, Line, Unfit};
pub use write::{Broken, Form, Wanted, write};
