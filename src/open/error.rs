//! Why nothing starts.

use doorbook_projections::fault::Fault;

use crate::{
    keys::KeysError,
    lock::LockError,
    mail::MailError,
    store::{InvalidStoreUrl, OpenError},
};

/// Why the service, or a command, cannot start. One sentence that names the key and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be used.
    #[error("data.dir: {path} cannot be made: {source}; choose a directory that this user may write")]
    Directory {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file of a database cannot be made or written.
    #[error("{path} cannot be written: {source}; choose a file that this user may write")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A command that only reads, or changes what is there, found no log.
    #[error("store.url: there is no log in {place}: name the directory with --data-dir, or start the service first")]
    NoLog {
        /// The directory, or `the database`.
        place: String,
    },
    /// The address of the log cannot be used.
    #[error(transparent)]
    StoreUrl(#[from] InvalidStoreUrl),
    /// The log cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The keys cannot be opened.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Another service has the data.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Mail cannot be written or sent.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// An address cannot be listened on.
    #[error("{key}: {address} cannot be listened on: {source}; stop what listens there or choose another address")]
    Listen {
        /// `http.listen` or `http.admin_listen`.
        key: &'static str,
        /// Which address.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The operator's list of passwords cannot be read.
    #[error(
        "password.blocklist: {path} cannot be read: {source}; name a file of UTF-8 text with one password a line, or remove the key"
    )]
    Blocklist {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The operator's database of places cannot be read.
    #[error(
        "audit.geoip_file: {path} cannot be read: {source}; name a MaxMind DB file such as `GeoLite2-City.mmdb`, or remove the key"
    )]
    GeoIp {
        /// Which file.
        path: String,
        /// Why.
        source: maxminddb::MaxMindDbError,
    },
    /// The read models cannot be opened.
    #[error("read.url: the read models cannot be opened: {}", chain(.0))]
    Read(#[source] Fault),
    /// The counters of attempts cannot be opened.
    #[error(
        "{place}: the counters of attempts cannot be opened: {}; they may be deleted, nothing else depends on them",
        chain(source)
    )]
    Throttle {
        /// The file, or `read.url`.
        place: String,
        /// Why.
        source: Fault,
    },
    /// The tree over the log cannot be opened.
    #[error(
        "{place}: the tree over the log cannot be opened: {}; it may be deleted, it is made anew from the log",
        chain(source)
    )]
    Proof {
        /// The file, or `read.url`.
        place: String,
        /// Why.
        source: Fault,
    },
    /// Something else broke.
    #[error("{}", chain(.0))]
    Fault(#[from] Fault),
}

/// An error and everything that led to it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
