//! A browser, as far as HTTP goes: a cookie jar, the CSRF header, its own origin.

use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Answer, Jar};

/// A password that every rule accepts.
pub(crate) const PASSWORD: &str = "a violet anchor in the tundra";

/// Somebody at a browser of their own.
pub(crate) struct Caller {
    http: reqwest::Client,
    origin: String,
    jar: Mutex<Jar>,
}

impl Caller {
    /// Nobody yet: an empty jar.
    pub(crate) fn new(origin: &str) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            http,
            origin: origin.to_owned(),
            jar: Mutex::default(),
        }
    }

    /// The same browser in another tab: the same cookies, from then on apart.
    pub(crate) fn twin(&self) -> Self {
        Self {
            http: self.http.clone(),
            origin: self.origin.clone(),
            jar: Mutex::new(self.jar().clone()),
        }
    }

    /// The cookies.
    pub(crate) fn jar(&self) -> MutexGuard<'_, Jar> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value of the session cookie.
    pub(crate) fn session_cookie(&self) -> Option<String> {
        self.jar().value("sessionid")
    }

    /// A request as the browser would send it, cookies and origin included, without the CSRF header.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let changes = method != Method::GET;
        let mut request = self.http.request(method, format!("{}{path}", self.origin));
        if let Some(cookies) = self.jar().header() {
            request = request.header("cookie", cookies);
        }
        if changes {
            request = request
                .header("origin", &self.origin)
                .header("sec-fetch-site", "same-origin");
        }
        request
    }

    /// Sends a request made by [`Self::request`] and keeps the cookies of its answer.
    pub(crate) async fn send(&self, request: RequestBuilder) -> reqwest::Result<Answer> {
        let answer = Answer::read(request.send().await?).await?;
        self.jar().keep(&answer.cookies());
        Ok(answer)
    }

    /// Asks for a page.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.try_get(path).await.unwrap()
    }

    /// Asks for a page of a service that may be gone.
    pub(crate) async fn try_get(&self, path: &str) -> reqwest::Result<Answer> {
        self.send(self.request(Method::GET, path)).await
    }

    /// Changes something.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.change(Method::POST, path, Some(body)).await.unwrap()
    }

    /// Changes something without a body.
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.change(Method::DELETE, path, None).await.unwrap()
    }

    /// Changes something of a service that may be gone.
    pub(crate) async fn change(&self, method: Method, path: &str, body: Option<&Value>) -> reqwest::Result<Answer> {
        let token = self.csrf_token().await?;
        let mut request = self.request(method, path).header("x-csrftoken", token);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.send(request).await
    }

    async fn csrf_token(&self) -> reqwest::Result<String> {
        let known = self.jar().value("csrftoken");
        if let Some(token) = known {
            return Ok(token);
        }
        self.try_get("/api/csrf").await?.expect(200);
        Ok(self.jar().value("csrftoken").expect("GET /api/csrf sets the cookie"))
    }

    /// Signs up with [`PASSWORD`].
    pub(crate) async fn try_sign_up(&self, email: &str) -> reqwest::Result<Answer> {
        let wish = json!({"email": email, "password": PASSWORD});
        self.change(Method::POST, "/api/signup", Some(&wish)).await
    }

    /// Logs in.
    pub(crate) async fn try_log_in(&self, email: &str, password: &str) -> reqwest::Result<Answer> {
        let wish = json!({"email": email, "password": password});
        self.change(Method::POST, "/api/login", Some(&wish)).await
    }

    /// Logs in with [`PASSWORD`], which must succeed.
    pub(crate) async fn log_in(&self, email: &str) -> Answer {
        self.try_log_in(email, PASSWORD).await.unwrap().expect(200)
    }

    /// Logs out.
    pub(crate) async fn try_log_out(&self) -> reqwest::Result<Answer> {
        self.change(Method::POST, "/api/logout", None).await
    }

    /// Whether the session cookie is good.
    pub(crate) async fn is_signed_in(&self) -> bool {
        let session = self.get("/api/session").await.expect(200).json();
        session["authenticated"]
            .as_bool()
            .expect("says whether it is authenticated")
    }

    /// Id of the session, which must live.
    pub(crate) async fn session_id(&self) -> String {
        let session = self.get("/api/session").await.expect(200).json();
        session["session"]["id"]
            .as_str()
            .expect("a session has an id")
            .to_owned()
    }
}
