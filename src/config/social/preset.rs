//! The providers that Doorbook knows by name: where they are, what they are asked for, and how their answers read.

/// What a kind comes with. Everything can be overridden.
pub(super) struct Preset {
    /// `social.<name>.kind`.
    pub(super) kind: &'static str,
    /// What people call it.
    pub(super) display_name: &'static str,
    /// What is asked for: the least that yields an id, an address and a name.
    pub(super) scopes: &'static [&'static str],
    /// Key and value of what else it comes with.
    pub(super) values: &'static [(&'static str, &'static str)],
}

impl Preset {
    /// What comes with `kind`.
    pub(super) fn find(kind: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.kind == kind)
    }

    /// A value that it comes with.
    pub(super) fn value(&self, field: &str) -> Option<&'static str> {
        self.values
            .iter()
            .find(|(name, _)| *name == field)
            .map(|(_, value)| *value)
    }

    /// Every kind, for people.
    pub(super) fn kinds() -> String {
        let kinds = PRESETS.iter().map(|preset| format!("`{}`", preset.kind));
        kinds.collect::<Vec<_>>().join(", ")
    }
}

const OPENID: &[&str] = &["openid", "email", "profile"];

static PRESETS: &[Preset] = &[
    Preset {
        kind: "google",
        display_name: "Google",
        scopes: OPENID,
        values: &[("issuer", "https://accounts.google.com")],
    },
    Preset {
        kind: "github",
        display_name: "GitHub",
        scopes: &["read:user", "user:email"],
        values: &[
            ("authorize_url", "https://github.com/login/oauth/authorize"),
            ("token_url", "https://github.com/login/oauth/access_token"),
            ("userinfo_url", "https://api.github.com/user"),
            ("emails_url", "https://api.github.com/user/emails"),
        ],
    },
    Preset {
        kind: "facebook",
        display_name: "Facebook",
        scopes: &["public_profile", "email"],
        values: &[
            ("authorize_url", "https://www.facebook.com/v23.0/dialog/oauth"),
            ("token_url", "https://graph.facebook.com/v23.0/oauth/access_token"),
            ("userinfo_url", "https://graph.facebook.com/v23.0/me"),
        ],
    },
    Preset {
        kind: "gitlab",
        display_name: "GitLab",
        scopes: OPENID,
        values: &[
            ("authorize_url", "https://gitlab.com/oauth/authorize"),
            ("token_url", "https://gitlab.com/oauth/token"),
            ("userinfo_url", "https://gitlab.com/oauth/userinfo"),
            ("subject_field", "sub"),
            ("email_field", "email"),
            ("verified_field", "email_verified"),
            ("name_field", "name"),
        ],
    },
    // Without a field that says so, no address of Microsoft's is taken as verified: owners of a tenant write what they
    // like into it.
    Preset {
        kind: "microsoft",
        display_name: "Microsoft",
        scopes: OPENID,
        values: &[
            (
                "authorize_url",
                "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
            ),
            (
                "token_url",
                "https://login.microsoftonline.com/common/oauth2/v2.0/token",
            ),
            ("userinfo_url", "https://graph.microsoft.com/oidc/userinfo"),
            ("subject_field", "sub"),
            ("email_field", "email"),
            ("name_field", "name"),
        ],
    },
    Preset {
        kind: "discord",
        display_name: "Discord",
        scopes: &["identify", "email"],
        values: &[
            ("authorize_url", "https://discord.com/oauth2/authorize"),
            ("token_url", "https://discord.com/api/oauth2/token"),
            ("userinfo_url", "https://discord.com/api/users/@me"),
            ("subject_field", "id"),
            ("email_field", "email"),
            ("verified_field", "verified"),
            ("name_field", "global_name"),
        ],
    },
    Preset {
        kind: "linkedin",
        display_name: "LinkedIn",
        scopes: OPENID,
        values: &[
            ("authorize_url", "https://www.linkedin.com/oauth/v2/authorization"),
            ("token_url", "https://www.linkedin.com/oauth/v2/accessToken"),
            ("userinfo_url", "https://api.linkedin.com/v2/userinfo"),
            ("subject_field", "sub"),
            ("email_field", "email"),
            ("verified_field", "email_verified"),
            ("name_field", "name"),
        ],
    },
    Preset {
        kind: "oidc",
        display_name: "",
        scopes: OPENID,
        values: &[],
    },
    Preset {
        kind: "oauth2",
        display_name: "",
        scopes: &[],
        values: &[],
    },
];
