//! Answers of token endpoints, brought into the one form of RFC 6749, whatever the provider made of it.

use oauth2::{
    HttpResponse,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType},
    http::{HeaderValue, StatusCode, header},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::error::code;
use crate::outbound::Outage;

/// What a token answer holds beside the access token.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Extra {
    /// The ID token of OpenID Connect.
    id_token: Option<IdToken>,
}

impl oauth2::ExtraTokenFields for Extra {}

/// An ID token as it came, unverified.
#[derive(Clone, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct IdToken(String);

impl IdToken {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Shows nothing.
impl std::fmt::Debug for IdToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdToken(…)")
    }
}

impl Extra {
    /// The ID token of OpenID Connect.
    pub(super) fn id_token(&self) -> Option<&IdToken> {
        self.id_token.as_ref()
    }
}

/// A token answer.
pub(super) type Answer = oauth2::StandardTokenResponse<Extra, BasicTokenType>;

/// A client whose token answers may hold an ID token.
pub(super) type Client = oauth2::Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    oauth2::StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

/// Brings an answer into the form of RFC 6749, 5.1 and 5.2: JSON, and an error with a status of its own.
///
/// GitHub answers in a form unless it is asked not to, and with errors of status 200; Facebook's errors are objects;
/// some leave `token_type` out, or write numbers as texts. What is not used, such as a refresh token, is dropped here.
pub(super) fn normalise(response: &HttpResponse) -> Result<HttpResponse, Outage> {
    let status = response.status();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Outage::Status(status.as_u16()));
    }
    let fields = fields(response.body());
    let refused = match fields.get("error") {
        Some(Value::String(error)) => Some(code(error)),
        Some(Value::Object(error)) => Some(facebook(error)),
        Some(Value::Null) | None if status.is_success() => None,
        _ => Some(format!("status_{}", status.as_u16())),
    };
    Ok(match refused {
        Some(error) => answer(StatusCode::BAD_REQUEST, &json!({ "error": error })),
        None => answer(
            StatusCode::OK,
            &json!({
                "access_token": fields.get("access_token"),
                "token_type": "bearer",
                "id_token": fields.get("id_token"),
            }),
        ),
    })
}

fn fields(body: &[u8]) -> Map<String, Value> {
    if let Ok(Value::Object(fields)) = serde_json::from_slice(body) {
        return fields;
    }
    let pairs = form_urlencoded::parse(body);
    pairs
        .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
        .collect()
}

/// `{"message": …, "type": "OAuthException", "code": 100}`: the message may repeat what was sent, so it is left out.
fn facebook(error: &Map<String, Value>) -> String {
    let kind = error.get("type").and_then(Value::as_str).unwrap_or("error");
    let number = error.get("code").and_then(Value::as_i64).unwrap_or_default();
    code(&format!("{kind}-{number}"))
}

fn answer(status: StatusCode, body: &Value) -> HttpResponse {
    let mut response = HttpResponse::new(body.to_string().into_bytes());
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use oauth2::{HttpResponse, http::StatusCode};
    use serde_json::{Value, json};

    use super::normalise;

    #[track_caller]
    fn read(status: u16, body: &str) -> (u16, Value) {
        let mut response = HttpResponse::new(body.as_bytes().to_vec());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        let answer = normalise(&response).unwrap();
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
    }

    #[test]
    fn form_and_json_read_alike() {
        let wanted = json!({"access_token": "t", "token_type": "bearer", "id_token": null});
        assert_eq!(
            read(200, "access_token=t&scope=read%2Cwrite&token_type=bearer"),
            (200, wanted.clone())
        );
        assert_eq!(
            read(200, r#"{"access_token":"t","scope":["a"],"expires_in":"60"}"#),
            (200, wanted)
        );
    }

    #[test]
    fn refresh_token_goes_no_further() {
        let (_, body) = read(200, r#"{"access_token":"t","refresh_token":"long lived"}"#);
        assert!(!body.to_string().contains("long lived"));
    }

    #[test]
    fn error_with_status_200_is_an_error() {
        let wanted = (400, json!({"error": "bad_verification_code"}));
        assert_eq!(
            read(200, "error=bad_verification_code&error_description=The+code+passed"),
            wanted
        );
        assert_eq!(read(200, r#"{"error":"bad_verification_code"}"#), wanted);
    }

    #[test]
    fn error_of_the_graph_api_keeps_its_type_and_not_its_message() {
        let body = r#"{"error":{"message":"code AQBx is used","type":"OAuthException","code":100}}"#;
        assert_eq!(read(400, body), (400, json!({"error": "OAuthException-100"})));
    }

    #[test]
    fn failure_without_words_is_an_error_and_an_outage_is_an_outage() {
        assert_eq!(read(404, "<html>"), (400, json!({"error": "status_404"})));
        let mut response = HttpResponse::new(Vec::new());
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        assert!(normalise(&response).is_err());
    }

    #[test]
    fn error_code_cannot_break_a_log_line() {
        assert_eq!(read(400, r#"{"error":"a\nb c"}"#).1, json!({"error": "abc"}));
    }
}
