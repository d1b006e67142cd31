//! From parsed JSON to the fields of a request, with everything that is wrong with them at once.

use doorbook_domain::{email::EmailAddress, name::DisplayName};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    app::{FieldError, Secret},
    problem::{Problem, field_error},
};

/// Most wrong fields that a form names: an answer must not be many times what was sent.
const MOST_ERRORS: usize = 20;

/// A request body that its fields are taken from.
pub(crate) struct Form {
    rest: Map<String, Value>,
    errors: Vec<FieldError>,
}

/// A type that a form can be read into.
pub(crate) trait FromForm: Sized {
    /// Takes every field. What is missing or wrong is noted in the form; the value then does not matter.
    fn take(form: &mut Form) -> Self;

    /// The password that it sets, which the service judges.
    fn new_password(&self) -> Option<NewPassword<'_>> {
        None
    }
}

/// A password that is to be set.
pub(crate) struct NewPassword<'a> {
    /// The field that it stands in.
    pub(crate) field: &'static str,
    pub(crate) password: &'a str,
    /// What the person has written beside it: address, name. Of a user who is signed in more is known where it is set.
    pub(crate) words: [Option<&'a str>; 2],
}

/// What a form was read into, and what is wrong with it.
pub(crate) struct Filled<T> {
    value: T,
    errors: Vec<FieldError>,
    /// More is wrong than is named.
    is_cut: bool,
}

impl Form {
    /// Reads a whole body. Every missing and wrong field is noted, and so many unknown ones that there are twenty in all.
    ///
    /// # Errors
    ///
    /// `invalid` when it is no object.
    pub(crate) fn read<T: FromForm>(body: Value) -> Result<Filled<T>, Problem> {
        let Value::Object(rest) = body else {
            let error = field_error("", "wrong_type", "The body must be an object.");
            return Err(Problem::invalid(vec![error]));
        };
        let mut form = Self {
            rest,
            errors: Vec::new(),
        };
        let value = T::take(&mut form);
        let room = MOST_ERRORS.saturating_sub(form.errors.len());
        for field in form.rest.keys().take(room) {
            let error = field_error(field, "unknown", "There is no such field.");
            form.errors.push(error);
        }
        Ok(Filled {
            value,
            errors: form.errors,
            is_cut: form.rest.len() > room,
        })
    }

    fn note(&mut self, field: &str, code: &str, message: &str) {
        self.errors.push(field_error(field, code, message));
    }

    /// A text of one line that must be there.
    pub(crate) fn text(&mut self, field: &str) -> String {
        match self.rest.remove(field) {
            Some(value) => self.line(field, value),
            None => self.missing(field),
        }
    }

    /// A text of one line that may be absent or `null`.
    pub(crate) fn optional_text(&mut self, field: &str) -> Option<String> {
        self.nullable_text(field).flatten()
    }

    /// A text of one line: absent, `null`, or there.
    #[expect(clippy::option_option, reason = "absent and null mean different things to a patch")]
    pub(crate) fn nullable_text(&mut self, field: &str) -> Option<Option<String>> {
        let value = self.rest.remove(field)?;
        Some((!value.is_null()).then(|| self.line(field, value)))
    }

    /// An address that must be there, as `email`.
    pub(crate) fn email(&mut self) -> String {
        let known = self.errors.len();
        let text = self.text("email");
        self.obey(known, EmailAddress::parse(&text));
        text
    }

    /// How somebody wants to be called, as `name`: absent, `null`, or there.
    #[expect(clippy::option_option, reason = "absent and null mean different things to a patch")]
    pub(crate) fn name(&mut self) -> Option<Option<String>> {
        let known = self.errors.len();
        let name = self.nullable_text("name")?;
        if let Some(name) = &name {
            self.obey(known, DisplayName::parse(name));
        }
        Some(name)
    }

    /// Notes that a field breaks a rule, unless more was noted since there were `known` errors.
    fn obey<T>(&mut self, known: usize, rule: Result<T, impl Into<FieldError>>) {
        if let Err(error) = rule
            && self.errors.len() == known
        {
            self.errors.push(error.into());
        }
    }

