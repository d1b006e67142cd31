//! How the program ends.

use std::{error::Error, io, process::ExitCode};

use doorbook_projections::fault::Fault;

use crate::{config::ConfigError, keys::KeysError, lock::LockError, open::StartError, store::OpenError};

/// The codes, as `--help` shows them.
pub const CODES: &str = "\
Exit codes:
    0  done
    1  failed
    2  used wrongly: unknown command, option or argument
    3  a verification found a difference, or an audit something that is not as it was signed
    4  a database cannot be reached
    5  an import refused some of its lines; the others were taken in
   75  in use: a service has the data, or somebody works on that projection; try again later
   78  the configuration is wrong, a database cannot be used as it is, or there is no log to read
  130  interrupted";

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The arguments do not fit together, or ask for what cannot be.
    #[error("{0}")]
    Usage(String),
    /// A verification found a difference.
    #[error("{0}")]
    Difference(String),
    /// Some of it could not be done.
    #[error("{0}")]
    Partly(String),
    /// Somebody else works with the same data.
    #[error("{0}")]
    InUse(String),
    /// A rule says no, or what was asked for does not exist.
    #[error("{0}")]
    Refused(String),
    /// The log cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// A part does not open.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Something broke.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// Nobody reads the output any more, or it cannot be written.
    #[error("the output cannot be written")]
    Output(#[from] io::Error),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl Failure {
    /// The code to end with.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Fault(fault) if is_unreachable(fault) => 4,
            Self::Fault(_) | Self::Refused(_) | Self::Output(_) => 1,
            Self::Usage(_) => 2,
            Self::Difference(_) => 3,
            Self::Partly(_) => 5,
            Self::InUse(_) => 75,
            Self::Config(_) => 78,
            Self::Store(error) => store_code(error),
            Self::Start(error) => start_code(error),
            Self::Interrupted => 130,
        }
    }

    /// The code to end with, for `main`.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    /// Lines for standard error: for most failures one, with all causes; none where nobody reads any more.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        if self.code() == 0 {
            return Vec::new();
        }
        if let Self::Config(error) = self {
            return error.sentences().to_vec();
        }
        let mut line = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let text = error.to_string().replace('\n', " ");
            if !line.contains(&text) {
                line = format!("{line}: {text}");
            }
            cause = error.source();
        }
        vec![line]
    }
}

/// Whether a fault says that a database did not answer at all.
fn is_unreachable(fault: &Fault) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(fault);
    while let Some(error) = cause {
        if let Some(sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut) = error.downcast_ref() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The code that the program ends with when it does not start.
const fn start_code(error: &StartError) -> u8 {
    match error {
        StartError::Store(error) => store_code(error),
        StartError::Keys(KeysError::Unreachable(_)) | StartError::Lock(LockError::Unreachable(_)) => 4,
        StartError::Lock(LockError::DirectoryInUse(_) | LockError::DatabaseInUse) | StartError::Listen { .. } => 75,
        StartError::Keys(KeysError::Failed(_))
        | StartError::Read(_)
        | StartError::Throttle { .. }
        | StartError::Proof { .. }
        | StartError::Fault(_) => 1,
        StartError::NoLog { .. }
        | StartError::Directory { .. }
        | StartError::File { .. }
        | StartError::Blocklist { .. }
        | StartError::GeoIp { .. }
        | StartError::StoreUrl(_)
        | StartError::Mail(_)
        | StartError::Lock(LockError::Unwritable { .. })
        | StartError::Keys(_) => 78,
    }
}

/// The code that the program ends with when the log does not open.
const fn store_code(error: &OpenError) -> u8 {
    match error {
        OpenError::Unreachable { .. } => 4,
        OpenError::NotDurable { .. } | OpenError::NewerSchema { .. } | OpenError::NotMigrated { .. } => 78,
        OpenError::Migration(_) | OpenError::Failed(_) => 1,
    }
}
