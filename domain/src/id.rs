//! Names of users, sessions and attempts.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

id! {
    /// A user: UUID v7. Its stream is `user-<id>`.
    UserId
}
id! {
    /// A session: UUID v7. Its stream is `session-<id>`.
    SessionId
}
id! {
    /// One attempt to sign up: UUID v7. Its stream is `signup-<id>`.
    SignUpId
}
id! {
    /// One link that a mail carries: UUID v7.
    RequestId
}
id! {
    /// A social account of a user: UUID v7.
    LinkId
}
id! {
    /// One long work on a read model: UUID v7.
    RunId
}
