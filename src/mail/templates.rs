//! The words of letters: compiled into the program, and replaceable by files of the operator.

use std::{fs, path::Path};

use doorbook_domain::time::Timestamp;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value, syntax::SyntaxConfig};

use super::{Letter, Locale, letter::Circumstances, post::MailError};

macro_rules! built_in {
    ($($locale:literal: $($name:literal)+;)+) => {
        &[$($(
            (concat!($locale, "/", $name, ".txt"), include_str!(concat!("templates/", $locale, "/", $name, ".txt"))),
            (concat!($locale, "/", $name, ".html"), include_str!(concat!("templates/", $locale, "/", $name, ".html"))),
        )+)+]
    };
}

/// Name and source of every template that comes with the program.
const BUILT_IN: &[(&str, &str)] = built_in! {
    "en": "layout" "verify_address" "verify_address_only" "address_known" "reset_password" "invited" "confirm_address" "new_device"
        "password_changed" "password_reset" "address_change_requested" "address_changed" "taken_over" "social_linked"
        "social_unlinked" "deactivated" "test";
    "de": "layout" "verify_address" "verify_address_only" "address_known" "reset_password" "invited" "confirm_address" "new_device"
        "password_changed" "password_reset" "address_change_requested" "address_changed" "taken_over" "social_linked"
        "social_unlinked" "deactivated" "test";
};

/// Fields that every template may name.
const COMMON: [&str; 3] = ["site", "home", "subject"];

/// A letter in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// A page of HTML that loads nothing.
    pub html: String,
}

/// The words of all letters.
pub struct Templates {
    environment: Environment<'static>,
    home: String,
    site: String,
}

impl Templates {
    /// Takes the built-in templates, and those of a directory instead where it has some. `home` is the address that
    /// people know the service by, without a slash at the end.
    ///
    /// # Errors
    ///
    /// [`MailError::Template`] when a file cannot be read, is none of the letters, does not compile, or names a field
    /// that its letter does not have.
    pub fn load(directory: Option<&Path>, home: &str) -> Result<Self, MailError> {
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(syntax()?);
        environment.set_auto_escape_callback(|name| match name.rsplit_once('.') {
            Some((_, "html")) => AutoEscape::Html,
            _ => AutoEscape::None,
        });
        environment.set_path_join_callback(|name, parent| {
            let folder = parent.split_once('/').map_or("", |(folder, _)| folder);
            format!("{folder}/{name}").into()
        });
        for (name, source) in BUILT_IN {
            environment.add_template(name, source).map_err(broken(name))?;
        }
        if let Some(directory) = directory {
            replace(&mut environment, directory)?;
        }
        let site = home.split_once("://").map_or(home, |(_, site)| site).to_owned();
        let templates = Self {
            environment,
            home: home.to_owned(),
            site,
        };
        templates.check()?;
        Ok(templates)
    }

    /// Puts a letter into words.
    ///
    /// # Errors
    ///
    /// [`MailError::Template`] when a template fails, which [`Self::load`] has tried.
    pub fn write(&self, letter: &Letter, locale: Locale) -> Result<Written, MailError> {
        let name = format!("{}/{}", locale.code(), letter.name());
        let (text_name, html_name) = (format!("{name}.txt"), format!("{name}.html"));
        let mut fields = fields(letter, locale);
        fields.extend([("site", self.site.clone().into()), ("home", self.home.clone().into())]);
        let (subject, text) = self.text(&text_name, &fields).map_err(broken(&text_name))?;
        fields.push(("subject", subject.clone().into()));
        let html = self.environment.get_template(&html_name);
        let html = html.and_then(|template| template.render(Value::from_pairs(fields)));
        Ok(Written {
            subject,
            text,
            html: html.map_err(broken(&html_name))?,
        })
    }

