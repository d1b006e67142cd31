//! What the session check is compared with: a plain poem endpoint under the middleware of the service, in a process of
//! its own that differs from the service's by nothing else.

use std::{
    path::Path,
    process::Command,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use doorbook::{
    clock::Clock,
    config::{Config, Sources},
    open::{self, Durable},
    server::{
        self,
        prompt::{Crowd, Prompt},
    },
    service::Service,
};
use doorbook_openapi::behind_edge;
use poem::{IntoResponse as _, endpoint::make_sync};
use tempfile::TempDir;

use crate::{process::Running, service};

/// The argument that makes this program the baseline's server.
pub(crate) const CHILD: &str = "child-baseline";

/// A server that answers `200 OK` and nothing else.
pub(crate) struct Baseline {
    pub(crate) child: Running,
    pub(crate) address: std::net::SocketAddr,
    /// After the child: it is removed when the child is gone.
    _data: TempDir,
}

/// Starts the server in a child and waits until it listens. Its answers have bodies of this many bytes.
pub(crate) fn start(length: usize) -> Baseline {
    let address = service::free();
    let data = tempfile::Builder::new().prefix("doorbook-bench-").tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([CHILD, &address.to_string(), &length.to_string()])
        .arg(data.path());
    let child = Running(command.spawn().unwrap());
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "the baseline does not listen");
        thread::sleep(Duration::from_millis(10));
    }
    Baseline {
        child,
        address,
        _data: data,
    }
}

/// Answers `200 OK` on `address`, with a body of `length` bytes, until it is killed.
pub(crate) fn serve(address: &str, length: &str, data: &str) {
    let address = address.parse().unwrap();
    let body: &'static str = "OK".repeat(length.parse::<usize>().unwrap() / 2).leak();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let service = idle(Path::new(data)).await;
        let endpoint = behind_edge(Arc::new(service), make_sync(move |_| body.into_response()));
        let acceptor = Prompt::bind(address, Crowd::everybody(Vec::new())).await.unwrap();
        server::run(acceptor, endpoint, std::future::pending(), Duration::ZERO).await;
    });
}

/// A service that does nothing but name requests.
async fn idle(data: &Path) -> Service {
    let config = Config::load(&Sources {
        file: None,
        environment: Vec::new(),
        flags: vec![("--data-dir", "data.dir".to_owned(), data.display().to_string())],
    })
    .unwrap();
    let durable = Durable::open(&config).await.unwrap();
    Service::new(open::parts(&config, durable, Clock::system()).await.unwrap())
}
