//! Tokens of mailed links: `base64url(kind, ids, HMAC-SHA256)` under a key of their kind.
//!
//! Nothing of them is stored, so that the outbox can send the same link again. That a link is used once and dies in time is
//! decided in the stream that it names: a token only shows that this service mailed it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorbook_domain::id::{RequestId, SignUpId, UserId};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::keys::{Keyring, keyed_hmac};

const ID_BYTES: usize = 16;
const TAG_BYTES: usize = 32;
/// The longest token: two ids.
const MOST_BYTES: usize = 1 + 2 * ID_BYTES + TAG_BYTES;

/// What a link leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Proves the address of an attempt to sign up.
    SignUp(SignUpId),
    /// Proves the address of an attempt to sign up, and makes nothing else of it the user's.
    AddressOnly(SignUpId),
    /// Proves the address that a user wants to move to.
    EmailChange(UserId, RequestId),
    /// Sets another password.
    PasswordReset(UserId, RequestId),
}

impl Link {
    const fn kind(self) -> u8 {
        match self {
            Self::SignUp(_) => 1,
            Self::EmailChange(..) => 2,
            Self::PasswordReset(..) => 3,
            Self::AddressOnly(_) => 4,
        }
    }

    /// What the tag stands for.
    fn signed(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MOST_BYTES);
        bytes.push(self.kind());
        match self {
            Self::SignUp(SignUpId(id)) | Self::AddressOnly(SignUpId(id)) => bytes.extend_from_slice(id.as_bytes()),
            Self::EmailChange(UserId(user), RequestId(request))
            | Self::PasswordReset(UserId(user), RequestId(request)) => {
                bytes.extend_from_slice(user.as_bytes());
                bytes.extend_from_slice(request.as_bytes());
            }
        }
        bytes
    }

    fn parse(signed: &[u8]) -> Option<Self> {
        let (kind, ids) = signed.split_first()?;
        let (ids, []) = ids.as_chunks::<ID_BYTES>() else {
            return None;
        };
        let mut ids = ids.iter().map(|bytes| Uuid::from_bytes(*bytes));
        let (first, second, None) = (ids.next()?, ids.next(), ids.next()) else {
            return None;
        };
        match (kind, second) {
            (1, None) => Some(Self::SignUp(SignUpId(first))),
            (2, Some(request)) => Some(Self::EmailChange(UserId(first), RequestId(request))),
            (3, Some(request)) => Some(Self::PasswordReset(UserId(first), RequestId(request))),
            (4, None) => Some(Self::AddressOnly(SignUpId(first))),
            _ => None,
        }
    }
}

/// Writes and reads tokens.
pub struct Links {
    sign_up: Hmac<Sha256>,
    address_only: Hmac<Sha256>,
    email_change: Hmac<Sha256>,
    password_reset: Hmac<Sha256>,
}

impl Links {
    /// With keys of the service's own.
    #[must_use]
    pub fn new(keyring: &Keyring) -> Self {
        let keyed = |label| keyed_hmac(&keyring.purpose_key(label));
        Self {
            sign_up: keyed("link sign-up"),
            address_only: keyed("link address-only"),
            email_change: keyed("link email-change"),
            password_reset: keyed("link password-reset"),
        }
    }

    fn tag(&self, link: Link, signed: &[u8]) -> [u8; TAG_BYTES] {
        let mut keyed = match link {
            Link::SignUp(_) => self.sign_up.clone(),
            Link::AddressOnly(_) => self.address_only.clone(),
            Link::EmailChange(..) => self.email_change.clone(),
            Link::PasswordReset(..) => self.password_reset.clone(),
        };
        keyed.update(signed);
        keyed.finalize().into_bytes().into()
    }

    /// The token of a link: the same each time.
    #[must_use]
    pub fn write(&self, link: Link) -> String {
        let mut bytes = link.signed();
        let tag = self.tag(link, &bytes);
        bytes.extend_from_slice(&tag);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The link of a token that this service wrote.
    #[must_use]
    pub fn read(&self, token: &str) -> Option<Link> {
        let mut buffer = [0; MOST_BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(token, &mut buffer).ok()?;
        let (signed, tag) = buffer.get(..length)?.split_last_chunk::<TAG_BYTES>()?;
        let link = Link::parse(signed)?;
        bool::from(self.tag(link, signed).ct_eq(tag)).then_some(link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);
    const TWO: Uuid = Uuid::from_u128(2);
    const ALL: [Link; 4] = [
        Link::SignUp(SignUpId(ONE)),
        Link::EmailChange(UserId(ONE), RequestId(TWO)),
        Link::PasswordReset(UserId(ONE), RequestId(TWO)),
        Link::AddressOnly(SignUpId(ONE)),
    ];

    fn links(seed: u8) -> Links {
        Links {
            sign_up: keyed_hmac(&[seed; 32]),
            email_change: keyed_hmac(&[seed + 1; 32]),
            password_reset: keyed_hmac(&[seed + 2; 32]),
            address_only: keyed_hmac(&[seed + 3; 32]),
        }
    }

    #[test]
    fn what_was_written_is_read_back_and_is_the_same_each_time() {
        let links = links(1);
        for link in ALL {
            let token = links.write(link);
            assert_eq!(links.read(&token), Some(link));
            assert_eq!(links.write(link), token);
        }
    }

    #[test]
    fn every_changed_character_of_a_link_is_refused() {
        let links = links(1);
        for token in ALL.map(|link| links.write(link)) {
            for at in 0..token.len() {
                let mut forged = token.clone().into_bytes();
                forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
                let forged = String::from_utf8(forged).unwrap();
                assert_eq!(links.read(&forged), None, "character {at} of {token}");
            }
        }
    }

    #[test]
    fn token_of_one_kind_is_worth_nothing_as_another() {
        let links = links(1);
        for (link, other) in [
            (ALL[1], ALL[2]),
            (ALL[2], ALL[1]),
            (ALL[0], ALL[1]),
            (ALL[0], ALL[3]),
            (ALL[3], ALL[0]),
        ] {
            let mut forged = other.signed();
            forged.extend_from_slice(&links.tag(link, &link.signed()));
            assert_eq!(links.read(&URL_SAFE_NO_PAD.encode(forged)), None);
        }
    }

    #[test]
    fn token_of_another_key_shape_or_length_is_refused() {
        let links_of_one = links(1);
        let token = links_of_one.write(ALL[1]);
        assert_eq!(links(9).read(&token), None);
        for wrong in [
            "",
            "a",
            " ",
            "null",
            &token[1..],
            &format!("{token}A"),
            &format!("{token}="),
            &"A".repeat(87),
            &"A".repeat(100_000),
        ] {
            assert_eq!(links_of_one.read(wrong), None);
        }
    }
}
