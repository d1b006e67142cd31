//! Doorbook: an event-sourced auth backend for single-page apps. The parts that touch the world.

pub mod store;
