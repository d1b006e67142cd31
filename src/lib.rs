//! What touches the world: configuration, stores, keys, hashing and the service.

pub mod keys;
