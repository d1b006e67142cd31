//! What a user agent tells. A guess, and easily a lie: for people to read, never to decide by.

use doorbook_openapi::audit::Client;
use woothee::{parser::Parser, woothee::VALUE_UNKNOWN};

/// What the text tells, if anything.
pub(super) fn understand(user_agent: &str) -> Option<Client> {
    let known = |text: &str| (text != VALUE_UNKNOWN && !text.is_empty()).then(|| text.to_owned());
    let told = Parser::new()
        .parse(user_agent)
        .filter(|told| told.category != VALUE_UNKNOWN)?;
    Some(Client {
        kind: told.category.to_owned(),
        browser: known(told.name),
        version: known(told.version),
        os: known(told.os),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browser_and_system_are_understood() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
        let client = understand(firefox).unwrap();
        assert_eq!((&*client.kind, client.browser.as_deref()), ("pc", Some("Firefox")));
        assert_eq!(
            (client.version.as_deref(), client.os.as_deref()),
            (Some("143.0"), Some("Linux"))
        );
    }

    #[test]
    fn nonsense_is_not_understood() {
        for nonsense in ["", "=cmd|'/C calc'!A1", "\u{202e}"] {
            assert_eq!(understand(nonsense), None, "{nonsense}");
        }
    }
}