    /// An id that may be absent or `null`.
    pub(crate) fn optional_id(&mut self, field: &str) -> Option<Uuid> {
        let text = match self.rest.remove(field).filter(|value| !value.is_null())? {
            Value::String(text) => text,
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                self.line(field, other);
                return None;
            }
        };
        let id = Uuid::parse_str(&text).ok();
        if id.is_none() {
            self.note(field, "not_an_id", "This must be a UUID.");
        }
        id
    }

    /// Notes that of two fields at most one may be there.
    pub(crate) fn either(&mut self, both: bool, field: &str) {
        if both {
            self.note(field, "exclusive", "Give one of these, not both.");
        }
    }

    /// A password that must be there: taken exactly as it is (ASVS 6.2.8).
    pub(crate) fn secret(&mut self, field: &str) -> Secret {
        Secret(match self.rest.remove(field) {
            Some(Value::String(text)) => text,
            Some(_) => self.wrong(field, "This must be a text."),
            None => self.missing(field),
        })
    }

    /// A mailed token that must be there: one that is `null` is as dead as any other that leads nowhere.
    pub(crate) fn token(&mut self, field: &str) -> Secret {
        if self.rest.get(field).is_some_and(Value::is_null) {
            self.rest.remove(field);
            return Secret(String::new());
        }
        self.secret(field)
    }

    /// Yes or no, or absent.
    pub(crate) fn optional_flag(&mut self, field: &str) -> Option<bool> {
        let value = self.rest.remove(field)?;
        let flag = value.as_bool();
        if flag.is_none() {
            self.note(field, "wrong_type", "This must be `true` or `false`.");
        }
        flag
    }

    /// One of some words, which must be there.
    pub(crate) fn word(&mut self, field: &str, known: &[&str]) -> String {
        let text = self.text(field);
        let wrong = !text.is_empty() && !known.contains(&text.as_str());
        if wrong {
            self.note(
                field,
                "unknown_value",
                &format!("This must be one of: {}.", known.join(", ")),
            );
        }
        text
    }

    /// A list of some words, which must be there and may be empty.
    pub(crate) fn words<const KNOWN: usize>(&mut self, field: &str, known: [&str; KNOWN]) -> Vec<String> {
        if let Some(value) = self.rest.remove(field) {
            return self.list(field, value, &known);
        }
        self.missing(field);
        Vec::new()
    }

    /// A list of some words that may be absent or `null`.
    pub(crate) fn optional_words<const KNOWN: usize>(
        &mut self,
        field: &str,
        known: [&str; KNOWN],
    ) -> Option<Vec<String>> {
        let value = self.rest.remove(field).filter(|value| !value.is_null())?;
        Some(self.list(field, value, &known))
    }

    fn list(&mut self, field: &str, value: Value, known: &[&str]) -> Vec<String> {
        let Value::Array(items) = value else {
            self.wrong(field, "This must be a list.");
            return Vec::new();
        };
        let words: Option<Vec<String>> = items
            .into_iter()
            .map(|item| item.as_str().filter(|word| known.contains(word)).map(str::to_owned))
            .collect();
        words.unwrap_or_else(|| {
            let message = format!("Each of these must be one of: {}.", known.join(", "));
            self.note(field, "unknown_value", &message);
            Vec::new()
        })
    }

    fn line(&mut self, field: &str, value: Value) -> String {
        let Value::String(text) = value else {
            return self.wrong(field, "This must be a text.");
        };
        if text.chars().any(char::is_control) {
            self.note(field, "control_character", "Control characters are not accepted here.");
        }
        text
    }

    fn missing(&mut self, field: &str) -> String {
        self.note(field, "missing", "This field is required.");
        String::new()
    }

    fn wrong(&mut self, field: &str, message: &str) -> String {
        self.note(field, "wrong_type", message);
        String::new()
    }
}

impl<T: FromForm> Filled<T> {
    /// The password that it sets, where something else is wrong: else the service judges it when it sets it.
    pub(crate) fn password_beside_errors(&self) -> Option<NewPassword<'_>> {
        let new = self.value.new_password().filter(|_| !self.errors.is_empty())?;
        let is_wrong = self.errors.iter().any(|error| error.field == new.field);
        (!is_wrong).then_some(new)
    }

    /// Adds what breaks a rule of the service.
    pub(crate) fn add(&mut self, errors: Vec<FieldError>) {
        self.errors.extend(errors);
    }

    /// The value, where nothing is wrong.
    ///
    /// # Errors
    ///
    /// `invalid`, with everything that is.
    pub(crate) fn settle(self) -> Result<T, Problem> {
        if self.errors.is_empty() {
            return Ok(self.value);
        }
        let problem = Problem::invalid(self.errors);
        Err(if self.is_cut {
            problem.detail("More unknown fields were sent than are named here.")
        } else {
            problem
        })
    }
}
