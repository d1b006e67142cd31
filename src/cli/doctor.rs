//! `doorbook doctor`: whether what this service needs from others is there.

use serde_json::json;

use super::{exit::Failure, output::Output};
use crate::{
    config::Config,
    social::{Provider, Providers},
};

/// Asks every identity provider what it publishes, and says what its console has to hold. Nothing is opened or changed.
pub(crate) async fn run(config: &Config, output: &Output) -> Result<(), Failure> {
    let providers = Providers::new(&config.social, &config.http.public_url)?;
    let mut ill = 0;
    for provider in providers.iter() {
        ill += usize::from(!examine(provider, config, output).await?);
    }
    if providers.iter().next().is_none() {
        output.value(&json!({"providers": []}), || {
            "No identity provider is configured.".to_owned()
        })?;
    }
    if ill > 0 {
        return Err(Failure::Refused(format!(
            "{ill} of the identity providers cannot be used"
        )));
    }
    Ok(())
}

async fn examine(provider: &Provider, config: &Config, output: &Output) -> Result<bool, Failure> {
    let now = config.service_clock().now();
    let trouble = provider.probe(now).await.err().map(|error| error.to_string());
    let [page, server] = provider.redirect_uris();
    let value = json!({
        "provider": provider.name(),
        "ok": trouble.is_none(),
        "trouble": trouble,
        "redirect_uris": [page.as_str(), server.as_str()],
    });
    output.value(&value, || {
        let state = state(trouble.as_deref(), provider.publishes());
        format!(
            "{} ({}): {state}\n  redirect URIs for its console:\n    {page}\n    {server}",
            provider.name(),
            provider.display_name(),
        )
    })?;
    Ok(trouble.is_none())
}

/// How a provider is. Of one that publishes nothing, only a sign-in shows whether its settings are right.
pub(super) const fn state(trouble: Option<&str>, publishes: bool) -> &str {
    match (trouble, publishes) {
        (Some(trouble), _) => trouble,
        (None, true) => "fine",
        (None, false) => "configured; it publishes nothing that could be asked",
    }
}
