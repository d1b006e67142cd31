//! Identity providers: who somebody is, as another service says it.
//!
//! A person is sent to the provider and comes back with a code, which is exchanged here, on the server: state, PKCE
//! verifier and nonce never leave it, and a provider's tokens live as long as the exchange (RFC 9700; ASVS 5.0, V10).
//! What comes out is an [`Identity`]: a subject, and an address that counts only when the provider itself says that it
//! has verified it. What an identity may do is decided in the domain.
//!
//! * [`Providers`] holds those of the configuration, each of which makes the URL that people are sent to, and turns a
//!   code into an identity.
//! * [`Flows`] holds what was begun and is not over yet, for this browser only.
//! * [`Desk`] is all of that, as the service works with it.
//! * [`ReturnTo`] is where people go afterwards.

mod browser;
mod desk;
mod error;
mod exchange;
mod facebook;
mod fields;
mod flow;
mod flows;
mod github;
mod hook;
mod identity;
mod json;
mod openid;
mod provider;
mod providers;
mod return_to;
mod tokens;

pub use self::{
    browser::Browser,
    desk::Desk,
    error::ProviderError,
    flow::{Flow, Intent, Landing, Pending},
    flows::Flows,
    hook::{Hook, HookAnswer, HookQuestion},
    identity::Identity,
    provider::{Callback, Provider},
    providers::{BeginError, Departure, Providers},
    return_to::ReturnTo,
};
