//! Ports that stay free between a service's lives: below those that the kernel gives to clients.

use std::{
    net::{Ipv4Addr, TcpListener},
    sync::{
        LazyLock,
        atomic::{AtomicU16, Ordering},
    },
};

static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| AtomicU16::new(20_000 + rand::random::<u16>() % 10_000));

/// A port that nobody listens on and that no other test of this run gets.
pub(crate) fn free_port() -> u16 {
    let mut candidates = std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed));
    candidates
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .unwrap()
}
