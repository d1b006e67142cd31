//! What can be asked of Doorbook over HTTP.
//!
//! [`app`] is what this crate needs of the service.

pub mod app;
