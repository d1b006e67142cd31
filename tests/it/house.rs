//! The house: who may depend on whom, and what every crate states.

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

#[test]
fn exception_from_a_lint_is_expected_and_has_a_reason() {
    let mut sources = Vec::new();
    for directory in ["src", "domain", "projections", "openapi", "xtask", "tests", "benches"] {
        collect(&root().join(directory), &mut sources);
    }
    assert!(sources.len() > 20, "the sources were not found");
    for file in sources {
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

#[test]
fn every_test_that_the_security_table_names_exists() {
    let mut sources = Vec::new();
    for directory in ["src", "domain", "projections", "openapi", "tests"] {
        collect(&root().join(directory), &mut sources);
    }
    let sources: String = sources.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let table = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let code = table.split('`').skip(1).step_by(2);
    let names: Vec<_> = code
        .filter(|text| text.matches('_').count() > 2 && !text.contains(['.', '-', ' ']))
        .collect();
    assert!(names.len() > 50, "the table was not read");
    for name in names {
        assert!(
            sources.contains(&format!("fn {name}(")),
            "docs/security.md names `{name}`, which is no test"
        );
    }
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    let documents = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "docs/security.md",
        "docs/passwords.md",
        "docs/adr/README.md",
        "docs/guides/projections.md",
        "docs/guides/a-new-projection.md",
    ];
    for document in documents {
        let file = root().join(document);
        let text = fs::read_to_string(&file).unwrap();
        let targets = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'))
            .map(|(target, _)| target);
        for target in targets.filter(|target| !target.starts_with("http")) {
            assert!(
                file.parent().unwrap().join(target).exists(),
                "{document} links to {target}"
            );
        }
    }
}

fn collect(directory: &Path, sources: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
}
