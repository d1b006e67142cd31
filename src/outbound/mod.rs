//! Requests to where the operator said: nowhere but where they should go, not for long, and with answers of bounded length.
//! Identity providers ([`crate::social`]) and receivers of webhooks ([`crate::webhooks`]) are called by it.

mod internal;

use std::{net::SocketAddr, time::Duration};

use doorbook_projections::fault::Fault;
use oauth2::{HttpRequest, HttpResponse};
use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
    header::RETRY_AFTER,
    redirect,
};
use url::{Host, Url};

use self::internal::is_internal;
use crate::tls;

/// Longest answer that is read, in bytes. Google's keys are 2 KB, a long list of addresses 20 KB.
const ANSWER_MAX: usize = 256 * 1024;
/// GitHub refuses requests that do not say who they are from.
const USER_AGENT: &str = concat!("doorbook/", env!("CARGO_PKG_VERSION"));

/// The other side could not be asked. The reasons are for logs and lists: they hold no proof and no address.
#[derive(Debug, thiserror::Error)]
pub enum Outage {
    /// No connection, or none in time.
    #[error("no answer")]
    Unreachable(#[source] reqwest::Error),
    /// It could not be asked a moment ago, for whatever reason.
    #[error("no answer a moment ago")]
    Lately,
    /// It says that it cannot answer now.
    #[error("status {0}")]
    Status(u16),
    /// Its answer is too long to be read.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// It lies where this service does not call.
    #[error("{0}")]
    Forbidden(&'static str),
}

/// The head of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// When to come back, as it was said.
    pub retry_after: Option<String>,
}

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
            .map_err(Fault::because("there is no HTTP client to call others with"))?;
        Ok(Self { client, allow_internal })
    }

    /// Sends a request and reads the whole answer, whatever its status.
    ///
    /// # Errors
    ///
    /// [`Outage`] when there is no answer, it is too long, or the address is one that this service does not call.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Outage> {
        let mut answer = self.call(request).await?;
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

    /// Sends a request and waits for the head of the answer; its body is not read.
    ///
    /// # Errors
    ///
    /// [`Outage`] when there is no answer, or the address is one that this service does not call.
    pub async fn ask(&self, request: HttpRequest) -> Result<Answer, Outage> {
        let answer = self.call(request).await?;
        let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Ok(Answer {
            status: answer.status().as_u16(),
            retry_after: retry_after.map(str::to_owned),
        })
    }

    async fn call(&self, request: HttpRequest) -> Result<reqwest::Response, Outage> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|_| Outage::Forbidden("the address is no URL"))?;
        self.check(&url)?;
        let request = self.client.request(parts.method, url).headers(parts.headers).body(body);
        request.send().await.map_err(unreachable)
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

const INTERNAL: &str = "the address is internal; `allow_internal` would allow it";

/// Hides the URL: it may hold a proof. Where the resolver refused it, it says so.
fn unreachable(error: reqwest::Error) -> Outage {
    let error = error.without_url();
    let mut causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
    if causes.any(<dyn std::error::Error>::is::<Internal>) {
        return Outage::Forbidden(INTERNAL);
    }
    Outage::Unreachable(error)
}

/// The name leads to internal addresses only.
#[derive(Debug, thiserror::Error)]
#[error("{INTERNAL}")]
struct Internal;

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
                return Err(Internal.into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn refusal(outbound: &Outbound, url: &str) -> Option<String> {
        let checked = outbound.check(&Url::parse(url).unwrap());
        checked.err().map(|outage| outage.to_string())
    }

    #[test]
    fn number_is_internal_in_every_spelling() {
        let (careful, open) = (
            Outbound::new(false, PATIENCE).unwrap(),
            Outbound::new(true, PATIENCE).unwrap(),
        );
        for url in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:7f00:1]/",
            "https://[fe80::1]/",
            "https://169.254.169.254/latest/meta-data/",
        ] {
            assert_eq!(refusal(&careful, url).as_deref(), Some(INTERNAL), "{url}");
            assert_eq!(refusal(&open, url), None, "{url}");
        }
        assert_eq!(refusal(&careful, "https://1.1.1.1/"), None);
        assert_eq!(
            refusal(&careful, "http://1.1.1.1/").as_deref(),
            Some("the address is not https")
        );
        assert!(refusal(&open, "ftp://1.1.1.1/").is_some());
    }

    #[tokio::test]
    async fn name_is_internal_by_the_address_that_it_leads_to() {
        let careful = Outbound::new(false, PATIENCE).unwrap();
        let mut request = HttpRequest::new(Vec::new());
        *request.uri_mut() = "https://localhost:1/".parse().unwrap();
        let refused = careful.ask(request.clone()).await.unwrap_err();
        assert_eq!(refused.to_string(), INTERNAL);
        let open = Outbound::new(true, PATIENCE).unwrap();
        let called = open.ask(request).await.unwrap_err();
        assert!(matches!(called, Outage::Unreachable(_)), "{called}");
    }
}
