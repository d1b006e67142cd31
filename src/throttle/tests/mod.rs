//! The counters, on both databases.

mod bed;
mod guesses;
mod table;
mod waits;
