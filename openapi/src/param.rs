//! Parameters in the path and in the query.
//!
//! * `path` reads names and ids; what is none leads to nothing.
//! * `query` reads one parameter and refuses by itself; [`crate::checked`] looks at all before it refuses.
//! * `list`, `text`, `whole` and `wish` are what stands in queries: a [`query::FromText`], or a [`FromQuery`] where its absence
//!   means something.

mod list;
mod path;
mod query;
mod text;
mod whole;
mod wish;

pub(crate) use self::{
    list::{Cursor, ExceptCurrent, Limit},
    path::{Name, Path},
    query::{FromQuery, Query, read},
    text::{Line, Visible},
    whole::Whole,
};
