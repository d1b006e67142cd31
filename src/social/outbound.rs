//! Requests to providers: nowhere but where they should go, not for long, and with answers of bounded length.

use std::{io, net::SocketAddr, time::Duration};

use doorbook_projections::fault::Fault;
use oauth2::{
    HttpRequest, HttpResponse,
    http::{HeaderValue, Method, header},
};
use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use serde::de::DeserializeOwned;
use url::{Host, Url};

use super::{
    error::{Outage, ProviderError},
    internal::is_internal,
};
use crate::tls;

/// Longest answer that is read, in bytes. Google's keys are 2 KB, a long list of addresses 20 KB.
const ANSWER_MAX: usize = 256 * 1024;
/// GitHub refuses requests that do not say who they are from.
const USER_AGENT: &str = concat!("doorbook/", env!("CARGO_PKG_VERSION"));

/// The client of everything that the operator configured as an endpoint.
///
/// It follows no redirect, uses no proxy, and refuses internal addresses after their names are resolved, so that a name
/// cannot lead inside either (ASVS 5.0, 1.3.6 and 15.3.2).
#[derive(Debug, Clone)]
pub struct Outbound {
    client: Client,
    allow_internal: bool,
}

impl Outbound {
    /// A client whose requests may take as long as `timeout`.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the certificates of the system cannot be read.
    pub fn new(allow_internal: bool, timeout: Duration) -> Result<Self, Fault> {
        tls::install();
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .timeout(timeout)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Guarded { allow_internal });
        let client = client
            .build()
            .map_err(Fault::because("the client of identity providers cannot start"))?;
        Ok(Self { client, allow_internal })
    }

    /// Sends a request and reads the whole answer, whatever its status.
    ///
    /// # Errors
    ///
    /// [`Outage`] when there is no answer, it is too long, or the address is one that this service does not call.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Outage> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|_| Outage::Forbidden("the address is no URL"))?;
        self.check(&url)?;
        let request = self.client.request(parts.method, url).headers(parts.headers).body(body);
        let mut answer = request.send().await.map_err(unreachable)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > ANSWER_MAX {
                return Err(Outage::TooLong(ANSWER_MAX));
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = HttpResponse::new(body);
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        Ok(response)
    }

    /// Asks for a JSON document, with an access token where one is needed.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Down`] when there is no answer or none of use now; [`ProviderError::Refused`] when it is no;
    /// [`ProviderError::Untrusted`] when it is not JSON of that form.
    pub async fn json<T: DeserializeOwned>(
        &self,
        what: &'static str,
        url: &Url,
        token: Option<&oauth2::AccessToken>,
    ) -> Result<T, ProviderError> {
        let mut request = HttpRequest::new(Vec::new());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = url
            .as_str()
            .parse()
            .map_err(|_| ProviderError::unreadable("its address"))?;
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.secret()))
                .map_err(|_| ProviderError::unreadable("the token"))?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let response = self.send(request).await?;
        let status = response.status();
        if status.is_server_error() || status.as_u16() == 429 {
            return Err(Outage::Status(status.as_u16()).into());
        }
        if !status.is_success() {
            return Err(ProviderError::Refused(format!("{what}: status {}", status.as_u16())));
        }
        serde_json::from_slice(response.body()).map_err(|_| ProviderError::unreadable(what))
    }

    /// Whether people may be sent to `url`, and requests too.
    ///
    /// # Errors
    ///
    /// [`Outage::Forbidden`] when it is plain http or internal, unless that is allowed.
    pub fn check(&self, url: &Url) -> Result<(), Outage> {
        if self.allow_internal && matches!(url.scheme(), "http" | "https") {
            return Ok(());
        }
        if url.scheme() != "https" {
            return Err(Outage::Forbidden("the address is not https"));
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(_)) | None => None,
        };
        if address.is_some_and(is_internal) {
            return Err(Outage::Forbidden(INTERNAL));
        }
        Ok(())
    }
}

const INTERNAL: &str = "the address is internal; `social.allow_internal` would allow it";

/// Hides the URL: it may hold a proof.
fn unreachable(error: reqwest::Error) -> Outage {
    Outage::Unreachable(error.without_url())
}

/// Resolves names to addresses that may be called.
struct Guarded {
    allow_internal: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_internal = self.allow_internal;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed = found
                .into_iter()
                .filter(|address| allow_internal || !is_internal(address.ip()));
            let allowed: Vec<SocketAddr> = allowed.collect();
            if allowed.is_empty() {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, INTERNAL).into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}
