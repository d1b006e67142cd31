//! The house: who may depend on whom, what every crate states, and how long a file may be.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The crates of the house, and which of the others each may depend on.
const DIRECTIONS: &[(&str, &[&str])] = &[
    ("doorbook-domain", &[]),
    ("doorbook-projections", &["doorbook-domain"]),
    ("doorbook-openapi", &["doorbook-domain", "doorbook-projections"]),
    (
        "doorbook",
        &["doorbook-domain", "doorbook-projections", "doorbook-openapi"],
    ),
    ("xtask", &[]),
];

/// Foreign crates that only some of the house may depend on.
const RESERVED: &[(&str, &[&str])] = &[
    ("sqlx", &["doorbook", "doorbook-projections"]),
    ("postgres-es", &["doorbook"]),
    ("poem", &["doorbook", "doorbook-openapi"]),
    ("poem-openapi", &["doorbook-openapi"]),
    ("argon2", &["doorbook"]),
    ("oauth2", &["doorbook"]),
    ("lettre", &["doorbook"]),
    ("eventstore", &["doorbook"]),
    ("tokio", &["doorbook", "doorbook-openapi", "doorbook-projections"]),
    ("rand", &["doorbook"]),
    ("anyhow", &["doorbook", "xtask"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["metadata", "--format-version=1", "--no-deps", "--offline"];
    let output = Command::new(cargo)
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Names of what a package needs to run; what only its tests need is free.
fn needs(package: &Value) -> Vec<String> {
    let dependencies = package["dependencies"].as_array().unwrap().iter();
    let needed = dependencies.filter(|dependency| dependency["kind"].as_str() != Some("dev"));
    needed
        .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn dependencies_run_one_way() {
    let packages = packages();
    assert_eq!(
        packages.len(),
        DIRECTIONS.len(),
        "a new crate needs its place in DIRECTIONS"
    );
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        let (_, allowed) = DIRECTIONS.iter().find(|(known, _)| *known == name).unwrap();
        let of_the_house = |need: &String| DIRECTIONS.iter().any(|(known, _)| known == need);
        for need in needs(package).into_iter().filter(of_the_house) {
            assert!(allowed.contains(&need.as_str()), "{name} must not depend on {need}");
        }
    }
}

#[test]
fn foreign_crates_stay_where_they_belong() {
    for package in &packages() {
        let name = package["name"].as_str().unwrap();
        for need in needs(package) {
            let reserved = RESERVED.iter().find(|(known, _)| *known == need);
            assert!(
                reserved.is_none_or(|(_, allowed)| allowed.contains(&name)),
                "{name} must not depend on {need}"
            );
        }
    }
}

#[test]
fn every_crate_states_its_licence_its_purpose_and_the_shared_lints() {
    for package in &packages() {
        let name = &package["name"];
        assert_eq!(package["license"], "Apache-2.0 OR MIT", "{name}");
        assert!(
            package["description"].as_str().is_some_and(|text| text.len() > 10),
            "{name} needs a description"
        );
        let manifest = fs::read_to_string(package["manifest_path"].as_str().unwrap()).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{name} does not follow the lints of the workspace"
        );
    }
    for text in ["LICENSE-APACHE", "LICENSE-MIT"] {
        assert!(root().join(text).is_file(), "{text} is missing");
    }
}

/// Most lines of a source file: what one reads at a sitting. That of a function stands in `clippy.toml`.
const MOST_LINES: usize = 400;
/// Files that are longer, and why.
const LONGER: &[(&str, &str)] = &[];

#[test]
fn no_source_file_is_too_long_to_find_ones_way_in() {
    for file in sources() {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        let name = file.strip_prefix(root()).unwrap().display().to_string();
        let excepted = LONGER.iter().any(|(known, _)| *known == name);
        assert!(
            lines <= MOST_LINES || excepted,
            "{name} has {lines} lines, and {MOST_LINES} is the most: split it by meaning"
        );
        assert!(lines > MOST_LINES || !excepted, "{name} is no exception any more");
    }
}

#[test]
fn exception_from_a_lint_is_expected_and_has_a_reason() {
    for file in sources() {
        let text = fs::read_to_string(&file).unwrap();
        // In two parts, so that this file does not find itself.
        for attribute in [concat!("#[", "allow("), concat!("#![", "allow(")] {
            assert!(
                !text.contains(attribute),
                "{}: write `#[expect(…, reason = …)]`",
                file.display()
            );
        }
    }
}

/// Documents that name tests as what shows a promise.
const TABLES: [&str; 4] = [
    "docs/security.md",
    "docs/social.md",
    "docs/shown.md",
    "docs/webhooks.md",
];

#[test]
fn every_test_that_a_table_of_promises_names_exists() {
    let mut sources = Vec::new();
    for directory in ["src", "domain", "projections", "openapi", "tests"] {
        collect(&root().join(directory), &mut sources);
    }
    let sources: String = sources.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    for document in TABLES {
        let table = fs::read_to_string(root().join(document)).unwrap();
        let code = table.split('`').skip(1).step_by(2);
        let names: Vec<_> = code
            .filter(|text| text.matches('_').count() > 2 && !text.contains(['.', '-', ' ', '{', '/']))
            .collect();
        assert!(names.len() > 20, "{document} was not read");
        for name in names {
            assert!(
                sources.contains(&format!("fn {name}(")),
                "{document} names `{name}`, which is no test"
            );
        }
    }
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    for file in documents() {
        let text = fs::read_to_string(&file).unwrap();
        let targets = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'))
            .map(|(target, _)| target);
        for target in targets.filter(|target| !target.starts_with("http")) {
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let there = if path.is_empty() {
                file.clone()
            } else {
                file.parent().unwrap().join(path)
            };
            assert!(there.exists(), "{} links to {target}", file.display());
            assert!(
                heading.is_empty() || has_heading(&there, heading),
                "{} links to {target}, which has no such heading",
                file.display()
            );
        }
    }
}

/// Whether a document has a heading of that anchor, as readers of Markdown make it.
fn has_heading(file: &Path, anchor: &str) -> bool {
    let text = fs::read_to_string(file).unwrap();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-"))
        .any(|heading| heading.replace(|c: char| !c.is_alphanumeric() && c != '-' && c != '_', "") == anchor)
}

/// What documents once waited for, and what is there now.
const THERE: [&str; 5] = ["social login", "keys rotate", "providers", "mail", "redirects"];

#[test]
fn no_document_waits_for_what_is_there() {
    for file in documents() {
        let text = fs::read_to_string(&file).unwrap();
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for rest in words.split("until ").skip(1) {
            let clause = rest.split(['.', ';', '|']).next().unwrap_or_default();
            let Some((awaited, _)) = clause.split_once(" exist") else {
                continue;
            };
            assert!(
                !THERE.iter().any(|thing| awaited.contains(thing)),
                "{}: `until {awaited} exist`, which is there",
                file.display()
            );
        }
    }
}

#[test]
fn every_metric_is_described() {
    let code = fs::read_to_string(root().join("src/server/health.rs")).unwrap();
    let page = fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    let pieces: Vec<&str> = code.split('"').collect();
    let mut metrics = 0;
    for pair in pieces.windows(2) {
        let [before, name] = pair else { continue };
        let before = before.trim_end();
        if before.ends_with("gauge(") || before.ends_with("registry.register(") {
            metrics += 1;
            assert!(
                page.contains(&format!("`doorbook_{name}")),
                "docs/metrics.md does not say what `doorbook_{name}` is"
            );
        }
    }
    assert!(metrics > 15, "the metrics were not found");
}

#[test]
fn every_type_of_event_is_described_for_receivers() {
    let page = fs::read_to_string(root().join("docs/webhooks.md")).unwrap();
    for event_type in doorbook_domain::event::TYPES {
        assert!(
            page.contains(&format!("`{event_type}`")),
            "docs/webhooks.md lacks `{event_type}`"
        );
    }
}

/// Every document: those at the root, and all of `docs`.
fn documents() -> Vec<PathBuf> {
    let names = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
    ];
    let mut documents: Vec<PathBuf> = names.iter().map(|name| root().join(name)).collect();
    gather(&root().join("docs"), "md", &mut documents);
    assert!(documents.len() > 15, "the documents were not found");
    documents
}

/// Every source file of the house.
fn sources() -> Vec<PathBuf> {
    let mut sources = Vec::new();
    for directory in ["src", "domain", "projections", "openapi", "xtask", "tests", "benches"] {
        collect(&root().join(directory), &mut sources);
    }
    assert!(sources.len() > 20, "the sources were not found");
    sources
}

fn collect(directory: &Path, sources: &mut Vec<PathBuf>) {
    gather(directory, "rs", sources);
}

fn gather(directory: &Path, kind: &str, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            gather(&path, kind, files);
        } else if path.extension().is_some_and(|extension| extension == kind) {
            files.push(path);
        }
    }
}
