//! A service of its own for each test, and callers that reach it by HTTP only.

mod answer;
mod caller;
mod curl;
mod follower;
mod jar;
mod journal;
mod letters;
mod metrics;
mod ports;
mod postgres;
mod provider;
mod receiver;
mod service;
mod smtp;
mod wait;
mod wire;

pub(crate) use self::{
    answer::Answer,
    caller::{Caller, PASSWORD},
    curl::Curl,
    follower::Follower,
    jar::{Jar, SetCookie},
    journal::Journal,
    ports::free_port,
    provider::{Back, CANARIES, Kind, Lie, Person, Provider},
    receiver::{Posted, Receiver, Reply},
    service::{Database, Service},
    smtp::{MailServer, Received},
    wait::{eventually, random},
    wire::Wire,
};

/// Makes each of the tests twice: once on the embedded store, once on PostgreSQL.
macro_rules! on_each_store {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(crate::support::Database::Sqlite).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(crate::support::Database::Postgres).await;
            })+
        }
    };
}
