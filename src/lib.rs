//! Doorbook: an event-sourced auth backend for single-page apps. The parts that touch the world.

pub mod atlas;
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
pub mod outbound;
pub mod outbox;
pub mod proof;
pub(crate) mod rest;
pub mod seed;
pub mod server;
pub mod service;
pub mod shares;
pub mod social;
pub(crate) mod sql;
pub mod store;
pub mod throttle;
pub mod tls;
pub mod webhooks;
