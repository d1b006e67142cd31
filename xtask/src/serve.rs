//! `cargo xtask serve`: the service on the embedded store, and what to try first.

use std::{
    env,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use serde_json::Value;

use crate::{
    parts::{self, Part},
    postgres::free_port,
    run::{self, Group, say},
};

/// Longest time from start to the first answer.
const START: Duration = Duration::from_mins(1);

/// Build the service and run it on the embedded store in ./data
#[derive(Debug, clap::Args)]
#[command(after_help = "Settings come from doorbook.toml and the environment, as always:\n  \
    DOORBOOK__SIGNUP__ENABLED=false cargo xtask serve --release")]
pub(crate) struct Serve {
    /// Build with optimisation
    #[arg(long)]
    release: bool,
}

impl Serve {
    /// Builds and runs the service until Ctrl-C.
    ///
    /// # Errors
    ///
    /// When it does not build, does not start, or ends by itself with a failure.
    pub(crate) fn run(self) -> Result<()> {
        parts::require(&[Part::Make])?;
        let mut build = run::cargo(["build", "--locked", "--package", "doorbook", "--bin", "doorbook"]);
        build.args(self.release.then_some("--release"));
        run::run(&mut build)?;

        let port = port("DOORBOOK__HTTP__LISTEN", 8080)?;
        let admin = port_of_admin()?;
        let profile = if self.release { "release" } else { "debug" };
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| run::root().join("target"), Into::into);
        let doorbook = target.join(profile).join("doorbook");
        let place = Place::ask(&doorbook);
        let mut serve = Command::new(doorbook);
        serve.arg("serve").current_dir(run::root());
        if let Some(port) = port.moved {
            serve.env("DOORBOOK__HTTP__LISTEN", format!("127.0.0.1:{port}"));
            serve.env("DOORBOOK__HTTP__PUBLIC_URL", format!("http://localhost:{port}"));
        }
        if let Some(port) = admin.moved {
            serve.env("DOORBOOK__HTTP__ADMIN_LISTEN", format!("127.0.0.1:{port}"));
        }
        attend(Group::start(&mut serve)?, port.number(), admin.number(), &place)
    }
}

/// Where the service keeps what it keeps.
struct Place {
    data: String,
    mail: String,
    /// Whether nobody has been there before.
    is_new: bool,
}

impl Place {
    /// As its own configuration says. Where that is wrong, the service says so itself.
    fn ask(doorbook: &Path) -> Self {
        let mut print = Command::new(doorbook);
        print.args(["config", "print", "--json"]).current_dir(run::root());
        let lines = run::output(&mut print).unwrap_or_default();
        let entries: Vec<Value> = lines
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let value = |key: &str, usual: &str| {
            let entry = entries
                .iter()
                .find(|entry| entry.get("key").is_some_and(|name| name == key));
            let value = entry.and_then(|entry| entry.get("value")?.as_str());
            value.unwrap_or(usual).to_owned()
        };
        let keys = PathBuf::from(value("keys.file", "./data/master.key"));
        Self {
            data: value("data.dir", "./data"),
            mail: value("mail.url", "file:./data/mail"),
            is_new: !run::root().join(keys).exists(),
        }
    }
}

/// A port of the service: as configured, or another one because that is taken.
struct Port {
    usual: u16,
    moved: Option<u16>,
}

impl Port {
    fn number(&self) -> u16 {
        self.moved.unwrap_or(self.usual)
    }
}

fn port_of_admin() -> Result<Port> {
    port("DOORBOOK__HTTP__ADMIN_LISTEN", 8081)
}

