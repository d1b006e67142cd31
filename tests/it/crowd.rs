//! Connections that are opened to keep others out, byte by byte over raw sockets.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::support::{Database, PASSWORD, Service, eventually};

const HALF_A_HEAD: &[u8] = b"GET /api/session HTTP/1.1\r\nhost: localhost\r\nx-slow: ";
const WHOLE_HEAD: &[u8] = b"GET /api/session HTTP/1.1\r\nhost: localhost\r\n\r\n";
/// Longest life of a connection that owes a head: ten seconds, and some for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

async fn connect(service: &Service) -> TcpStream {
    TcpStream::connect(service.address()).await.unwrap()
}

/// From another address of this machine: another network.
async fn connect_from(service: &Service, ip: Ipv4Addr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((ip, 0))).unwrap();
    socket.connect(service.address()).await.unwrap()
}

/// Whether the service hangs up, whatever it says before, within so long.
async fn is_hung_up_on(stream: &mut TcpStream, patience: Duration) -> bool {
    let read = timeout(patience, async {
        let mut buffer = [0; 4096];
        // An error is an end, too.
        while stream.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
    });
    read.await.is_ok()
}

/// Whether a request is answered.
async fn is_answered(stream: &mut TcpStream) -> bool {
    if stream.write_all(WHOLE_HEAD).await.is_err() {
        return false;
    }
    let mut said = [0; 12];
    let read = timeout(PATIENCE, stream.read_exact(&mut said)).await;
    matches!(read, Ok(Ok(_))) && said == *b"HTTP/1.1 200"
}

#[tokio::test]
async fn connection_that_sends_no_whole_head_is_dropped() {
    let service = Service::start(Database::Sqlite).await;
    let (mut silent, mut half, mut next) = (
        connect(&service).await,
        connect(&service).await,
        connect(&service).await,
    );
    half.write_all(HALF_A_HEAD).await.unwrap();
    // A request that is answered buys no time for the head of the next.
    assert!(is_answered(&mut next).await);
    next.write_all(HALF_A_HEAD).await.unwrap();
    let begun = Instant::now();
    let (silent, half, next) = tokio::join!(
        is_hung_up_on(&mut silent, PATIENCE),
        is_hung_up_on(&mut half, PATIENCE),
        is_hung_up_on(&mut next, PATIENCE),
    );
    assert!(silent && half && next, "{silent} {half} {next}");
    assert!(
        begun.elapsed() > Duration::from_secs(8),
        "a slow line must do: {:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn trickled_head_is_dropped_and_a_slow_one_is_answered() {
    let service = Service::start(Database::Sqlite).await;
    let (mut trickle, mut slow) = (connect(&service).await, connect(&service).await);
    trickle.write_all(HALF_A_HEAD).await.unwrap();
    let begun = Instant::now();
    let trickles = async {
        while trickle.write_all(b"x").await.is_ok() {
            assert!(begun.elapsed() < PATIENCE, "it is still listened to");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let answered = async {
        for part in WHOLE_HEAD.chunks(10) {
            tokio::time::sleep(Duration::from_secs(1)).await;
            slow.write_all(part).await.unwrap();
        }
        let mut said = [0; 12];
        timeout(PATIENCE, slow.read_exact(&mut said)).await.unwrap().unwrap();
        assert_eq!(said, *b"HTTP/1.1 200");
    };
    tokio::join!(trickles, answered);
}

#[tokio::test]
async fn http_2_without_negotiation_is_hung_up_on() {
    let service = Service::start(Database::Sqlite).await;
    let mut stream = connect(&service).await;
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .unwrap();
    let mut said = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut said)).await.unwrap();
    assert_eq!(said, b"", "no settings, no frames");
    assert!(is_answered(&mut connect(&service).await).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_network_leaves_descriptors_and_places_for_others() {
    let mut service = Service::prepare(Database::Sqlite).await;
    service.wrap(&["sh", "-c", "ulimit -n 400; exec \"$@\"", "sh"]);
    service.start_again().await;
    let mut crowd = Vec::new();
    for _ in 0..400 {
        let mut stream = connect(&service).await;
        // Who is refused may hear of it here.
        let _ = stream.write_all(HALF_A_HEAD).await;
        crowd.push(stream);
    }
    let mut other = connect_from(&service, Ipv4Addr::new(127, 0, 0, 2)).await;
    assert!(is_answered(&mut other).await, "another network is answered");
    let health = reqwest::get(format!("{}/readyz", service.admin_origin()))
        .await
        .unwrap();
    assert_eq!(health.status().as_u16(), 200);
    let log = service.log();
    assert_eq!(log.matches("connections are refused").count(), 1, "{log}");
    // They are dropped meanwhile, and their network is let in again.
    for stream in &mut crowd {
        assert!(is_hung_up_on(stream, PATIENCE).await);
    }
    assert!(is_answered(&mut connect(&service).await).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn storm_of_logins_from_one_network_leaves_room_to_hash_for_others() {
    let proxied = ("HTTP__TRUSTED_PROXIES", "127.0.0.0/8");
    let service = Service::start_with(Database::Sqlite, &[proxied]).await;
    service.signed_up("ada@example.org").await;
    let visitor = service.anonymous();
    visitor.get("/api/csrf").await.expect(200);
    let log_in = async |email: String, password: &str, from: String| {
        let tab = visitor.twin();
        let token = tab.jar().value("csrftoken").unwrap();
        let request = tab.request(reqwest::Method::POST, "/api/login");
        let request = request.header("x-csrftoken", token).header("x-forwarded-for", from);
        let wish = json!({"email": email, "password": password});
        tab.send(request.json(&wish)).await.unwrap()
    };
    let cores = std::thread::available_parallelism().unwrap().get();
    let storm = (0..cores * 100).map(|number| {
        log_in(
            format!("user-{number}@example.org"),
            "a guess",
            "203.0.113.7".to_owned(),
        )
    });
    let others = async {
        eventually("the storm has filled what it can", || async {
            let refused = service.metric("passwords_refused").await;
            (refused > Some(0)).then_some(())
        })
        .await;
        let mut answers = Vec::new();
        for number in 1..=10 {
            let from = format!("198.51.100.{number}");
            answers.push(log_in("ada@example.org".to_owned(), PASSWORD, from).await);
        }
        answers
    };
    let (storm, others) = tokio::join!(futures_util::future::join_all(storm), others);
    let refused: Vec<_> = storm.iter().filter(|answer| answer.status.as_u16() == 503).collect();
    assert!(!refused.is_empty(), "the storm was none");
    for answer in refused {
        assert_eq!(
            answer.clone().expect_problem(503, "busy").header("retry-after"),
            Some("1")
        );
    }
    for answer in others {
        answer.expect(200);
    }
}
