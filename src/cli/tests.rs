mod sentences;
mod stores;
mod users;

use std::{
    io::{self, Write},
    sync::Arc,
};

use clap::{Command as Clap, CommandFactory as _, Parser as _};
use doorbook_projections::fault::Fault;
use parking_lot::Mutex;

use super::{
    args::{Cli, Command, EventsCommand},
    exit::{CODES, Failure},
    output::Output,
    run::run,
};

/// A place to write to that tests can read.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs a command line and returns what it wrote as data.
async fn data_of(line: &[&str]) -> Result<String, Failure> {
    let paper = Paper::default();
    let cli = Cli::try_parse_from(line).unwrap();
    let output = Output::to(Box::new(paper.clone()), Box::new(io::sink()), cli.options.json);
    // What every command holds is in this future.
    Box::pin(run(&cli, &output)).await.map(|()| paper.text())
}

fn for_each_command(command: &Clap, path: &str, check: &mut impl FnMut(&Clap, &str)) {
    check(command, path);
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        for_each_command(inner, &format!("{path} {}", inner.get_name()), check);
    }
}

#[test]
fn command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn help_of_every_command_has_an_example_of_itself() {
    for_each_command(&Cli::command(), "doorbook", &mut |command, path| {
        let help = command.clone().render_long_help().to_string();
        let (_, examples) = help
            .split_once("Examples:")
            .unwrap_or_else(|| panic!("`{path} --help` has no example"));
        assert!(examples.contains(path), "no example of `{path}` in its help");
    });
}

#[test]
fn examples_of_the_help_can_be_typed() {
    for_each_command(&Cli::command(), "doorbook", &mut |command, path| {
        let help = command.clone().render_long_help().to_string();
        for line in help.lines().filter_map(|line| line.strip_prefix("  doorbook ")) {
            let stops = ["   ", " | ", " && ", " > "];
            let end = stops
                .iter()
                .filter_map(|stop| line.find(stop))
                .min()
                .unwrap_or(line.len());
            let words = line[..end]
                .replace("'pbkdf2_sha256$870000$…'", "pbkdf2")
                .replace("'Ada L.'", "Ada")
                .replace(
                    "\"$(cat doorbook.key)\"",
                    "WGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY=",
                );
            let typed = std::iter::once("doorbook").chain(words.split_whitespace());
            Cli::try_parse_from(typed).unwrap_or_else(|error| panic!("example of `{path}`: {line}: {error}"));
        }
    });
}

#[test]
fn prose_of_the_help_is_wrapped_by_the_terminal_only() {
    for_each_command(&Cli::command(), "doorbook", &mut |command, path| {
        let help = command.get_after_long_help().map(ToString::to_string);
        let help = help.unwrap_or_default();
        let listed = ["Examples:", "Exit codes:"];
        for paragraph in help
            .split("\n\n")
            .filter(|text| !listed.iter().any(|list| text.starts_with(list)))
        {
            assert!(!paragraph.contains('\n'), "`{path} --help`: {paragraph}");
        }
    });
}

#[test]
fn who_names_nothing_is_told_of_all() {
    for line in [
        &["doorbook", "projections", "rebuild"][..],
        &["doorbook", "projections", "retry", "sessions"],
        &["doorbook", "webhooks", "retry", "crm"],
        &["doorbook", "webhooks", "drop", "crm"],
        &["doorbook", "mail", "retry"],
    ] {
        let error = Cli::try_parse_from(line).unwrap_err().to_string();
        assert!(error.contains("--all"), "{line:?}: {error}");
    }
}

#[test]
fn exit_codes_are_documented_in_the_help() {
    let help = Cli::command().render_long_help().to_string();
    assert!(help.contains(CODES));
    let failures = [
        Failure::Refused(String::new()),
        Failure::Usage(String::new()),
        Failure::Difference(String::new()),
        Failure::Partly(String::new()),
        Failure::Fault(Fault::from(sqlx::Error::PoolTimedOut)),
        Failure::InUse(String::new()),
        Failure::Interrupted,
    ];
    for failure in failures {
        let code = format!("\n{:>5}  ", failure.code());
        assert!(CODES.contains(&code), "{failure:?}");
    }
}

#[test]
fn database_that_refuses_is_not_one_that_is_unreachable() {
    let io = io::Error::from(io::ErrorKind::ConnectionRefused);
    assert_eq!(Failure::Fault(Fault::from(sqlx::Error::Io(io))).code(), 4);
    assert_eq!(Failure::Fault(Fault::from(sqlx::Error::RowNotFound)).code(), 1);
}

#[test]
fn failure_is_one_line_with_its_causes() {
    let failure = Failure::Fault(Fault::new("the log cannot be opened", "no such\nfile"));
    assert_eq!(failure.lines(), ["the log cannot be opened: no such file"]);
    let closed = Failure::Output(io::ErrorKind::BrokenPipe.into());
    assert!(closed.lines().is_empty());
}

#[test]
fn wrong_lines_are_refused() {
    for line in [
        &["doorbook"][..],
        &["doorbook", "sing"],
        &["doorbook", "user", "create"],
        &["doorbook", "user", "create", "a@b.c", "--role", "king"],
        &[
            "doorbook",
            "user",
            "create",
            "a@b.c",
            "--password-stdin",
            "--password-hash",
            "x",
        ],
        &["doorbook", "user", "create", "a@b.c", "--password", "x"],
        &["doorbook", "projections", "rebuild"],
        &["doorbook", "projections", "rebuild", "users", "--all"],
        &["doorbook", "events", "show", "x"],
        &["doorbook", "serve", "--set", "http.listen"],
    ] {
        let error = Cli::try_parse_from(line).expect_err(&line.join(" "));
        assert_eq!(error.exit_code(), 2, "{line:?}");
    }
}

#[test]
fn options_may_stand_behind_the_command() {
    let cli = Cli::try_parse_from(["doorbook", "events", "tail", "-f", "--after", "7", "--json"]).unwrap();
    assert!(cli.options.json);
    let Command::Events(EventsCommand::Tail { follow, after, .. }) = cli.command else {
        panic!("another command");
    };
    assert!(follow);
    assert_eq!(after.unwrap().number(), 7);
}

#[tokio::test]
async fn template_and_completions_need_no_configuration() {
    let wrong = ["--config", "/nowhere/doorbook.toml"];
    let template = data_of(&["doorbook", "config", "template", wrong[0], wrong[1]])
        .await
        .unwrap();
    assert!(template.contains("[http]"));
    let script = data_of(&["doorbook", "completions", "bash", wrong[0], wrong[1]])
        .await
        .unwrap();
    assert!(script.contains("projections"));
    assert!(data_of(&["doorbook", "man"]).await.unwrap().contains(".TH doorbook"));
}

#[tokio::test]
async fn wrong_configuration_ends_with_78() {
    let failure = data_of(&["doorbook", "config", "check", "--set", "http.lisen=x"])
        .await
        .unwrap_err();
    assert_eq!(failure.code(), 78);
    assert!(failure.lines()[0].contains("`http.lisen` given by --set"), "{failure}");
}

#[tokio::test]
async fn printed_configuration_says_where_values_come_from() {
    let text = data_of(&["doorbook", "config", "print", "--data-dir", "/srv/door"])
        .await
        .unwrap();
    assert!(text.contains("given by --data-dir"), "{text}");
    let json = data_of(&["doorbook", "config", "print", "--json"]).await.unwrap();
    for line in json.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}
