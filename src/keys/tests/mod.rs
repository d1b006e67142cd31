//! The keys on both databases.

mod bed;
mod erasing;
mod master;
mod queueing;
mod rotating;
mod sealing;
mod storing;
