//! JSON documents of providers.

use oauth2::{
    HttpRequest,
    http::{HeaderValue, Method, header},
};
use serde::de::DeserializeOwned;
use url::Url;

use super::error::ProviderError;
use crate::outbound::{Outage, Outbound};

impl Outbound {
    /// Asks for a JSON document, with an access token where one is needed.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Down`] when there is no answer or none of use now; [`ProviderError::Refused`] when it is no;
    /// [`ProviderError::Untrusted`] when it is not JSON of that form.
    pub(super) async fn json<T: DeserializeOwned>(
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
}
