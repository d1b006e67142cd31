//! What is wrong with a configuration stops the start, with a sentence that says how to mend it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Output},
    time::{Duration, Instant},
};

use rustix::process::geteuid;

use crate::support::{Database, Service};

/// The documented exit codes, as `doorbook --help` shows them.
const UNREACHABLE: i32 = 4;
const IN_USE: i32 = 75;
const CONFIGURATION: i32 = 78;

/// Runs `serve`, which must end by itself.
async fn serve(service: &Service) -> Output {
    let mut command = service.command(&["serve"]);
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut process = command.spawn().unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    while process.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            process.kill().unwrap();
            let output = process.wait_with_output().unwrap();
            panic!("it was not refused: {}", String::from_utf8_lossy(&output.stderr));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    process.wait_with_output().unwrap()
}

/// Asserts the code and that one sentence names each of these words.
#[track_caller]
fn assert_refused(output: &Output, code: i32, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    let named = said.lines().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(named, "no line of this names {words:?}:\n{said}");
    assert!(!said.contains("panicked") && !said.contains("Caused by"), "{said}");
}

#[tokio::test]
async fn wrong_setting_is_named_with_its_remedy() {
    for (key, value, words) in [
        (
            "HTPP__LISTEN",
            "127.0.0.1:8080",
            &["DOORBOOK__HTPP__LISTEN", "DOORBOOK__HTTP__LISTEN"][..],
        ),
        (
            "HTTP__LISTEM",
            "127.0.0.1:8080",
            &["DOORBOOK__HTTP__LISTEM", "DOORBOOK__HTTP__LISTEN"],
        ),
        ("HTTP__LISTEN", "here", &["http.listen"]),
        ("HTTP__PUBLIC_URL", "nonsense", &["http.public_url"]),
        (
            "HTTP__PUBLIC_URL",
            "http://auth.example.org",
            &["http.public_url", "https"],
        ),
        ("HTTP__ALLOWED_ORIGINS", "*", &["http.allowed_origins", "*"]),
        (
            "HTTP__ALLOWED_ORIGINS",
            "https://elsewhere.example",
            &["http.allowed_origins"],
        ),
        (
            "STORE__URL",
            "mysql://localhost/doorbook",
            &["store.url", "postgres://"],
        ),
        ("STORE__URL", "nonsense", &["store.url", "sqlite:"]),
        ("SESSION__ABSOLUTE", "long", &["session.absolute"]),
        ("PASSWORD__MIN_LENGTH", "-1", &["password.min_length"]),
    ] {
        let mut service = Service::prepare(Database::Sqlite).await;
        service.set(key, value);
        assert_refused(&serve(&service).await, CONFIGURATION, words);
        assert!(
            !service.data().join("log.db").exists(),
            "{key}: nothing is made before the configuration is right"
        );
    }
}

#[tokio::test]
async fn unreachable_database_is_named_without_its_password() {
    let mut service = Service::prepare(Database::Sqlite).await;
    service.set("STORE__URL", "postgres://ada:hunter2@127.0.0.1:1/doorbook");
    let refused = serve(&service).await;
    assert_refused(&refused, UNREACHABLE, &["store.url"]);
    assert!(!String::from_utf8_lossy(&refused.stderr).contains("hunter2"));
}

#[tokio::test]
async fn short_and_zero_master_keys_are_refused() {
    for key in [&b"short"[..], &[0; 32], b""] {
        let service = Service::prepare(Database::Sqlite).await;
        write_key(&service, key, 0o600);
        assert_refused(&serve(&service).await, CONFIGURATION, &["keys.file"]);
    }
}