/// The port of a listener. One that somebody chose must be free; a default that is taken gives way, and says so.
fn port(key: &str, default: u16) -> Result<Port> {
    if let Ok(chosen) = env::var(key) {
        // What is no address, the service names itself.
        let Ok(address) = chosen.parse::<SocketAddr>() else {
            return Ok(Port {
                usual: default,
                moved: None,
            });
        };
        // Otherwise whoever answers there would be taken for this service.
        if let Err(error) = TcpListener::bind(address) {
            bail!("{key}: {address} cannot be listened on ({error}): stop what runs there, or choose another port");
        }
        return Ok(Port {
            usual: address.port(),
            moved: None,
        });
    }
    if TcpListener::bind((Ipv4Addr::LOCALHOST, default)).is_ok() {
        return Ok(Port {
            usual: default,
            moved: None,
        });
    }
    let other = free_port()?;
    say(format_args!(
        "port {default} is taken: using {other} instead ({key} chooses another)"
    ));
    Ok(Port {
        usual: default,
        moved: Some(other),
    })
}

fn attend(mut service: Group, port: u16, admin: u16, place: &Place) -> Result<()> {
    let deadline = Instant::now() + START;
    while !is_ready(admin) {
        if let Some(status) = service.ended()? {
            bail!("the service did not start ({status}): the reason stands above");
        }
        if run::interrupted() || Instant::now() > deadline {
            bail!("the service was not ready in time");
        }
        thread::sleep(Duration::from_millis(50));
    }
    welcome(port, admin, place);
    match service.wait() {
        // Ctrl-C is how one leaves: it has shut down gracefully.
        Err(_) if run::interrupted() => Ok(()),
        Err(error) => Err(error),
        Ok(status) if status.success() => Ok(()),
        Ok(status) => bail!("the service ended with {status}"),
    }
}

fn is_ready(admin: u16) -> bool {
    let asked = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, admin))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    asked().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// Says where the service is and what to try: to sign up where it has new data, otherwise to log in.
fn welcome(port: u16, admin: u16, place: &Place) {
    let origin = format!("http://localhost:{port}");
    let Place { data, mail, is_new } = place;
    let sign_up = match (is_new, mail.strip_prefix("file:")) {
        (false, _) => format!(
            "    # {data} is of an earlier start: who signed up then only logs in. To sign up anew: Ctrl-C, rm -r {data} jar, start again."
        ),
        (true, Some(letters)) => format!("{SIGN_UP}\n{}", PROVE.replace("LETTERS", letters)),
        (true, None) => format!("{SIGN_UP}\n    # A letter goes out by the mail server of `mail.url`: open its link."),
    };
    // Nobody is left to tell when the terminal is gone.
    let _ = write!(
        std::io::stderr(),
        r#"
  Doorbook is up.       API and its pages  {origin}/api/docs
                        health, metrics    http://127.0.0.1:{admin}/readyz  /metrics
                        data               {data}   (delete it to begin anew)

  Try first, in another terminal:

    D={origin}
    token() {{ awk '$6 == "csrftoken" {{ print $7 }}' jar; }}
    ask() {{ curl -sS -c jar -b jar "$@"; echo >&2; }}
    ask $D/api/login-set-cookie/
{sign_up}
    ask $D/api/login/ -H "X-CSRFToken: $(token)" \
        --json '{{"email": "ada@example.org", "password": "a violet anchor in the tundra"}}'
    ask $D/api/users/profile/
    ask $D/api/logout/ -H "X-CSRFToken: $(token)" -X POST

  Ctrl-C stops it.

"#
    );
}

/// What to type where nobody has signed up yet; as in README.md, and so is what follows.
const SIGN_UP: &str = r#"    ask $D/api/signup -H "X-CSRFToken: $(token)" \
        --json '{"email": "ada@example.org", "password": "a violet anchor in the tundra"}'"#;

/// What to type to prove the address, where letters are files.
const PROVE: &str = r#"    unfold() { cat "$(ls LETTERS/*-verify_address.eml | tail -1)" | awk '{ sub(/\r$/, "") } sub(/=$/, "") { printf "%s", $0; next } 1'; }
    link() { unfold 2> /dev/null | sed -n 's/^http.*verify#token=3D//p'; }
    for _ in $(seq 20); do sleep 1; [ -n "$(link)" ] && break; done
    ask $D/api/email/verify -H "X-CSRFToken: $(token)" --json "{\"token\": \"$(link)\"}"   # 204: prints nothing"#;
