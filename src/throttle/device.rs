//! The device cookie: which users have logged in with this browser. `base64url(id, tag, tag …)`.
//!
//! A tag is a truncated HMAC-SHA256 over the browser's random id, a user and the user's epoch. It names nobody: who has the
//! cookie cannot tell whose it is, and two browsers of a user have nothing in common. The epoch rises with a new password,
//! a reset, "sign out everywhere", a deactivation and a changed role: whoever logged in before is a stranger afterwards,
//! except in the browser that asked for it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorbook_domain::id::UserId;
use doorbook_openapi::app::DeviceCookie;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::{ids, keys::keyed_hmac};

const ID_BYTES: usize = 16;
const TAG_BYTES: usize = 16;
/// Users of one browser that are remembered; the one who has not logged in for longest gives way.
const USERS: usize = 5;

type Tag = [u8; TAG_BYTES];

/// A browser, as its cookie describes it. Nothing says that the cookie is genuine before [`Devices::knows`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    id: [u8; ID_BYTES],
    tags: Vec<Tag>,
}

/// Writes and reads device cookies.
pub struct Devices {
    keyed: Hmac<Sha256>,
}

impl Device {
    /// Names the browser.
    #[must_use]
    pub const fn id(&self) -> &[u8; ID_BYTES] {
        &self.id
    }
}

impl Devices {
    /// With the key of the tags.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self { keyed: keyed_hmac(key) }
    }

    /// The browser that a cookie of the right form describes.
    #[must_use]
    pub fn read(cookie: &DeviceCookie) -> Option<Device> {
        let mut bytes = [0; ID_BYTES + USERS * TAG_BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(&cookie.0, &mut bytes).ok()?;
        let (id, tags) = bytes.get(..length)?.split_first_chunk()?;
        let (tags, []) = tags.as_chunks::<TAG_BYTES>() else {
            return None;
        };
        (!tags.is_empty()).then(|| Device {
            id: *id,
            tags: tags.to_vec(),
        })
    }

    /// Whether this user has logged in with this browser since its epoch last rose.
    #[must_use]
    pub fn knows(&self, device: &Device, user: UserId, epoch: u32) -> bool {
        let own = self.tag(&device.id, user, epoch);
        let found = device
            .tags
            .iter()
            .fold(Choice::from(0), |found, tag| found | tag.ct_eq(&own));
        found.into()
    }

    /// The cookie of a browser in which this user has just logged in. Its other users stay.
    #[must_use]
    pub fn write(&self, before: Option<&Device>, user: UserId, epoch: u32) -> DeviceCookie {
        let id = before.map_or_else(ids::random, |device| device.id);
        let own = self.tag(&id, user, epoch);
        let others = before.map(|device| device.tags.as_slice()).unwrap_or_default();
        let others = others.iter().filter(|tag| **tag != own).take(USERS - 1);
        let tags = std::iter::once(&own).chain(others).flatten();
        DeviceCookie(URL_SAFE_NO_PAD.encode(id.iter().chain(tags).copied().collect::<Vec<u8>>()))
    }

    fn tag(&self, id: &[u8; ID_BYTES], user: UserId, epoch: u32) -> Tag {
        let mut keyed = self.keyed.clone();
        keyed.update(id);
        keyed.update(user.0.as_bytes());
        keyed.update(&epoch.to_be_bytes());
        let whole: [u8; 32] = keyed.finalize().into_bytes().into();
        whole.first_chunk().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ADA: UserId = UserId(Uuid::from_u128(1));
    const BOB: UserId = UserId(Uuid::from_u128(2));

    fn devices() -> Devices {
        Devices::new(&[1; 32])
    }

    #[test]
    fn browser_is_known_for_whom_it_was_written_and_for_nobody_else() {
        let devices = devices();
        let browser = Devices::read(&devices.write(None, ADA, 3)).unwrap();
        assert!(devices.knows(&browser, ADA, 3));
        assert!(!devices.knows(&browser, BOB, 3));
        assert!(!Devices::new(&[2; 32]).knows(&browser, ADA, 3));
    }

    #[test]
    fn risen_epoch_makes_strangers_of_all() {
        let devices = devices();
        let browser = Devices::read(&devices.write(None, ADA, 3)).unwrap();
        assert!(!devices.knows(&browser, ADA, 4));
        assert!(!devices.knows(&browser, ADA, 2));
    }

    #[test]
    fn users_of_one_browser_do_not_push_each_other_out_until_there_are_six() {
        let devices = devices();
        let user = |number| UserId(Uuid::from_u128(number));
        let mut browser = None;
        for number in 1..=6 {
            browser = Devices::read(&devices.write(browser.as_ref(), user(number), 0));
        }
        let browser = browser.unwrap();
        assert!(!devices.knows(&browser, user(1), 0));
        assert!((2..=6).all(|number| devices.knows(&browser, user(number), 0)));
        let again = Devices::read(&devices.write(Some(&browser), user(2), 0)).unwrap();
        assert_eq!(again.id, browser.id);
        assert!((2..=6).all(|number| devices.knows(&again, user(number), 0)));
    }

    #[test]
    fn cookie_is_short_and_names_nobody() {
        let devices = devices();
        let cookie = devices.write(None, ADA, 0);
        assert_eq!(cookie.0.len(), 43);
        let bytes = URL_SAFE_NO_PAD.decode(&cookie.0).unwrap();
        assert!(!bytes.windows(16).any(|part| part == ADA.0.as_bytes()));
        assert_ne!(cookie.0, devices.write(None, ADA, 0).0);
    }

    #[test]
    fn tag_of_another_browser_and_every_changed_character_are_worth_nothing() {
        let devices = devices();
        let (one, other) = (devices.write(None, ADA, 0), devices.write(None, ADA, 0));
        let (one, other) = (Devices::read(&one).unwrap(), Devices::read(&other).unwrap());
        let mixed = Device {
            id: one.id,
            tags: other.tags,
        };
        assert!(!devices.knows(&mixed, ADA, 0));
        let cookie = devices.write(None, ADA, 0).0;
        for at in 0..cookie.len() {
            let mut forged = cookie.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = DeviceCookie(String::from_utf8(forged).unwrap());
            let known = Devices::read(&forged).is_some_and(|device| devices.knows(&device, ADA, 0));
            assert!(!known, "character {at}");
        }
    }

    #[test]
    fn what_has_not_the_form_is_no_device() {
        let whole = devices().write(None, ADA, 0).0;
        let long = "A".repeat(4000);
        for wrong in [
            "",
            "A",
            &whole[..22],
            &whole[1..],
            &format!("{whole}="),
            &format!("{whole}AA"),
            &long,
        ] {
            assert_eq!(Devices::read(&DeviceCookie(wrong.to_owned())), None, "{wrong}");
        }
    }
}
