//! One identity provider: its kind's preset, with what the operator wrote instead.

use url::Url;

use super::{
    preset::Preset,
    value::{Address, AuthMethod, Password, Text, Words, is_endpoint},
};
use crate::config::{layers::Layers, setting::Setting};

/// `social.<name>.*`.
#[derive(Debug, Clone)]
pub struct Provider {
    /// What it is called in paths, events and configuration.
    pub name: String,
    /// What people call it.
    pub display_name: String,
    /// What it calls this service.
    pub client_id: String,
    /// What this service proves itself with; a public client has none.
    pub client_secret: Option<Password>,
    /// How; where nobody says, as the provider says, or in the body.
    pub auth_method: Option<AuthMethod>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Whether a login there is a fresh proof although it does not say when the person showed who they are.
    pub trusted_for_proof: bool,
    /// How it speaks.
    pub dialect: Dialect,
}

/// How a provider speaks.
#[derive(Debug, Clone)]
pub enum Dialect {
    /// OpenID Connect.
    Openid(Openid),
    /// GitHub's own, and GitHub Enterprise's.
    Github(Github),
    /// The Graph API.
    Facebook(Facebook),
    /// OAuth 2.0 and an answer described by its fields.
    Fields(Fields),
}

/// An OpenID provider. What is not written comes from its discovery document, which is not asked for where all four URLs
/// are written.
#[derive(Debug, Clone)]
pub struct Openid {
    /// Its identity, byte for byte.
    pub issuer: String,
    /// Instead of the discovered one.
    pub authorize_url: Option<Url>,
    /// Instead of the discovered one.
    pub token_url: Option<Url>,
    /// Instead of the discovered one.
    pub userinfo_url: Option<Url>,
    /// Instead of the discovered one.
    pub jwks_url: Option<Url>,
}

/// GitHub's endpoints.
#[derive(Debug, Clone)]
pub struct Github {
    /// Where people are sent to.
    pub authorize_url: Url,
    /// Where a code is exchanged.
    pub token_url: Url,
    /// Who it was.
    pub userinfo_url: Url,
    /// Which addresses are verified.
    pub emails_url: Url,
}

/// Facebook's endpoints.
#[derive(Debug, Clone)]
pub struct Facebook {
    /// Where people are sent to.
    pub authorize_url: Url,
    /// Where a code is exchanged.
    pub token_url: Url,
    /// Who it was.
    pub userinfo_url: Url,
}

/// Endpoints, and where in the answer of the last one things stand.
#[derive(Debug, Clone)]
pub struct Fields {
    /// Where people are sent to.
    pub authorize_url: Url,
    /// Where a code is exchanged.
    pub token_url: Url,
    /// Who it was.
    pub userinfo_url: Url,
    /// What never changes for a person.
    pub subject: String,
    /// The address.
    pub email: Option<String>,
    /// `true` when the provider has verified it. Without it no address is trusted.
    pub verified: Option<String>,
    /// The name.
    pub name: Option<String>,
}

impl Provider {
    /// The endpoints that stand in the configuration, with the keys that set them.
    #[must_use]
    pub fn urls(&self) -> Vec<(&'static str, Url)> {
        let some = |key: &'static str, url: &Option<Url>| url.clone().map(|url| (key, url));
        let all = |authorize: &Url, token: &Url, userinfo: &Url| {
            vec![
                ("authorize_url", authorize.clone()),
                ("token_url", token.clone()),
                ("userinfo_url", userinfo.clone()),
            ]
        };
        match &self.dialect {
            Dialect::Openid(of) => [
                some("issuer", &Url::parse(&of.issuer).ok()),
                some("authorize_url", &of.authorize_url),
                some("token_url", &of.token_url),
                some("userinfo_url", &of.userinfo_url),
                some("jwks_url", &of.jwks_url),
            ]
            .into_iter()
            .flatten()
            .collect(),
            Dialect::Github(of) => {
                let mut urls = all(&of.authorize_url, &of.token_url, &of.userinfo_url);
                urls.push(("emails_url", of.emails_url.clone()));
                urls
            }
            Dialect::Facebook(of) => all(&of.authorize_url, &of.token_url, &of.userinfo_url),
            Dialect::Fields(of) => all(&of.authorize_url, &of.token_url, &of.userinfo_url),
        }
    }
}

