//! The engine and its read models over a log in memory, on both databases.
//!
//! `DOORBOOK_TEST_POSTGRES` names a server where databases may be made, e.g. `postgres://postgres@127.0.0.1/postgres`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "tests fail by panicking"
)]

#[macro_use]
mod support;

mod book;
mod live;
mod months;
mod own;
mod parking;
mod past;
mod queries;
mod rebuild;
mod runs;
mod users;
mod verify;
