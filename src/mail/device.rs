//! What a user agent is, in words of our own.

/// Marks in a user agent and what they stand for; the first that is found counts, since browsers name their ancestors.
const BROWSERS: [(&str, &str); 10] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
    ("curl/", "curl"),
    ("Safari/", "Safari"),
];
const SYSTEMS: [(&str, &str); 7] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// Browser and system, as far as they are known ones. Nothing of the text itself is passed on: a stranger wrote it.
pub(super) fn describe(user_agent: &str) -> Option<String> {
    let known = |table: &[(&str, &'static str)]| {
        let found = table.iter().find(|(mark, _)| user_agent.contains(mark));
        found.map(|(_, name)| *name)
    };
    match (known(&BROWSERS), known(&SYSTEMS)) {
        (Some(browser), Some(system)) => Some(format!("{browser}, {system}")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[test]
    fn usual_browsers_are_named() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Safari/537.36 Edg/143.0";
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";
        assert_eq!(describe(firefox).as_deref(), Some("Firefox, Linux"));
        assert_eq!(describe(edge).as_deref(), Some("Edge, Windows"));
        assert_eq!(describe(phone).as_deref(), Some("Safari, iPhone"));
        assert_eq!(describe("curl/8.5.0").as_deref(), Some("curl"));
    }

    #[test]
    fn words_of_a_stranger_are_not_passed_on() {
        assert_eq!(describe("win a prize at evil.example"), None);
        assert_eq!(describe("<b>\r\nBcc: x@y Firefox/1"), Some("Firefox".to_owned()));
    }
}