/// Reads the provider `name`, or complains.
pub(super) fn read(layers: &mut Layers, name: &str) -> Option<Provider> {
    let kind_key = format!("social.{name}.kind");
    let kind = layers
        .get(&kind_key)
        .and_then(|(raw, _)| raw.text())
        .unwrap_or_default();
    let Some(preset) = Preset::find(kind) else {
        layers.complain(&kind_key, &format!("write one of {}", Preset::kinds()));
        return None;
    };
    let mut reader = Reader { layers, name, preset };
    let (client_id, display_name) = (reader.need::<Text>("client_id"), reader.find::<Text>("display_name"));
    let client_secret = reader.secret();
    let (auth_method, scopes) = (reader.find("auth_method"), reader.find::<Words>("scopes"));
    let trusted_for_proof = reader.find::<bool>("trusted_for_proof");
    let dialect = reader.dialect();
    reader.refuse_others();
    Some(Provider {
        name: name.to_owned(),
        display_name: display_name?.map_or_else(|| shown(preset, name), |text| text.0),
        client_id: client_id?.0,
        client_secret: client_secret?,
        auth_method: auth_method?,
        scopes: scopes?.map_or_else(|| owned(preset.scopes), |words| words.0),
        trusted_for_proof: trusted_for_proof?.unwrap_or(false),
        dialect: dialect?,
    })
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().copied().map(str::to_owned).collect()
}

fn shown(preset: &Preset, name: &str) -> String {
    let own = preset.display_name;
    if own.is_empty() {
        name.to_owned()
    } else {
        own.to_owned()
    }
}

/// Reads the fields of one provider. An outer `None` means that something was complained about.
struct Reader<'a> {
    layers: &'a mut Layers,
    name: &'a str,
    preset: &'static Preset,
}

