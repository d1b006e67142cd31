//! The command that hands out the book of logins.

use std::{net::IpAddr, path::PathBuf};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use doorbook_domain::{id::UserId, time::Timestamp};
use doorbook_openapi::{audit::LoginFilter, formats::Format};
use doorbook_projections::login_history::Won;

/// `doorbook audit export`
#[derive(Debug, Args)]
pub struct ExportLogins {
    /// The form of the file
    #[arg(long, value_parser = format())]
    pub format: Format,
    /// Where to; made readable for its owner only [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Of this user
    #[arg(long, value_name = "ID")]
    user_id: Option<UserId>,
    /// At this address: its failures, and the successes of whoever held it then
    #[arg(long)]
    email: Option<String>,
    /// From this address of the network
    #[arg(long)]
    ip: Option<IpAddr>,
    /// How it went
    #[arg(long, value_parser = outcome())]
    outcome: Option<Won>,
    /// By `password` or `social`
    #[arg(long)]
    method: Option<String>,
    /// By this identity provider
    #[arg(long)]
    provider: Option<String>,
    /// Why it failed: `wrong_password`, `unknown_address` …
    #[arg(long)]
    reason: Option<String>,
    /// Not before: `2026-11-01T00:00:00Z`
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    from: Option<Timestamp>,
    /// Before
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    to: Option<Timestamp>,
}

impl ExportLogins {
    /// What is looked for.
    #[must_use]
    pub fn filter(&self) -> LoginFilter {
        LoginFilter {
            user: self.user_id,
            email: self.email.clone(),
            ip: self.ip,
            outcome: self.outcome,
            method: self.method.clone(),
            provider: self.provider.clone(),
            reason: self.reason.clone(),
            from: self.from,
            to: self.to,
        }
    }
}

fn format() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::as_str)).try_map(|text| {
        let known = Format::ALL.into_iter().find(|format| format.as_str() == text);
        known.ok_or("no such form")
    })
}

fn outcome() -> impl TypedValueParser<Value = Won> {
    const BOTH: [Won; 2] = [Won::Success, Won::Failure];
    PossibleValuesParser::new(BOTH.map(Won::as_str)).try_map(|text| {
        let known = BOTH.into_iter().find(|won| won.as_str() == text);
        known.ok_or("no such outcome")
    })
}

fn instant(text: &str) -> Result<Timestamp, &'static str> {
    let instant = chrono::DateTime::parse_from_rfc3339(text);
    let instant = instant.map_err(|_| "write an instant as in RFC 3339, such as `2026-11-25T14:03:00Z`")?;
    Ok(instant.to_utc().into())
}
