//! The engine and its read models over a log in memory, on both databases.
//!
//! `DOORBOOK_TEST_POSTGRES` names a server where databases may be made, e.g. `postgres://postgres@127.0.0.1/postgres`.

#[macro_use]
mod support;

mod live;
mod parking;
mod queries;
mod rebuild;
mod verify;
