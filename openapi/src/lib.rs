//! What can be asked of Doorbook over HTTP.
//!
//! A request passes `edge` (its name, failures, headers), then `route` (path, method, page of origin), then the extractors
//! of its operation in the order of their arguments: `caller` (session, CSRF), `param`, `body`. An operation only
//! translates: it calls [`app::App`], which is all that this crate needs of the service, and writes a `reply`; what is
//! refused becomes a `problem`.
//!
//! * [`api`] is the public listener, [`admin`] the one for machines that watch the service.
//! * [`document`] is the `OpenAPI` document, `openapi.json` of this crate.

use std::sync::Arc;

use poem::{Endpoint, Response};

mod admin;
pub mod app;
pub mod audit;
mod body;
mod caller;
mod checked;
mod client;
mod cookie;
mod csrf;
mod document;
mod edge;
mod events;
pub mod export;
mod flow;
mod form;
pub mod formats;
mod gate;
mod json;
mod known;
mod mailbox;
mod navigation;
mod operations;
mod origin;
pub mod overview;
mod pages;
mod param;
mod problem;
pub mod proofs;
mod redirect;
mod refused;
mod reply;
mod route;
pub mod runs;
mod samples;
mod scalar;
mod schema;
pub mod social;
pub mod users;

pub use crate::{admin::admin, client::is_trusted, document::document};
use crate::{app::App, edge::Edge, gate::Gate, route::Router};

/// The public listener: every operation, the pages, and what stands around them.
pub fn api(app: Arc<dyn App>) -> impl Endpoint<Output = Response> {
    let gate = Arc::new(Gate::new(app));
    Edge::new(Arc::clone(&gate), Router::new(gate))
}

/// Any endpoint behind the same outer layer as [`api`]: what benches compare the session check with.
pub fn behind_edge(app: Arc<dyn App>, endpoint: impl Endpoint<Output = Response>) -> impl Endpoint<Output = Response> {
    Edge::new(Arc::new(Gate::new(app)), endpoint)
}
