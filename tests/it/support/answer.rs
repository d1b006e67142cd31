//! An answer of the service, read whole.

use reqwest::{
    StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;

use super::SetCookie;

/// Status, headers and body.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: StatusCode,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body.
    pub(crate) body: String,
}

impl Answer {
    /// Reads it to its end.
    pub(crate) async fn read(response: reqwest::Response) -> reqwest::Result<Self> {
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Self {
            status,
            headers,
            body: response.text().await?,
        })
    }

    /// Takes apart what came over the wire.
    pub(crate) fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect("an answer has a head");
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            headers.append(
                HeaderName::try_from(name).unwrap(),
                HeaderValue::try_from(value).unwrap(),
            );
        }
        Self {
            status: StatusCode::from_bytes(status.as_bytes()).unwrap(),
            headers,
            body: body.to_owned(),
        }
    }

    /// Its body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// A header, if it is there once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().unwrap();
        assert!(values.next().is_none(), "{name} is there twice");
        Some(value)
    }

    /// Every cookie that it sets.
    pub(crate) fn cookies(&self) -> Vec<SetCookie> {
        self.headers
            .get_all("set-cookie")
            .iter()
            .map(|value| SetCookie::parse(value.to_str().unwrap()))
            .collect()
    }

    /// The cookie of this name, if it sets it once.
    pub(crate) fn cookie(&self, name: &str) -> Option<SetCookie> {
        let mut cookies = self.cookies().into_iter().filter(|cookie| cookie.name == name);
        let cookie = cookies.next();
        assert!(cookies.next().is_none(), "{name} is set twice");
        cookie
    }

    /// Asserts the status and passes the answer on.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// Asserts that it is a problem of this kind.
    #[track_caller]
    pub(crate) fn expect_problem(self, status: u16, slug: &str) -> Self {
        let problem = self.expect_any_problem(status);
        assert_eq!(
            problem.json()["type"],
            format!("urn:doorbook:problem:{slug}"),
            "{problem:?}"
        );
        problem
    }

    /// Asserts that it is a problem with this status.
    #[track_caller]
    pub(crate) fn expect_any_problem(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let body = self.json();
        assert_eq!(body["status"], status, "{self:?}");
        assert!(
            body["type"]
                .as_str()
                .is_some_and(|slug| slug.starts_with("urn:doorbook:problem:")),
            "{self:?}"
        );
        assert!(
            body["title"].as_str().is_some_and(|title| !title.is_empty()),
            "{self:?}"
        );
        self
    }
}
