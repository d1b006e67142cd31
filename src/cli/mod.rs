//! The command line: what people type, what they read, and the code the program ends with.
//!
//! Data goes to standard output, everything else to standard error. [`args`] holds every command with its help, [`run`]
//! carries them out, [`exit`] says what the codes mean.

mod accounts;
pub mod args;
mod audit;
mod backup;
mod book;
mod configuration;
mod doctor;
pub mod events;
pub mod exit;
mod import;
pub mod logging;
mod mail;
mod openapi;
pub mod output;
mod parked;
pub mod password;
pub mod progress;
mod projections;
pub mod run;
mod sealer;
pub mod seed;
pub mod stores;
pub mod users;
mod webhooks;

#[cfg(test)]
mod tests;