    /// What the block `subject` says, in one line, and the whole text.
    fn text(&self, name: &str, fields: &[(&'static str, Value)]) -> Result<(String, String), minijinja::Error> {
        let template = self.environment.get_template(name)?;
        let mut written = template.render_captured(Value::from_pairs(fields.iter().cloned()))?;
        let subject = written.with_state_mut(|state| state.render_block("subject"))?;
        let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok((subject, written.into_output()))
    }

    /// Tries everything: names of fields, then each letter with all that it can say and with as little as it can.
    fn check(&self) -> Result<(), MailError> {
        let samples = samples();
        for locale in Locale::ALL {
            for form in ["txt", "html"] {
                self.check_names(&format!("{}/layout.{form}", locale.code()), &[])?;
                for letter in &samples {
                    let known: Vec<&str> = fields(letter, locale).iter().map(|(name, _)| *name).collect();
                    self.check_names(&format!("{}/{}.{form}", locale.code(), letter.name()), &known)?;
                }
            }
            for letter in &samples {
                self.write(letter, locale)?;
            }
        }
        Ok(())
    }

    fn check_names(&self, name: &str, known: &[&str]) -> Result<(), MailError> {
        let template = self.environment.get_template(name).map_err(broken(name))?;
        let mut unknown: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        unknown.retain(|field| !known.contains(&field.as_str()) && !COMMON.contains(&field.as_str()));
        unknown.sort_unstable();
        let Some(field) = unknown.first() else { return Ok(()) };
        let reason = format!("it names `{field}`, which this letter does not have");
        Err(MailError::template(name, reason))
    }
}

/// Tags leave no empty lines behind.
fn syntax() -> Result<SyntaxConfig, MailError> {
    let mut builder = SyntaxConfig::builder();
    builder.trim_blocks(true).lstrip_blocks(true);
    builder.build().map_err(broken("the syntax"))
}

/// What a template is told: text only, or nothing.
fn fields(letter: &Letter, locale: Locale) -> Vec<(&'static str, Value)> {
    let when = |name: &'static str, at: &Timestamp| (name, Value::from(locale.instant(*at)));
    let text = |name: &'static str, text: &str| (name, Value::from(text));
    match letter {
        Letter::VerifyAddress { link, asked, until } | Letter::ResetPassword { link, asked, until } => {
            let mut fields = circumstances(asked, locale);
            fields.extend([text("link", link), when("until", until)]);
            fields
        }
        Letter::AddressKnown { login, reset, asked } => {
            let mut fields = circumstances(asked, locale);
            fields.extend([text("login", login), text("reset", reset)]);
            fields
        }
        Letter::VerifyAddressOnly { link, until }
        | Letter::Invited { link, until }
        | Letter::ConfirmAddress { link, until } => {
            vec![text("link", link), when("until", until)]
        }
        Letter::NewDevice { seen } => circumstances(seen, locale),
        Letter::SocialLinked { provider, at } | Letter::SocialUnlinked { provider, at } => {
            vec![text("provider", provider), when("at", at)]
        }
        Letter::PasswordReset { accounts, at } => {
            let list = (!accounts.is_empty()).then(|| accounts.join(", "));
            vec![("accounts", list.into()), when("at", at)]
        }
        Letter::PasswordChanged { at }
        | Letter::AddressChangeRequested { at }
        | Letter::AddressChanged { at }
        | Letter::TakenOver { at }
        | Letter::Deactivated { at }
        | Letter::Test { at } => vec![when("at", at)],
    }
}

fn circumstances(seen: &Circumstances, locale: Locale) -> Vec<(&'static str, Value)> {
    let ip = seen.ip.as_deref().and_then(|ip| ip.parse::<std::net::IpAddr>().ok());
    let device = seen.user_agent.as_deref().and_then(super::device::describe);
    vec![
        ("at", locale.instant(seen.at).into()),
        ("ip", ip.map(|ip| ip.to_string()).into()),
        ("device", device.into()),
    ]
}

/// Puts the files of the operator in place of built-in templates.
fn replace(environment: &mut Environment<'static>, directory: &Path) -> Result<(), MailError> {
    let unreadable = |path: &Path| {
        let file = path.display().to_string();
        move |error: std::io::Error| MailError::template(&file, format!("it cannot be read: {error}"))
    };
    for locale in Locale::ALL {
        let folder = directory.join(locale.code());
        if !folder.exists() {
            continue;
        }
        for entry in fs::read_dir(&folder).map_err(unreadable(&folder))? {
            let path = entry.map_err(unreadable(&folder))?.path();
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("{}/{file}", locale.code());
            if !BUILT_IN.iter().any(|(known, _)| *known == name) {
                let names = Letter::NAMES.join(", ");
                let reason = format!("there is no such letter: name it layout, {names}, with `.txt` or `.html`");
                return Err(MailError::template(&path.display().to_string(), reason));
            }
            let source = fs::read_to_string(&path).map_err(unreadable(&path))?;
            environment
                .add_template_owned(name, source)
                .map_err(broken(&path.display().to_string()))?;
        }
    }
    fs::metadata(directory).map(drop).map_err(unreadable(directory))
}

fn broken(name: &str) -> impl FnOnce(minijinja::Error) -> MailError {
    let name = name.to_owned();
    move |error| {
        let what = match (error.kind(), error.detail()) {
            (ErrorKind::UndefinedError, None) => "it names a field that this letter does not have".to_owned(),
            (kind, None) => kind.to_string(),
            (kind, Some(detail)) => format!("{kind}: {detail}"),
        };
        let line = error.line().map_or_else(String::new, |line| format!(" (line {line})"));
        MailError::template(&name, format!("{what}{line}"))
    }
}

const VERIFY: &str = "https://auth.example.org/auth/verify";
const RESET: &str = "https://auth.example.org/auth/reset";

/// Every letter with everything that it may say, and those that may say less once more.
pub(super) fn samples() -> Vec<Letter> {
    let at = Timestamp::from_micros(1_772_441_070_000_000);
    let until = at.plus(std::time::Duration::from_hours(24));
    let whole = Circumstances {
        at,
        ip: Some("192.0.2.7".to_owned()),
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned()),
    };
    let bare = Circumstances {
        at,
        ip: None,
        user_agent: None,
    };
    let mut all = Vec::new();
    for asked in [whole, bare] {
        all.extend(asked_samples(&asked, until));
    }
    all.extend(plain_samples(at, until));
    all
}

/// Those that say from where something was asked for.
fn asked_samples(asked: &Circumstances, until: Timestamp) -> [Letter; 4] {
    [
        Letter::VerifyAddress {
            link: format!("{VERIFY}#token=c2FtcGxl"),
            asked: asked.clone(),
            until,
        },
        Letter::AddressKnown {
            login: "https://auth.example.org/login".to_owned(),
            reset: RESET.to_owned(),
            asked: asked.clone(),
        },
        Letter::ResetPassword {
            link: format!("{RESET}#token=c2FtcGxl"),
            asked: asked.clone(),
            until,
        },
        Letter::NewDevice { seen: asked.clone() },
    ]
}

/// The others.
fn plain_samples(at: Timestamp, until: Timestamp) -> [Letter; 13] {
    let provider = "GitHub".to_owned();
    [
        Letter::Invited {
            link: format!("{RESET}#token=c2FtcGxl"),
            until,
        },
        Letter::ConfirmAddress {
            link: format!("{VERIFY}#token=c2FtcGxl"),
            until,
        },
        Letter::VerifyAddressOnly {
            link: format!("{VERIFY}#token=c2FtcGxl"),
            until,
        },
        Letter::PasswordChanged { at },
        Letter::PasswordReset {
            accounts: vec![provider.clone(), "Google".to_owned()],
            at,
        },
        Letter::PasswordReset {
            accounts: Vec::new(),
            at,
        },
        Letter::AddressChangeRequested { at },
        Letter::AddressChanged { at },
        Letter::TakenOver { at },
        Letter::SocialLinked {
            provider: provider.clone(),
            at,
        },
        Letter::SocialUnlinked { provider, at },
        Letter::Deactivated { at },
        Letter::Test { at },
    ]
}
