//! Examples of answers, made of their schemas: what must be there, with values that look like real ones.

use serde_json::{Map, Value, json};

/// What texts look like, by the name of their field, or of their object and field.
const TEXTS: [(&str, &str); 46] = [
    ("Client.kind", "pc"),
    ("ExportedRequest.kind", "email_change"),
    ("IdentityProvider.id", "github"),
    ("IdentityProvider.name", "GitHub"),
    ("LoginItem.id", "session-01938c2e-7d00-7000-8000-000000000001"),
    ("LoginRecord.id", "session-01938c2e-7d00-7000-8000-000000000001"),
    ("Run.state", "running"),
    ("actor", "user-01938c2e-7d00-7000-8000-00000000ada0"),
    ("created_at", "2026-10-01T08:00:00.000000Z"),
    ("email", "ada@example.org"),
    ("event_type", "session.started"),
    ("expires_at", "2026-12-14T14:30:00.000000Z"),
    ("from", "1000"),
    ("from_root", "q0u1Yyl2zKPoVTQrZJ9pd3sJYMnYKBTwRhV6m8wD9Xo="),
    ("head", "12345"),
    ("idle_expires_at", "2026-12-07T14:30:00.000000Z"),
    (
        "key",
        "auth.example.org+3f1c20aa+AQ4fYx1Bv0uXqk7m3cN9yZrT2hWd6sJpL8eGiKoVbUaM",
    ),
    ("kind", "rebuild"),
    ("leaf", "V1mE0c3oYb7tQ2xWn9uJr5kLh8sFz4aPgD6iTyBvKcU="),
    ("linked_at", "2026-10-02T08:00:00.000000Z"),
    ("method", "password"),
    ("name", "sessions"),
    (
        "note",
        "auth.example.org\n12345\nq0u1Yyl2zKPoVTQrZJ9pd3sJYMnYKBTwRhV6m8wD9Xo=\n",
    ),
    ("origin", "auth.example.org"),
    ("outcome", "success"),
    ("path", "V1mE0c3oYb7tQ2xWn9uJr5kLh8sFz4aPgD6iTyBvKcU="),
    ("phase", "loading"),
    ("position", "12345"),
    ("projection", "sessions"),
    ("provider", "github"),
    ("providers", "github"),
    ("public_key", "Dh9jHUG/S5eqTubdw33Jmt/aFZ3qwmkvzv4aIqhVtRo="),
    ("reason", "an event cannot be read"),
    ("registered_at", "2026-10-01T08:00:00.000000Z"),
    ("roles", "auditor"),
    ("root", "q0u1Yyl2zKPoVTQrZJ9pd3sJYMnYKBTwRhV6m8wD9Xo="),
    ("sequence", "1"),
    ("size", "12345"),
    ("state", "serving"),
    ("stream", "session-01938c2e-7d00-7000-8000-000000000001"),
    ("subject", "583231"),
    ("to", "12345"),
    ("to_root", "q0u1Yyl2zKPoVTQrZJ9pd3sJYMnYKBTwRhV6m8wD9Xo="),
    ("type", "session.started"),
    ("until", "2026-11-30T15:00:00.000000Z"),
    ("user_id", "01938c2e-7d00-7000-8000-00000000ada0"),
];
const UUID: &str = "01938c2e-7d00-7000-8000-000000000001";
const INSTANT: &str = "2026-11-30T14:30:00.000000Z";
/// What is so as a rule; everything else is not.
const TRUE: [&str; 6] = [
    "active",
    "complete",
    "current",
    "email_verified",
    "has_password",
    "verified",
];

/// Gives every answer with a JSON body an example.
pub(crate) fn add(document: &mut Value) {
    let schemas = document.pointer("/components/schemas").cloned().unwrap_or_default();
    let items = document.get_mut("paths").and_then(Value::as_object_mut);
    let operations = items
        .into_iter()
        .flat_map(Map::values_mut)
        .filter_map(Value::as_object_mut);
    let answers = operations
        .flat_map(Map::values_mut)
        .filter_map(|operation| operation.get_mut("responses")?.as_object_mut());
    for answer in answers.flat_map(Map::values_mut) {
        let Some(content) = answer.pointer_mut("/content/application~1json") else {
            continue;
        };
        let nothing = Wanted { object: "", field: "" };
        let sample = content.get("schema").map(|schema| of(schema, nothing, &schemas));
        if let (Some(content), Some(sample)) = (content.as_object_mut(), sample) {
            content.insert("examples".to_owned(), json!({"answer": {"value": sample}}));
        }
    }
}

/// Which value is looked for.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    /// The name of the object's schema.
    object: &'a str,
    field: &'a str,
}

/// A value of the schema.
fn of(schema: &Value, wanted: Wanted<'_>, schemas: &Value) -> Value {
    let given = [
        schema.pointer("/examples/0"),
        schema.get("default"),
        schema.pointer("/enum/0"),
    ];
    if let Some(given) = given.into_iter().flatten().next() {
        return given.clone();
    }
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let object = reference.rsplit('/').next().unwrap_or_default();
        let target = schemas.get(object);
        return target.map_or(Value::Null, |target| of(target, Wanted { object, ..wanted }, schemas));
    }
    if let Some(first) = schema.pointer("/oneOf/0") {
        return of(first, wanted, schemas);
    }
    let kind = schema.get("type").unwrap_or(&Value::Null);
    match kind.as_str().or_else(|| kind.get(0)?.as_str()) {
        Some("array") => schema
            .get("items")
            .map_or_else(|| json!([]), |item| json!([of(item, wanted, schemas)])),
        Some("boolean") => json!(TRUE.contains(&wanted.field)),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("string") => json!(text(schema, wanted)),
        _ => object(schema, wanted.object, schemas),
    }
}

/// With what must be there: the rest may not go together.
fn object(schema: &Value, object: &str, schemas: &Value) -> Value {
    let fields = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let fields = fields.filter_map(Value::as_str).filter_map(|field| {
        let value = schema.get("properties")?.get(field)?;
        Some((field.to_owned(), of(value, Wanted { object, field }, schemas)))
    });
    Value::Object(fields.collect())
}

fn text(schema: &Value, wanted: Wanted<'_>) -> &'static str {
    let Wanted { object, field } = wanted;
    let named = |name: &str| TEXTS.iter().find(|(known, _)| *known == name);
    if let Some((_, text)) = named(&format!("{object}.{field}")) {
        return text;
    }
    match schema.get("format").and_then(Value::as_str) {
        Some("uuid") if field == "user_id" => named(field).map_or(UUID, |(_, text)| text),
        Some("uuid") => UUID,
        Some("date-time") => named(field)
            .filter(|(_, text)| text.ends_with('Z'))
            .map_or(INSTANT, |(_, text)| text),
        _ => named(field).map_or("", |(_, text)| text),
    }
}
