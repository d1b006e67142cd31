//! The authorization code flow (RFC 6749, 4.1) with PKCE (RFC 7636), by the crate `oauth2`.

use std::borrow::Cow;

use oauth2::{
    AccessToken, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, TokenResponse, TokenUrl,
};
use url::Url;

use super::{
    error::ProviderError,
    flow::Secrets,
    tokens::{Answer, Client, IdToken, normalise},
};
use crate::config::social::{AuthMethod, Provider};
use crate::outbound::{Outage, Outbound};

/// What a code was exchanged for. Dropped with the request that asked for it.
#[derive(Debug)]
pub(super) struct Tokens {
    /// Opens the user-info endpoint.
    pub(super) access: AccessToken,
    /// Says who it was, signed.
    pub(super) id: Option<IdToken>,
}

/// What a request for authorization carries beside the usual.
pub(super) type Extras = Vec<(&'static str, String)>;

/// The URL that people are sent to.
pub(super) fn authorize_url(of: &Provider, url: &Url, secrets: &Secrets, redirect: &Url, extras: Extras) -> Url {
    let client = Client::new(ClientId::new(of.client_id.clone())).set_auth_uri(AuthUrl::from_url(url.clone()));
    let verifier = PkceCodeVerifier::new(secrets.verifier.clone());
    let request = client
        .authorize_url(|| CsrfToken::new(secrets.state.clone()))
        .set_redirect_uri(Cow::Owned(RedirectUrl::from_url(redirect.clone())))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .add_scopes(of.scopes.iter().cloned().map(Scope::new));
    let request = extras
        .into_iter()
        .fold(request, |request, (name, value)| request.add_extra_param(name, value));
    request.url().0
}

/// One exchange.
pub(super) struct Request<'a> {
    /// The token endpoint.
    pub(super) url: &'a Url,
    /// How the secret is sent where nobody says otherwise.
    pub(super) usual: AuthMethod,
    pub(super) code: &'a str,
    pub(super) verifier: &'a str,
    /// Where the code came to: the same as in the request for it.
    pub(super) redirect: &'a Url,
}

/// Exchanges a code, once.
///
/// # Errors
///
/// [`ProviderError`], never with the code or a token in it.
pub(super) async fn redeem(http: &Outbound, of: &Provider, request: Request<'_>) -> Result<Tokens, ProviderError> {
    let auth_type = match of.auth_method.unwrap_or(request.usual) {
        AuthMethod::Basic => AuthType::BasicAuth,
        AuthMethod::Post => AuthType::RequestBody,
    };
    let mut client = Client::new(ClientId::new(of.client_id.clone())).set_auth_type(auth_type);
    if let Some(secret) = &of.client_secret {
        client = client.set_client_secret(ClientSecret::new(secret.reveal().to_owned()));
    }
    let client = client.set_token_uri(TokenUrl::from_url(request.url.clone()));
    // Each request owns its client: the library asks for a future that borrows nothing.
    let http = http.clone();
    let call = move |request| {
        let http = http.clone();
        async move { normalise(&http.send(request).await?) }
    };
    let answer = client
        .exchange_code(AuthorizationCode::new(request.code.to_owned()))
        .set_pkce_verifier(PkceCodeVerifier::new(request.verifier.to_owned()))
        .set_redirect_uri(Cow::Owned(RedirectUrl::from_url(request.redirect.clone())))
        .request_async(&call)
        .await
        .map_err(refusal)?;
    Ok(tokens(&answer))
}

fn tokens(answer: &Answer) -> Tokens {
    Tokens {
        access: answer.access_token().clone(),
        id: answer.extra_fields().id_token().cloned(),
    }
}

fn refusal(error: RequestTokenError<Outage, oauth2::basic::BasicErrorResponse>) -> ProviderError {
    match error {
        RequestTokenError::ServerResponse(answer) => ProviderError::Refused(answer.error().as_ref().to_owned()),
        RequestTokenError::Request(outage) => ProviderError::Down(outage),
        // What could not be parsed may hold a token: it is not shown.
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => ProviderError::unreadable("the token answer"),
    }
}
