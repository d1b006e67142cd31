//! Decisions of Doorbook, free of I/O.
//!
//! Everything in this crate is a value or a pure function: no clock, no randomness, no network, no database, no key.
//! A command carries the time, the ids, the sealed values and the HMACs that it needs; the caller obtains them. The same
//! history and the same command therefore always give the same events, which is what the tests of this crate rely on.
//!
//! * [`signup`] is one attempt to sign up.
//! * [`user`] decides what an account may do, and ends all its sessions by raising its epoch.
//! * [`claim`] says who owns an address. Taking it is the commit point of a registration.
//! * [`session`] is one login, from its start to its end.
//! * [`attempts`] is the record of failed logins at one address.
//! * [`reading`] is one look at the audit trail.
//! * [`projection`] is the record of what admins did to a read model.
//! * [`admission`] decides who comes in by an identity provider.
//! * [`decide`] is the form of them all: state, commands, refusals, events.
//! * [`event`] reads any stored event back; [`id`], [`time`], [`seal`], [`role`] are the values they are made of.
//! * [`email`] and [`name`] are what people type, before it is sealed.

pub mod admission;
pub mod attempts;
pub mod claim;
pub mod decide;
pub mod email;
pub mod event;
#[cfg(test)]
mod given;
pub mod id;
pub mod name;
pub mod projection;
pub mod reading;
pub mod role;
pub mod seal;
pub mod session;
pub mod signup;
mod text;
pub mod time;
pub mod user;
