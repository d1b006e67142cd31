//! The cryptography of TLS: ring, for every client of this process.

/// Sees to it that clients of `reqwest` can be made. Whoever chose another provider before keeps it.
pub fn install() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
