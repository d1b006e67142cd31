//! Doorbook: an event-sourced auth backend for single-page apps. The parts that touch the world.

pub mod cli;
pub mod clock;
pub mod config;
pub mod directory;
pub mod ids;
pub mod seed;
pub mod store;
