//! The contract over HTTP, with a stand-in for the service.

mod bodies;
mod cookies;
mod csrf;
mod document;
mod failures;
mod flow;
mod headers;
mod origins;
mod pages;
mod stand_in;
mod support;
