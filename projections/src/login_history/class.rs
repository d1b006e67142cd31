use doorbook_domain::session::Method;

use super::Filter;
use crate::fnv::fnv;

/// The reason of failures that are not recorded singly.
pub const SEVERAL: &str = "several";

/// Whether a login succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Won {
    /// A session started.
    Success,
    /// It failed.
    Failure,
}

impl Won {
    /// As stored and shown: `success`, `failure`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// `success/password`, `success/social/<provider>`.
pub(super) fn success(method: &Method) -> String {
    let name = method.as_str();
    match method.provider() {
        None => format!("success/{name}"),
        Some(provider) => format!("success/{name}/{provider}"),
    }
}

/// `failure/<reason>` of a password, `failure/<reason>/<provider>` of a login by one.
pub(super) fn failure(reason: &str, provider: Option<&str>) -> String {
    match provider {
        None => format!("failure/{reason}"),
        Some(provider) => format!("failure/{reason}/{provider}"),
    }
}

/// What rows have of a class.
pub(super) fn number(class: &str) -> i64 {
    fnv(b'c', class).cast_signed()
}

pub(super) fn is_success(class: &str) -> bool {
    Class::parse(class).is_some_and(|class| class.won == Won::Success)
}

/// What a class says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Class<'a> {
    pub(super) won: Won,
    /// The method of a success, the reason of a failure.
    pub(super) kind: &'a str,
    pub(super) provider: Option<&'a str>,
}

impl<'a> Class<'a> {
    pub(super) fn parse(class: &'a str) -> Option<Self> {
        let mut parts = class.splitn(3, '/');
        let won = match parts.next()? {
            "success" => Won::Success,
            "failure" => Won::Failure,
            _ => return None,
        };
        let (kind, provider) = (parts.next()?, parts.next());
        Some(Self { won, kind, provider })
    }

    const fn method(&self) -> &'a str {
        match (self.won, self.provider) {
            (Won::Success, _) => self.kind,
            (Won::Failure, None) => "password",
            (Won::Failure, Some(_)) => "social",
        }
    }
}

impl Filter {
    /// Whether rows of the class can fit.
    pub(super) fn wants(&self, class: &str) -> bool {
        let Some(class) = Class::parse(class) else {
            return false;
        };
        let reason = (class.won == Won::Failure).then_some(class.kind);
        let fits =
            |wanted: &Option<String>, is: Option<&str>| wanted.as_deref().is_none_or(|wanted| is == Some(wanted));
        self.outcome.is_none_or(|wanted| class.won == wanted)
            && fits(&self.method, Some(class.method()))
            && fits(&self.provider, class.provider)
            && fits(&self.reason, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(filter: &Filter) -> Vec<&'static str> {
        let all = [
            "success/password",
            "success/social/git/hub",
            "failure/wrong_password",
            "failure/inactive/git/hub",
            "failure/several",
        ];
        all.into_iter().filter(|class| filter.wants(class)).collect()
    }

    #[test]
    fn filters_choose_classes() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(wanted(&Filter::default()).len(), 5);
        let filter = Filter {
            outcome: Some(Won::Failure),
            ..Filter::default()
        };
        let failures = ["failure/wrong_password", "failure/inactive/git/hub", "failure/several"];
        assert_eq!(wanted(&filter), failures);
        let filter = Filter {
            method: text("password"),
            ..Filter::default()
        };
        assert_eq!(
            wanted(&filter),
            ["success/password", "failure/wrong_password", "failure/several"]
        );
        let filter = Filter {
            method: text("social"),
            outcome: Some(Won::Failure),
            ..Filter::default()
        };
        assert_eq!(wanted(&filter), ["failure/inactive/git/hub"]);
        let filter = Filter {
            provider: text("git/hub"),
            ..Filter::default()
        };
        assert_eq!(wanted(&filter), ["success/social/git/hub", "failure/inactive/git/hub"]);
        let filter = Filter {
            reason: text("several"),
            ..Filter::default()
        };
        assert_eq!(wanted(&filter), ["failure/several"]);
    }

    #[test]
    fn filters_that_contradict_each_other_choose_none() {
        let reason = Some("several".to_owned());
        let filter = Filter {
            outcome: Some(Won::Success),
            reason,
            ..Filter::default()
        };
        assert!(wanted(&filter).is_empty());
    }

    #[test]
    fn class_names_the_provider_of_a_login() {
        let social = Method::Social {
            provider: "git/hub".into(),
        };
        assert_eq!(success(&social), "success/social/git/hub");
        assert_eq!(success(&Method::Password), "success/password");
        assert_eq!(failure("inactive", Some("git/hub")), "failure/inactive/git/hub");
        assert_eq!(failure(SEVERAL, None), "failure/several");
    }

    #[test]
    fn class_is_read_as_it_was_written() {
        let social = Method::Social {
            provider: "git/hub".into(),
        };
        let class = |won, kind, provider| Some(Class { won, kind, provider });
        for (text, read) in [
            (success(&social), class(Won::Success, "social", Some("git/hub"))),
            (success(&Method::Password), class(Won::Success, "password", None)),
            (
                failure("inactive", Some("git/hub")),
                class(Won::Failure, "inactive", Some("git/hub")),
            ),
            (failure(SEVERAL, None), class(Won::Failure, SEVERAL, None)),
            ("other".to_owned(), None),
            ("success".to_owned(), None),
        ] {
            assert_eq!(Class::parse(&text), read, "{text}");
        }
    }
}
