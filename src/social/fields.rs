//! OAuth 2.0 providers whose user-info answer is described by its fields.

use serde_json::Value;

use super::{
    error::ProviderError,
    exchange::Tokens,
    identity::{Identity, subject},
};
use crate::config::social::Fields;
use crate::outbound::Outbound;

/// Asks who it was.
pub(super) async fn identify(http: &Outbound, of: &Fields, tokens: &Tokens) -> Result<Identity, ProviderError> {
    let answer: Value = http
        .json("the user info", &of.userinfo_url, Some(&tokens.access))
        .await?;
    read(of, &answer)
}

fn read(of: &Fields, answer: &Value) -> Result<Identity, ProviderError> {
    let text = |field: &Option<String>| field.as_deref().and_then(|field| at(answer, field)?.as_str());
    let subject = at(answer, &of.subject).and_then(subject);
    let subject = subject.ok_or_else(|| ProviderError::unreadable("the subject"))?;
    let verified = of.verified.as_deref().and_then(|field| at(answer, field)) == Some(&Value::Bool(true));
    Identity::new(subject, text(&of.email), verified, text(&of.name))
}

/// The value at `user.id`, or at `data.0.id` of a list.
fn at<'a>(answer: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(answer, |value, part| match value.as_array() {
        Some(list) => list.get(part.parse::<usize>().ok()?),
        None => value.get(part),
    })
}

#[cfg(test)]
mod tests;
