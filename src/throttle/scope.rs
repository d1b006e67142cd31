//! What is counted.

/// What a counter counts. `docs/throttling.md` says why, and where the numbers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Wrong passwords at one address, from browsers that its owner has not used.
    LoginAccount,
    /// Wrong passwords in a browser that the owner has used.
    LoginDevice,
    /// Wrong passwords given as proof in a live session.
    Proof,
    /// Failed logins from one network.
    LoginNetwork,
    /// Failed logins of all.
    LoginGlobal,
    /// Mails to one address.
    MailAddress,
    /// Mails that one network asks for.
    MailNetwork,
    /// Mails that a whole provider's network asks for.
    MailWide,
    /// Mails of all.
    MailGlobal,
    /// Sign-ups from one network.
    SignupNetwork,
    /// Redemptions of one mailed link.
    RedeemToken,
    /// Redemptions from one network.
    RedeemNetwork,
    /// New passwords that one network has judged.
    JudgeNetwork,
    /// Sign-ins at identity providers that one network begins.
    FlowNetwork,
    /// Changes of one user's name, and wishes for another address.
    Change,
    /// Questions of one user to the book.
    Question,
    /// Redemptions and judged passwords of all.
    WorkGlobal,
}

impl Scope {
    /// All, in the order in which they are taken.
    pub const ALL: [Self; 17] = [
        Self::LoginAccount,
        Self::LoginDevice,
        Self::Proof,
        Self::LoginNetwork,
        Self::LoginGlobal,
        Self::MailAddress,
        Self::MailNetwork,
        Self::MailWide,
        Self::MailGlobal,
        Self::SignupNetwork,
        Self::RedeemToken,
        Self::RedeemNetwork,
        Self::JudgeNetwork,
        Self::FlowNetwork,
        Self::Change,
        Self::Question,
        Self::WorkGlobal,
    ];

    /// As in the configuration, the metric and the log line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LoginAccount => "login_account",
            Self::LoginDevice => "login_device",
            Self::Proof => "proof",
            Self::LoginNetwork => "login_network",
            Self::LoginGlobal => "login_global",
            Self::MailAddress => "mail_address",
            Self::MailNetwork => "mail_network",
            Self::MailWide => "mail_wide",
            Self::MailGlobal => "mail_global",
            Self::SignupNetwork => "signup_network",
            Self::RedeemToken => "redeem_token",
            Self::RedeemNetwork => "redeem_network",
            Self::JudgeNetwork => "judge_network",
            Self::FlowNetwork => "flow_network",
            Self::Change => "change",
            Self::Question => "question",
            Self::WorkGlobal => "work_global",
        }
    }
}
