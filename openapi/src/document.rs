//! The `OpenAPI` document: what poem-openapi prints (3.0.0), finished into 3.1 that client generators read well.

use poem_openapi::{ContactObject, LicenseObject, OpenApiService, ServerObject};
use serde_json::{Map, Value, json};

use crate::{json, operations, samples};

/// The `OpenAPI` 3.1 document, with a line feed at the end.
#[must_use]
pub fn document() -> String {
    let license = LicenseObject::new("Apache-2.0 OR MIT").identifier("Apache-2.0 OR MIT");
    let contact = ContactObject::new()
        .name("Doorbook")
        .url("https://github.com/doorbook/doorbook");
    let printed = OpenApiService::new(operations::all(), "Doorbook", env!("CARGO_PKG_VERSION"))
        .summary("Sign-in for single-page apps")
        .description(DESCRIPTION)
        .license(license)
        .contact(contact)
        .server(ServerObject::new("/").description("The service that this document came from"))
        .spec();
    // A key that comes twice is an operation lost. A test sees to it that this never fails.
    let Ok(mut document) = json::parse(printed.as_bytes()) else {
        return printed;
    };
    finish(&mut document);
    let mut text = serde_json::to_string_pretty(&document).unwrap_or(printed);
    text.push('\n');
    text
}

const DESCRIPTION: &str = "\
Signs people up, in and out with HttpOnly session cookies and a CSRF token.

Failures are `application/problem+json` (RFC 9457); tell them apart by `type`. Request bodies refuse unknown fields, and operations \
with parameters in the query refuse unknown ones. \
A trailing slash is tolerated on every path. Instants are RFC 3339 in UTC. A field that has no value is absent. \
Answers gain fields; clients ignore what they do not know.";

fn finish(document: &mut Value) {
    walk(document);
    let Some(root) = document.as_object_mut() else { return };
    root.insert("openapi".to_owned(), json!("3.1.1"));
    let bodies = root.get_mut("paths").map(finish_operations).unwrap_or_default();
    for name in bodies {
        let schema = root
            .get_mut("components")
            .and_then(|components| components.get_mut("schemas")?.get_mut(name));
        if let Some(schema) = schema.and_then(Value::as_object_mut) {
            schema.insert("additionalProperties".to_owned(), json!(false));
        }
    }
    samples::add(document);
}

/// Joins security requirements, and returns the names of request bodies.
fn finish_operations(paths: &mut Value) -> Vec<String> {
    let items = paths.as_object_mut().into_iter().flat_map(Map::values_mut);
    let operations = items.filter_map(Value::as_object_mut).flat_map(Map::values_mut);
    operations
        .filter_map(Value::as_object_mut)
        .filter_map(|operation| {
            join_security(operation);
            let schema = operation
                .get("requestBody")?
                .pointer("/content/application~1json/schema/$ref")?;
            schema.as_str()?.rsplit('/').next().map(str::to_owned)
        })
        .collect()
}

/// Begins the names that callers with a role list among their schemes.
const ROLE: &str = "role:";

/// poem-openapi writes every scheme of an operation as an alternative. All of them are needed; an empty one makes it optional.
/// The role that is needed becomes `x-required-role`: `auditor`, which an admin may do as well, or `admin`.
fn join_security(operation: &mut Map<String, Value>) {
    let listed = operation.remove("security").unwrap_or_default();
    let listed = listed.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut needed: Map<String, Value> = listed
        .iter()
        .filter_map(Value::as_object)
        .flatten()
        .map(|(name, scopes)| (name.clone(), scopes.clone()))
        .collect();
    let role = needed
        .keys()
        .find_map(|name| name.strip_prefix(ROLE))
        .map(str::to_owned);
    needed.retain(|name, _| !name.starts_with(ROLE));
    if let Some(role) = role {
        operation.insert("x-required-role".to_owned(), json!(role));
    }
    let optional = listed.iter().any(|one| one.as_object().is_some_and(Map::is_empty));
    let mut joined = Vec::new();
    if !needed.is_empty() {
        joined.push(Value::Object(needed));
    }
    if optional {
        joined.push(json!({}));
    }
    operation.insert("security".to_owned(), Value::Array(joined));
}

/// From the words of 3.0 to those of 3.1, everywhere.
fn walk(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(walk),
        Value::Object(map) => {
            map.values_mut().for_each(walk);
            flatten_reference(map);
            if map.get("nullable").is_some_and(Value::is_boolean) {
                map.remove("nullable");
                if let Some(kind) = map.remove("type") {
                    map.insert("type".to_owned(), json!([kind, "null"]));
                }
            }
            if let Some(example) = map.remove("example") {
                map.insert("examples".to_owned(), json!([example]));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// `allOf: [{$ref}, {…}]` beside siblings becomes `$ref` with siblings, which 3.1 allows and generators read well.
fn flatten_reference(map: &mut Map<String, Value>) {
    let Some([reference, siblings]) = map.get("allOf").and_then(Value::as_array).map(Vec::as_slice) else {
        return;
    };
    let (Some(target), Some(siblings)) = (reference.get("$ref").cloned(), siblings.as_object().cloned()) else {
        return;
    };
    map.remove("allOf");
    for (name, sibling) in siblings {
        map.entry(name).or_insert(sibling);
    }
    map.insert("$ref".to_owned(), target);
}
