//! Whether the log is what was signed.
//!
//! Two trees grow side by side, one from the events as they are now, one from the leaves as they were stored. At the size of
//! each checkpoint both roots are compared with the signed one. Where only the first differs, the leaves are witnesses, and
//! the first leaf that differs names the event. Where both do, somebody altered both: what is left is the interval between
//! the last checkpoint that fits and the first that does not.

mod examiner;
mod finding;
mod held;
mod live;
mod offline;
mod suspect;

pub use examiner::{Examiner, Slot};
pub use finding::{Finding, Kind, Report};
pub use held::{Held, check_notes};
pub use live::{Live, audit};
pub use offline::audit_export;
