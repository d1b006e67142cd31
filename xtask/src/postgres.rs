//! A private PostgreSQL cluster: its own port, its own socket directory, gone when dropped.

use std::{
    env, fs,
    io::Read,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, anyhow};
use tempfile::TempDir;

use crate::{parts, run};

/// Oldest major version that is tested.
const OLDEST: u32 = 15;

/// Connections for all test binaries at once, each with a few pools.
const CONNECTIONS: u32 = 400;

/// What a cluster for tests keeps in memory, in MB.
pub(crate) const SMALL: u64 = 256;

/// What a cluster for measurements keeps in memory, in MB: a quarter of what the machine has, which PostgreSQL's manual calls
/// a reasonable starting value; 1 GB at most.
pub(crate) fn recommended() -> u64 {
    let total = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    });
    total.map_or(SMALL, |kilobytes| kilobytes / 1024 / 4).min(1024)
}

/// A running cluster.
pub(crate) struct Cluster {
    binaries: PathBuf,
    owner: Option<Owner>,
    port: u16,
    password: String,
    directory: TempDir,
    shared_buffers: u64,
}

/// The account that runs the server when this runs as root, which PostgreSQL refuses to be run by.
struct Owner {
    name: String,
    uid: u32,
    gid: u32,
}

impl Cluster {
    /// Makes a cluster in a temporary directory and starts it, fully durable: the service refuses anything less. It keeps
    /// `shared_buffers` MB in memory.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is missing or does not start; the message ends with its log.
    pub(crate) fn start(shared_buffers: u64) -> Result<Self> {
        let binaries = binaries().context("PostgreSQL is not installed")?;
        let owner = if parts::is_root() { Some(Owner::find()?) } else { None };
        let directory = tempfile::Builder::new().prefix("doorbook-pg-").tempdir()?;
        let cluster = Self {
            binaries,
            owner,
            port: free_port()?,
            password: random_password()?,
            directory,
            shared_buffers,
        };
        cluster.make()?;
        cluster
            .control(&["-w", "-l", &cluster.inside("log"), "-o", &cluster.settings(), "start"])
            .map_err(|error| {
                let log = fs::read_to_string(cluster.inside("log")).unwrap_or_default();
                anyhow!("PostgreSQL did not start: {error:#}\n{log}")
            })?;
        Ok(cluster)
    }

    /// Where its superuser reaches it.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}/postgres", self.password, self.port)
    }

    /// Lets a command find this cluster, and the client programs of the same version.
    pub(crate) fn announce(&self, command: &mut Command) {
        let path = env::var_os("PATH").unwrap_or_default();
        let directories = [self.binaries.clone()].into_iter().chain(env::split_paths(&path));
        if let Ok(path) = env::join_paths(directories) {
            command.env("PATH", path);
        }
        command.env("DOORBOOK_TEST_POSTGRES", self.url());
    }

    fn make(&self) -> Result<()> {
        let password_file = self.inside("password");
        fs::write(&password_file, &self.password)?;
        if let Some(owner) = &self.owner {
            for path in [self.directory.path(), Path::new(&password_file)] {
                chown(path, Some(owner.uid), Some(owner.gid))?;
            }
        }
        fs::set_permissions(&password_file, fs::Permissions::from_mode(0o600))?;
        let password = format!("--pwfile={password_file}");
        let data = self.inside("data");
        let initdb = [
            "-D",
            &data,
            "-U",
            "postgres",
            "-A",
            "scram-sha-256",
            &password,
            "-E",
            "UTF8",
            "--locale=C",
        ];
        run::output(self.server_command("initdb").args(initdb)).map(drop)
    }

    fn settings(&self) -> String {
        let Self {
            port, shared_buffers, ..
        } = self;
        let sockets = self.directory.path().display();
        format!(
            "-c port={port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={sockets} \
             -c max_connections={CONNECTIONS} -c fsync=on -c synchronous_commit=on -c full_page_writes=on \
             -c shared_buffers={shared_buffers}MB -c max_wal_size=2GB"
        )
    }

    fn control(&self, arguments: &[&str]) -> Result<()> {
        let data = self.inside("data");
        run::quietly(self.server_command("pg_ctl").args(["-s", "-D", &data]).args(arguments))
    }

    fn server_command(&self, program: &str) -> Command {
        let program = self.binaries.join(program);
        let mut command = match &self.owner {
            None => Command::new(program),
            Some(owner) => {
                let mut command = Command::new("runuser");
                command.args(["-u", &owner.name, "--"]).arg(program);
                command
            }
        };
        command.current_dir(self.directory.path());
        command
    }

    fn inside(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if Path::new(&self.inside("data/postmaster.pid")).exists()
            && let Err(error) = self.control(&["-m", "immediate", "-w", "stop"])
        {
            run::say(format_args!(
                "PostgreSQL in {} was not stopped: {error:#}",
                self.directory.path().display()
            ));
        }
    }
}

impl Owner {
    fn find() -> Result<Self> {
        ["postgres", "nobody"]
            .into_iter()
            .find_map(Self::named)
            .context("neither user postgres nor nobody exists")
    }

    fn named(name: &str) -> Option<Self> {
        let accounts = fs::read_to_string("/etc/passwd").ok()?;
        let mut fields = accounts
            .lines()
            .map(|line| line.split(':'))
            .find_map(|mut fields| (fields.next() == Some(name)).then_some(fields))?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Self {
            name: name.to_owned(),
            uid,
            gid,
        })
    }
}

/// The directory with `initdb` and `pg_ctl` of the newest version that is installed, if it is new enough.
pub(crate) fn binaries() -> Option<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"));
    let on_path = parts::on_path("initdb").and_then(|file| Some(file.parent()?.to_path_buf()));
    debian
        .chain(on_path)
        .filter(|directory| directory.join("initdb").is_file() && directory.join("pg_ctl").is_file())
        .filter_map(|directory| Some((major(&directory)?, directory)))
        .filter(|(version, _)| *version >= OLDEST)
        .max()
        .map(|(_, directory)| directory)
}

fn major(directory: &Path) -> Option<u32> {
    let said = run::output(Command::new(directory.join("initdb")).arg("--version")).ok()?;
    said.split_whitespace()
        .find_map(|word| word.split('.').next()?.parse().ok())
}

/// A port that nobody listens on.
///
/// # Errors
///
/// When the system has none.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn random_password() -> Result<String> {
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}