impl Reader<'_> {
    fn key(&self, field: &str) -> String {
        format!("social.{}.{field}", self.name)
    }

    #[expect(
        clippy::option_option,
        reason = "complained about, absent, and there are three things"
    )]
    fn find<T: Setting>(&mut self, field: &str) -> Option<Option<T>> {
        let key = self.key(field);
        match self.layers.get(&key).map(|(raw, _)| T::read(raw)) {
            None => Some(None),
            Some(Ok(value)) => Some(Some(value)),
            Some(Err(remedy)) => {
                self.layers.complain(&key, &remedy);
                None
            }
        }
    }

    fn need<T: Setting>(&mut self, field: &str) -> Option<T> {
        let found = self.find(field)?;
        if found.is_none() {
            let remedy = format!("a provider of the kind `{}` needs it", self.preset.kind);
            self.layers.complain(&self.key(field), &remedy);
        }
        found
    }

    /// The secret. Only a public client of OpenID Connect or plain OAuth2 has none.
    #[expect(
        clippy::option_option,
        reason = "complained about, absent, and there are three things"
    )]
    fn secret(&mut self) -> Option<Option<Password>> {
        let filled = |secret: Option<Password>| secret.filter(|secret| !secret.reveal().is_empty());
        let secret = self.find::<Password>("client_secret").map(filled)?;
        if secret.is_none() && !matches!(self.preset.kind, "oidc" | "oauth2") {
            self.layers.complain(
                &self.key("client_secret"),
                "write what the provider gave you, or name a file that holds it in a variable with `_FILE` at its end",
            );
            return None;
        }
        Some(secret)
    }

    #[expect(
        clippy::option_option,
        reason = "complained about, absent, and there are three things"
    )]
    fn url(&mut self, field: &str) -> Option<Option<Url>> {
        let own = self.find::<Address>(field)?.and_then(|address| address.0);
        let preset = self.preset.value(field).and_then(|text| Url::parse(text).ok());
        Some(own.or(preset))
    }

    fn need_url(&mut self, field: &str) -> Option<Url> {
        let url = self.url(field)?;
        if url.is_none() {
            let remedy = format!("a provider of the kind `{}` needs it", self.preset.kind);
            self.layers.complain(&self.key(field), &remedy);
        }
        url
    }

    #[expect(
        clippy::option_option,
        reason = "complained about, absent, and there are three things"
    )]
    fn field(&mut self, field: &str) -> Option<Option<String>> {
        let own = self.find::<Text>(field)?.map(|text| text.0);
        Some(own.or_else(|| self.preset.value(field).map(str::to_owned)))
    }

    fn dialect(&mut self) -> Option<Dialect> {
        match self.preset.kind {
            "google" | "oidc" => self.openid().map(Dialect::Openid),
            "github" => self.github().map(Dialect::Github),
            "facebook" => self.facebook().map(Dialect::Facebook),
            _ => self.fields().map(Dialect::Fields),
        }
    }

    fn openid(&mut self) -> Option<Openid> {
        let issuer = self.field("issuer")?;
        let fits = |text: &str| Url::parse(text).is_ok_and(|url| is_endpoint(&url) && url.query().is_none());
        if !issuer.as_deref().is_some_and(fits) {
            self.layers.complain(
                &self.key("issuer"),
                "write the URL that the provider's discovery document says under `issuer`, such as `https://id.example.org`",
            );
            return None;
        }
        let (authorize_url, token_url) = (self.url("authorize_url"), self.url("token_url"));
        let (userinfo_url, jwks_url) = (self.url("userinfo_url"), self.url("jwks_url"));
        Some(Openid {
            issuer: issuer?,
            authorize_url: authorize_url?,
            token_url: token_url?,
            userinfo_url: userinfo_url?,
            jwks_url: jwks_url?,
        })
    }

    fn github(&mut self) -> Option<Github> {
        let (authorize_url, token_url) = (self.need_url("authorize_url"), self.need_url("token_url"));
        let (userinfo_url, emails_url) = (self.need_url("userinfo_url"), self.need_url("emails_url"));
        Some(Github {
            authorize_url: authorize_url?,
            token_url: token_url?,
            userinfo_url: userinfo_url?,
            emails_url: emails_url?,
        })
    }

    fn facebook(&mut self) -> Option<Facebook> {
        let (authorize_url, token_url) = (self.need_url("authorize_url"), self.need_url("token_url"));
        let userinfo_url = self.need_url("userinfo_url");
        Some(Facebook {
            authorize_url: authorize_url?,
            token_url: token_url?,
            userinfo_url: userinfo_url?,
        })
    }

    fn fields(&mut self) -> Option<Fields> {
        let (authorize_url, token_url) = (self.need_url("authorize_url"), self.need_url("token_url"));
        let userinfo_url = self.need_url("userinfo_url");
        let (subject, email) = (self.field("subject_field"), self.field("email_field"));
        let (verified, name) = (self.field("verified_field"), self.field("name_field"));
        if subject == Some(None) {
            self.layers.complain(
                &self.key("subject_field"),
                "name the field of the user-info answer that never changes for a person, such as `id`",
            );
        }
        Some(Fields {
            authorize_url: authorize_url?,
            token_url: token_url?,
            userinfo_url: userinfo_url?,
            subject: subject??,
            email: email?,
            verified: verified?,
            name: name?,
        })
    }

    /// Complains about keys that this kind does not know: whoever wrote them expects something of them.
    fn refuse_others(&mut self) {
        let fields = ["subject_field", "email_field", "verified_field", "name_field"];
        let foreign: &[&str] = match self.preset.kind {
            "google" | "oidc" => &["emails_url"],
            "github" => &["issuer", "jwks_url"],
            _ => &["issuer", "jwks_url", "emails_url"],
        };
        let described = matches!(self.preset.kind, "google" | "oidc" | "github" | "facebook");
        let foreign = foreign.iter().chain(fields.iter().filter(|_| described));
        for field in foreign {
            let key = self.key(field);
            if self.layers.get(&key).is_some() {
                let remedy = format!(
                    "a provider of the kind `{}` has no such thing; remove it",
                    self.preset.kind
                );
                self.layers.complain(&key, &remedy);
            }
        }
    }
}