fn write_key(service: &Service, key: &[u8], mode: u32) {
    fs::create_dir_all(service.data()).unwrap();
    let file = service.data().join("master.key");
    fs::write(&file, key).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn master_key_that_others_can_read_is_refused() {
    let mut service = Service::start(Database::Sqlite).await;
    service.stop().await;
    let file = service.data().join("master.key");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600,
        "it is made for its owner only"
    );
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert_refused(&serve(&service).await, CONFIGURATION, &["keys.file", "chmod"]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    service.start_again().await;
}

#[tokio::test]
async fn log_without_its_keys_is_refused() {
    for lost in ["master.key", "keys.db"] {
        let mut service = Service::start(Database::Sqlite).await;
        service.signed_up("ada@example.org").await;
        service.stop().await;
        fs::remove_file(service.data().join(lost)).unwrap();
        assert_refused(&serve(&service).await, CONFIGURATION, &["keys."]);
        assert!(
            !service.data().join(lost).exists(),
            "{lost} is not made anew for a log that cannot be read with it"
        );
    }
}

#[tokio::test]
async fn another_master_key_is_refused() {
    let mut service = Service::start(Database::Sqlite).await;
    let other = Service::start(Database::Sqlite).await;
    service.signed_up("ada@example.org").await;
    service.stop().await;
    fs::copy(other.data().join("master.key"), service.data().join("master.key")).unwrap();
    assert_refused(&serve(&service).await, CONFIGURATION, &["keys.file"]);
}

#[tokio::test]
async fn second_service_on_one_data_directory_is_refused() {
    let first = Service::start(Database::Sqlite).await;
    let mut second = Service::prepare(Database::Sqlite).await;
    second.set("DATA__DIR", &first.data().display().to_string());
    assert_refused(&serve(&second).await, IN_USE, &["data.dir"]);
    first.anonymous().get("/api/session").await.expect(200);
}

#[tokio::test]
async fn second_service_on_one_postgres_is_refused() {
    let first = Service::start(Database::Postgres).await;
    let mut second = Service::prepare(Database::Postgres).await;
    second.set("STORE__URL", first.postgres().url().as_str());
    let keys = first.data().join("master.key");
    if keys.exists() {
        second.set("KEYS__FILE", &keys.display().to_string());
    }
    assert_refused(&serve(&second).await, IN_USE, &["store.url"]);
    first.anonymous().get("/api/session").await.expect(200);
}

#[tokio::test]
async fn taken_port_is_named() {
    let service = Service::prepare(Database::Sqlite).await;
    let _taken = std::net::TcpListener::bind(service.address()).unwrap();
    let refused = serve(&service).await;
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("http.listen"));
}

#[tokio::test]
async fn schema_newer_than_the_binary_is_refused() {
    let mut service = Service::start(Database::Postgres).await;
    service.stop().await;
    let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                 values (99999999999999, 'from tomorrow', true, '\\x00', 1)";
    service.postgres().execute(newer).await;
    let refused = serve(&service).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("newer"), "{said}");
}

#[tokio::test]
async fn postgres_that_does_not_wait_for_the_disk_is_refused() {
    let service = Service::prepare(Database::Postgres).await;
    service.postgres().set("synchronous_commit = off").await;
    assert_refused(
        &serve(&service).await,
        CONFIGURATION,
        &["store.url", "synchronous_commit"],
    );
}

#[tokio::test]
async fn postgres_without_fsync_is_refused() {
    let mut service = Service::prepare(Database::Sqlite).await;
    let cluster = CarelessCluster::start(&service);
    service.set("STORE__URL", &cluster.url());
    assert_refused(&serve(&service).await, CONFIGURATION, &["store.url", "fsync"]);
}

/// A PostgreSQL with `fsync = off`, which only a server of its own can have. Stopped when dropped.
struct CarelessCluster {
    sockets: String,
    data: String,
}

impl CarelessCluster {
    fn start(service: &Service) -> Self {
        let base = service.directory().join("careless");
        fs::create_dir_all(&base).unwrap();
        for directory in [service.directory(), &base] {
            fs::set_permissions(directory, fs::Permissions::from_mode(0o777)).unwrap();
        }
        let cluster = Self {
            sockets: base.display().to_string(),
            data: base.join("data").display().to_string(),
        };
        cluster.run(
            "initdb",
            &["-D", &cluster.data, "-U", "postgres", "-A", "trust", "--no-sync"],
        );
        let options = format!(
            "-c fsync=off -c listen_addresses= -c unix_socket_directories={}",
            cluster.sockets
        );
        let log = base.join("log").display().to_string();
        cluster.run(
            "pg_ctl",
            &["-D", &cluster.data, "-w", "-l", &log, "-o", &options, "start"],
        );
        cluster
    }

    fn url(&self) -> String {
        format!("postgres://postgres@localhost/postgres?host={}", self.sockets)
    }

    /// Runs a program of the server. PostgreSQL refuses to be run by root.
    fn run(&self, program: &str, arguments: &[&str]) {
        let path = find(program);
        let mut command = Command::new(&path);
        if geteuid().is_root() {
            command = Command::new("runuser");
            command.args(["-u", "postgres", "--", &path]);
        }
        let status = command
            .args(arguments)
            .current_dir(&self.sockets)
            .stdout(std::process::Stdio::null())
            .status();
        assert!(status.unwrap().success(), "{program} failed");
    }
}

impl Drop for CarelessCluster {
    fn drop(&mut self) {
        self.run("pg_ctl", &["-D", &self.data.clone(), "-m", "immediate", "-w", "stop"]);
    }
}

/// Where a program of the server is: on PATH, or where Debian has it.
fn find(program: &str) -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"));
    let found = debian
        .chain(std::env::split_paths(&path))
        .map(|directory| directory.join(program))
        .find(|file| file.is_file());
    let found = found.unwrap_or_else(|| panic!("{program} is missing: install PostgreSQL, or put it on PATH"));
    found.display().to_string()
}
