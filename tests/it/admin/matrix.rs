//! Every operation of the document, asked by everybody: the document says who gets through (`security`,
//! `x-required-role`), and the service has to agree. A new operation is asked as soon as it is documented.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::with_roles;
use crate::support::{Caller, Database, Service};

on_each_store!(every_operation_lets_exactly_those_in_whom_the_document_names);

/// Longest wait for the head of an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// What stands in a path in the place of an id or a name: nothing has it, so that who gets through breaks nothing.
const NOTHING: &str = "01930000-0000-7000-8000-00000000ffff";

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Nobody,
    User,
    Auditor,
    Admin,
}

impl Who {
    const ALL: [Self; 4] = [Self::Nobody, Self::User, Self::Auditor, Self::Admin];

    const fn roles(self) -> &'static [&'static str] {
        match self {
            Self::Nobody | Self::User => &[],
            Self::Auditor => &["auditor"],
            Self::Admin => &["admin"],
        }
    }
}

/// How a request ends at the gate.
#[derive(Debug, PartialEq, Eq)]
enum Gate {
    /// 401 `unauthenticated`.
    SignedOut,
    /// 403 `forbidden`.
    Forbidden,
    /// Whatever comes then is a documented status.
    Passed,
}

/// An operation of the document.
struct Operation<'a> {
    document: &'a Value,
    method: Method,
    path: &'a str,
    said: &'a Value,
}

impl<'a> Operation<'a> {
    fn all(document: &'a Value) -> Vec<Self> {
        let mut all = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, said) in item.as_object().unwrap() {
                all.push(Self {
                    document,
                    method: method.to_uppercase().parse().unwrap(),
                    path,
                    said,
                });
            }
        }
        all
    }

    fn name(&self) -> &str {
        self.said["operationId"].as_str().unwrap()
    }

    /// What the document expects of a caller.
    fn expected(&self, who: Who) -> Gate {
        let security = self.said["security"].as_array().unwrap();
        let needs_session = !security.is_empty() && security.iter().all(|one| one.get("session").is_some());
        let role = self.said["x-required-role"].as_str();
        match (who, role) {
            (Who::Nobody, _) if needs_session => Gate::SignedOut,
            (Who::User, Some(_)) | (Who::Auditor, Some("admin")) => Gate::Forbidden,
            (Who::Nobody, Some(role)) => panic!("{} needs {role} and no session", self.name()),
            (_, None | Some("auditor" | "admin")) => Gate::Passed,
            (_, Some(role)) => panic!("{} needs the unknown role {role}", self.name()),
        }
    }

    /// The path with nothing in the places of its parameters, and what its query must have.
    fn asked(&self) -> String {
        let mut asked = String::new();
        for part in self.path.split('/').skip(1) {
            asked.push('/');
            asked.push_str(if part.starts_with('{') { NOTHING } else { part });
        }
        let parameters = self.said["parameters"].as_array().into_iter().flatten();
        let required = parameters.filter(|one| one["in"] == "query" && one["required"] == true);
        let pairs: Vec<String> = required
            .map(|one| {
                let value = one["schema"]["enum"][0].as_str().unwrap_or("nothing");
                format!("{}={value}", one["name"].as_str().unwrap())
            })
            .collect();
        if pairs.is_empty() {
            asked
        } else {
            format!("{asked}?{}", pairs.join("&"))
        }
    }

    /// The example of its body.
    fn body(&self) -> Option<Value> {
        let schema = self
            .said
            .pointer("/requestBody/content/application~1json/schema/$ref")?;
        let pointer = schema.as_str().unwrap().strip_prefix('#').unwrap();
        Some(self.document.pointer(pointer).unwrap()["examples"][0].clone())
    }

    async fn ask(&self, caller: &Caller) -> Response {
        let csrf = caller.get("/api/csrf").await.expect(200).json();
        let mut request = caller
            .request(self.method.clone(), &self.asked())
            .header("x-csrftoken", csrf["csrf_token"].as_str().unwrap());
        if let Some(body) = self.body() {
            request = request.json(&body);
        }
        timeout(PATIENCE, request.send()).await.expect("an answer").unwrap()
    }

    /// Where the answer says that the request ended.
    async fn gate(&self, response: Response) -> Gate {
        let status = response.status().as_u16();
        let documented = &self.said["responses"][status.to_string()];
        assert!(documented.is_object(), "{}: {status} is not documented", self.name());
        if !matches!(status, 401 | 403) {
            return Gate::Passed;
        }
        let problem: Value = response.json().await.unwrap_or_default();
        match problem["type"].as_str().unwrap_or_default().rsplit(':').next() {
            Some("unauthenticated") => Gate::SignedOut,
            Some("forbidden") => Gate::Forbidden,
            Some("csrf-failed" | "origin-refused" | "") | None => panic!("{}: {problem}", self.name()),
            Some(_) => Gate::Passed,
        }
    }
}

/// Those who ask, made anew when an operation has ended their session, as it may.
struct Callers<'a> {
    service: &'a Service,
    made: u32,
    known: Vec<(Who, Caller)>,
}

impl Callers<'_> {
    async fn take(&mut self, who: Who) -> Caller {
        let known = self.known.iter().position(|(known, _)| *known == who);
        if let Some((_, caller)) = known.map(|at| self.known.swap_remove(at))
            && (who == Who::Nobody || caller.is_signed_in().await)
        {
            return caller;
        }
        self.made += 1;
        if who == Who::Nobody {
            return self.service.anonymous();
        }
        let email = format!("{who:?}{}@example.org", self.made);
        with_roles(self.service, &email, who.roles()).await
    }
}

async fn every_operation_lets_exactly_those_in_whom_the_document_names(database: Database) {
    let service = Service::start(database).await;
    // Nobody of those who ask is the last admin.
    with_roles(&service, "ada@example.org", &["admin"]).await;
    let document = service.anonymous().get("/api/openapi.json").await.expect(200).json();
    let mut callers = Callers {
        service: &service,
        made: 0,
        known: Vec::new(),
    };
    let mut wrong = Vec::new();
    let operations = Operation::all(&document);
    assert!(operations.len() > 40, "the document has operations");
    for operation in &operations {
        for who in Who::ALL {
            let caller = callers.take(who).await;
            let response = operation.ask(&caller).await;
            let status = response.status();
            let (found, expected) = (operation.gate(response).await, operation.expected(who));
            if found != expected {
                let (name, path) = (operation.name(), operation.path);
                wrong.push(json!(format!(
                    "{name} ({path}) as {who:?}: {found:?} by {status}, not {expected:?}"
                )));
            }
            // Whose session it ended is made anew next time.
            if who != Who::Nobody {
                callers.known.push((who, caller));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
