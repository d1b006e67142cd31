//! Doorbook: an event-sourced auth backend for single-page apps. The parts that touch the world.

pub mod backup;
pub mod cli;
pub mod clock;
pub mod config;
pub mod directory;
pub mod hashing;
pub mod ids;
pub mod keys;
pub mod lock;
pub mod mail;
pub mod open;
pub mod seed;
pub mod server;
pub mod service;
pub mod social;
pub mod store;
pub mod throttle;
pub mod tls;

/// Folding a log allocates and frees across threads, which glibc's allocator makes slow.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
