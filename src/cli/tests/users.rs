//! Commands over a stand-in for the service.

use std::io;

use async_trait::async_trait;
use clap::Parser as _;
use doorbook_domain::{
    id::UserId,
    role::{Role, Roles},
    time::Timestamp,
};
use doorbook_openapi::app::Secret;
use parking_lot::Mutex;
use uuid::Uuid;

use super::{Cli, Command, Failure, Output, Paper};
use crate::cli::users::{Change, NewPassword, NewUser, Newcomer, Outcome, UserLine, Users, run};

/// Knows Ada, and remembers what it was asked for.
#[derive(Default)]
struct Stand {
    created: Mutex<Vec<NewUser>>,
    changed: Mutex<Vec<(String, Change)>>,
    erased: Mutex<Vec<String>>,
}

fn ada() -> UserLine {
    UserLine {
        id: UserId(Uuid::nil()),
        email: "ada@example.org".to_owned(),
        name: Some("Ada\u{1b}[2J".to_owned()),
        roles: Roles::default().with(Role::Admin),
        active: false,
        since: Timestamp::default(),
    }
}

#[async_trait]
impl Users for Stand {
    async fn create(&self, user: NewUser) -> Result<UserLine, Failure> {
        self.created.lock().push(user);
        Ok(ada())
    }

    async fn import(&self, newcomers: Vec<Newcomer>, _dry: bool) -> Result<Vec<Outcome>, Failure> {
        Ok(newcomers.iter().map(|_| Outcome::Created).collect())
    }

    async fn settle(&self) -> Result<(), Failure> {
        Ok(())
    }

    async fn page(&self, after: Option<String>) -> Result<(Vec<UserLine>, Option<String>), Failure> {
        let next = after.is_none().then(|| "2".to_owned());
        Ok((vec![ada()], next))
    }

    async fn change(&self, user: &str, change: Change) -> Result<UserLine, Failure> {
        self.changed.lock().push((user.to_owned(), change));
        Ok(ada())
    }

    async fn erase(&self, user: &str) -> Result<UserId, Failure> {
        self.erased.lock().push(user.to_owned());
        Ok(ada().id)
    }
}

/// Runs `doorbook user …` and returns what it wrote as data.
async fn data_of(stand: &Stand, line: &str) -> String {
    let paper = Paper::default();
    let cli = Cli::try_parse_from(format!("doorbook user {line}").split(' ')).unwrap();
    let output = Output::to(Box::new(paper.clone()), Box::new(io::sink()), cli.options.json);
    let Command::User(command) = &cli.command else {
        panic!("another command");
    };
    run(command, stand, &output).await.unwrap();
    paper.text()
}

#[tokio::test]
async fn users_are_listed_for_people_and_for_scripts_page_by_page() {
    let table = data_of(&Stand::default(), "list").await;
    assert!(
        table.contains("ada@example.org") && table.contains("deactivated"),
        "{table}"
    );
    assert!(!table.contains('\u{1b}'), "{table}");
    let lines = data_of(&Stand::default(), "list --json").await;
    assert_eq!(lines.lines().count(), 2);
    let value: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(value["roles"], serde_json::json!(["admin"]));
    assert_eq!(value["active"], false);
}

#[tokio::test]
async fn created_user_has_the_roles_the_name_and_the_hash_that_were_given() {
    let stand = Stand::default();
    let said = data_of(
        &stand,
        "create ada@example.org --role admin --role auditor --name Ada --password-hash x",
    )
    .await;
    assert!(said.contains("ada@example.org was created"), "{said}");
    let created = stand.created.into_inner().remove(0);
    assert_eq!(created.name.as_deref(), Some("Ada"));
    assert_eq!(created.roles, Roles::default().with(Role::Admin).with(Role::Auditor));
    assert_eq!(created.password, NewPassword::Hashed(Secret("x".to_owned())));
}

#[tokio::test]
async fn each_change_reaches_the_service() {
    let stand = Stand::default();
    for line in [
        "grant ada admin",
        "revoke ada auditor",
        "deactivate ada",
        "reactivate ada",
    ] {
        data_of(&stand, line).await;
    }
    let changes: Vec<Change> = stand
        .changed
        .into_inner()
        .into_iter()
        .map(|(_, change)| change)
        .collect();
    let all = [
        Change::Grant(Role::Admin),
        Change::Revoke(Role::Auditor),
        Change::Deactivate,
        Change::Reactivate,
    ];
    assert_eq!(changes, all);
}
