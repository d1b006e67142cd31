//! A real provider for one test: `tools/oidc/provider.mjs`.

use std::{
    io::{BufRead as _, BufReader, Lines},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::support::Service;

const SECRET: &str = "a-secret-of-the-tests";

/// The provider's process; it ends with this value.
pub(super) struct Real {
    process: Child,
    /// It would end with its output.
    _output: Lines<BufReader<ChildStdout>>,
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Real {
    /// Starts it as `real` of a service that is started afterwards. Without pages, whoever comes is Ada and agrees.
    pub(super) async fn start(issuer: &str, service: &mut Service, pages: bool) -> Self {
        let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tools/oidc");
        assert!(
            directory.join("node_modules/oidc-provider").is_dir(),
            "tools/oidc is not installed: `cargo xtask test` does so, or `npm ci` in it"
        );
        for (key, value) in [
            ("SOCIAL__REAL__KIND", "oidc"),
            ("SOCIAL__REAL__ISSUER", issuer),
            ("SOCIAL__REAL__CLIENT_ID", "doorbook"),
            ("SOCIAL__REAL__CLIENT_SECRET", SECRET),
            ("SOCIAL__ALLOW_INTERNAL", "true"),
        ] {
            service.set(key, value);
        }
        let mut command = Command::new("node");
        command
            .args(["provider.mjs", issuer, "doorbook", SECRET])
            .args(redirect_uris(service).await)
            .env("PAGES", if pages { "1" } else { "0" })
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let output = tokio::task::spawn_blocking(move || {
            assert!(
                lines.any(|line| line.unwrap() == "ready"),
                "the provider ended before it was ready"
            );
            lines
        });
        let output = output.await.unwrap();
        Self {
            process,
            _output: output,
        }
    }
}

/// What the provider's console must hold, as `doorbook doctor` says it.
async fn redirect_uris(service: &Service) -> Vec<String> {
    // The provider is not there yet: the command fails, and says it all the same.
    let output = service.output(&["doctor"]).await;
    let said = String::from_utf8(output.stdout).unwrap();
    let words = said.split_whitespace().filter(|word| word.ends_with("/callback"));
    let uris: Vec<_> = words.map(str::to_owned).collect();
    assert_eq!(uris.len(), 2, "{said}");
    uris
}
