//! The service.

pub mod directory;
