//! A browser's view of the service: requests, a cookie jar, answers.

use std::{collections::BTreeMap, sync::Arc};

use doorbook_openapi::{api, app::Settings};
use poem::{
    Body, Endpoint, EndpointExt as _, Request, Response,
    endpoint::BoxEndpoint,
    http::{Method, StatusCode},
};
use serde_json::{Value, json};

use crate::stand_in::{EMAIL, PASSWORD, StandIn, settings};

pub(crate) struct Browser {
    pub(crate) app: Arc<StandIn>,
    endpoint: BoxEndpoint<'static>,
    pub(crate) jar: BTreeMap<String, String>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {:?}", self.text))
    }

    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let all = self.all(name);
        assert!(all.len() <= 1, "{name} came more than once: {all:?}");
        all.first().copied()
    }

    /// The whole `Set-Cookie` line of a cookie.
    pub(crate) fn set_cookie(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}=");
        self.all("set-cookie")
            .into_iter()
            .find(|line| line.starts_with(&prefix))
    }

    /// Asserts status and problem type, and that the body is `problem+json` and consistent.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, slug: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let body = self.json();
        assert_eq!(body["type"], format!("urn:doorbook:problem:{slug}"));
        assert_eq!(body["status"], status);
        assert!(body["title"].is_string());
        assert_eq!(self.header("www-authenticate").is_some(), status == 401);
        if matches!(status, 429 | 503) {
            assert!(self.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
        }
        body
    }

    /// Codes of the invalid fields.
    #[track_caller]
    pub(crate) fn invalid(&self) -> BTreeMap<String, String> {
        let body = self.is_problem(422, "invalid");
        let errors = body["errors"].as_array().unwrap();
        let text = |error: &Value, key: &str| error[key].as_str().unwrap().to_owned();
        errors
            .iter()
            .map(|error| (text(error, "field"), text(error, "code")))
            .collect()
    }
}

pub(crate) fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(field, code)| ((*field).to_owned(), (*code).to_owned()))
        .collect()
}

pub(crate) struct Asked<'a> {
    browser: &'a mut Browser,
    method: Method,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Body>,
    csrf: bool,
    cookies: bool,
}

impl Asked<'_> {
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn body(mut self, media_type: &str, body: impl Into<Body>) -> Self {
        self.body = Some(body.into());
        self.header("content-type", media_type)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) fn no_csrf(mut self) -> Self {
        self.csrf = false;
        self
    }

    /// Sends only the cookies that are given as headers.
    pub(crate) fn no_cookies(mut self) -> Self {
        self.cookies = false;
        self
    }

    pub(crate) async fn send(self) -> Answer {
        let Self {
            browser,
            method,
            path,
            mut headers,
            body,
            csrf,
            cookies,
        } = self;
        if cookies && !browser.jar.is_empty() {
            let line: Vec<String> = browser
                .jar
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            headers.push(("cookie".to_owned(), line.join("; ").into_bytes()));
        }
        if !headers.iter().any(|(name, _)| name == "host") {
            headers.push(("host".to_owned(), b"localhost:8080".to_vec()));
        }
        let token = browser.jar.get(&browser.app.settings.csrf_cookie);
        if let Some(token) = token.filter(|_| csrf && method != Method::GET) {
            headers.push((browser.app.settings.csrf_header.clone(), token.clone().into_bytes()));
        }
        let mut request = Request::builder().method(method).uri(path.parse().unwrap());
        for (name, value) in headers {
            let value = poem::http::HeaderValue::from_bytes(&value).unwrap();
            request = request.header(name, value);
        }
        let request = match body {
            Some(body) => request.body(body),
            None => request.finish(),
        };
        browser.take(request).await
    }
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self::with(settings())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let app = StandIn::new(settings);
        let endpoint = api(app.clone()).boxed();
        Self {
            app,
            endpoint,
            jar: BTreeMap::new(),
        }
    }

    /// A browser that has logged in.
    pub(crate) async fn signed_in() -> Self {
        let mut browser = Self::new();
        browser.log_in().await;
        browser
    }

    /// A browser that an admin has logged in with.
    pub(crate) async fn admin() -> Self {
        let browser = Self::signed_in().await;
        browser.app.promotes();
        browser
    }

    pub(crate) async fn log_in(&mut self) -> Answer {
        self.get("/api/csrf").await;
        let answer = self
            .post("/api/login")
            .json(&json!({"email": EMAIL, "password": PASSWORD}))
            .send()
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer
    }

    pub(crate) fn ask(&mut self, method: Method, path: &str) -> Asked<'_> {
        Asked {
            browser: self,
            method,
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
            csrf: true,
            cookies: true,
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask(Method::GET, path).send().await
    }

    pub(crate) fn post(&mut self, path: &str) -> Asked<'_> {
        self.ask(Method::POST, path)
    }

    pub(crate) fn delete(&mut self, path: &str) -> Asked<'_> {
        self.ask(Method::DELETE, path)
    }

    pub(crate) async fn take(&mut self, request: Request) -> Answer {
        let response: Response = self.endpoint.call(request).await.expect("the edge renders every error");
        let answer = read(response).await;
        for line in answer.all("set-cookie") {
            let (name, rest) = line.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if line.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}

pub(crate) async fn read(mut response: Response) -> Answer {
    let status: StatusCode = response.status();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()))
        .collect();
    let text = response.take_body().into_string().await.unwrap();
    Answer {
        status: status.as_u16(),
        headers,
        text,
    }
}
