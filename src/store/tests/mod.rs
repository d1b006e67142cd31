//! One contract for both stores, and what each has to show besides.

mod adversary;
mod contract;
mod fixture;
mod open;
mod restore;
mod takeover;
mod tally;
