use doorbook_domain::session::Method;

use super::Filter;

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

/// `failure/<reason>`. Only passwords can be wrong: what fails at a provider never comes here.
pub(super) fn failure(reason: &str) -> String {
    format!("failure/{reason}")
}

pub(super) fn is_success(class: &str) -> bool {
    class.starts_with("success/")
}

impl Filter {
    /// Whether rows of the class can fit.
    pub(super) fn wants(&self, class: &str) -> bool {
        let mut parts = class.splitn(3, '/');
        let (outcome, second, provider) = (parts.next(), parts.next(), parts.next());
        let success = outcome == Some(Won::Success.as_str());
        let (method, reason) = if success {
            (second, None)
        } else {
            (Some("password"), second)
        };
        let fits =
            |wanted: &Option<String>, is: Option<&str>| wanted.as_deref().is_none_or(|wanted| is == Some(wanted));
        self.outcome.is_none_or(|wanted| outcome == Some(wanted.as_str()))
            && fits(&self.method, method)
            && fits(&self.provider, provider)
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
            "failure/several",
        ];
        all.into_iter().filter(|class| filter.wants(class)).collect()
    }

    #[test]
    fn filters_choose_classes() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(wanted(&Filter::default()).len(), 4);
        let filter = Filter {
            outcome: Some(Won::Failure),
            ..Filter::default()
        };
        assert_eq!(wanted(&filter), ["failure/wrong_password", "failure/several"]);
        let filter = Filter {
            method: text("password"),
            ..Filter::default()
        };
        assert_eq!(wanted(&filter).len(), 3);
        let filter = Filter {
            provider: text("git/hub"),
            ..Filter::default()
        };
        assert_eq!(wanted(&filter), ["success/social/git/hub"]);
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
    }
}
