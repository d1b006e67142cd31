//! The device cookie: which users have logged in with this browser. `base64url(id, entry, entry …)`, an entry for each user.
//!
//! An entry is a hint and a tag, both truncated HMAC-SHA256. The hint is over the browser's random id and the claim on the
//! address that was logged in with: it tells a browser from a stranger before anything is looked up for it. The tag is
//! over that id, the user and the user's epoch, and decides. Neither names anybody: who has the cookie cannot tell whose it
//! is, and two browsers of a user have nothing in common. The epoch rises with a new password, a reset, "sign out
//! everywhere", a deactivation and a changed role: whoever logged in before is a stranger afterwards, except in the browser
//! that asked for it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorbook_domain::{id::UserId, seal::ClaimId};
use doorbook_openapi::app::DeviceCookie;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::{ids, keys::keyed_hmac};

const ID_BYTES: usize = 16;
/// Nobody guesses 64 bits over HTTP, and a hint decides nothing.
const HINT_BYTES: usize = 8;
const TAG_BYTES: usize = 16;
const ENTRY_BYTES: usize = HINT_BYTES + TAG_BYTES;
/// Users of one browser that are remembered; the one who has not logged in for longest gives way.
const USERS: usize = 5;

type Hint = [u8; HINT_BYTES];
type Tag = [u8; TAG_BYTES];

/// What a browser holds of one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    hint: Hint,
    tag: Tag,
}

/// A browser, as its cookie describes it. Nothing says that the cookie is genuine before [`Devices::knows`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    id: [u8; ID_BYTES],
    entries: Vec<Entry>,
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

    /// With this entry in the first place, and the others that are of other users after it.
    fn with(&self, own: Entry) -> DeviceCookie {
        let others = self.entries.iter().filter(|other| other.hint != own.hint);
        let entries = std::iter::once(&own).chain(others).take(USERS);
        let bytes = entries.flat_map(|entry| entry.hint.iter().chain(&entry.tag));
        let bytes: Vec<u8> = self.id.iter().chain(bytes).copied().collect();
        DeviceCookie(URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl Devices {
    /// With the key of hints and tags.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self { keyed: keyed_hmac(key) }
    }

    /// The browser that a cookie of the right form describes.
    #[must_use]
    pub fn read(cookie: &DeviceCookie) -> Option<Device> {
        let mut bytes = [0; ID_BYTES + USERS * ENTRY_BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(&cookie.0, &mut bytes).ok()?;
        let (id, entries) = bytes.get(..length)?.split_first_chunk()?;
        let (entries, []) = entries.as_chunks::<ENTRY_BYTES>() else {
            return None;
        };
        let entries = entries.iter().filter_map(|entry| {
            let (hint, tag) = entry.split_first_chunk()?;
            Some(Entry {
                hint: *hint,
                tag: *tag.first_chunk()?,
            })
        });
        let device = Device {
            id: *id,
            entries: entries.collect(),
        };
        (!device.entries.is_empty()).then_some(device)
    }

    /// Whether somebody has logged in with this browser at the address whose claim this is. It needs nothing but the cookie,
    /// and decides nothing: a made-up or foreign one is a stranger's before anything is looked up for it.
    #[must_use]
    pub fn hints_at(&self, device: &Device, claim: &ClaimId) -> bool {
        let own = self.hint(&device.id, claim);
        let among = device.entries.iter().map(|entry| entry.hint.ct_eq(&own));
        among.fold(Choice::from(0), |found, fits| found | fits).into()
    }

    /// Whether this user has logged in with this browser since its epoch last rose.
    #[must_use]
    pub fn knows(&self, device: &Device, user: UserId, epoch: u32) -> bool {
        self.entry_of(device, user, epoch).is_some()
    }

    /// The cookie of a browser in which this user has just logged in, at the address whose claim this is. Its other users
    /// stay.
    #[must_use]
    pub fn write(&self, before: Option<&Device>, claim: &ClaimId, user: UserId, epoch: u32) -> DeviceCookie {
        let new = || Device {
            id: ids::random(),
            entries: Vec::new(),
        };
        let device = before.cloned().unwrap_or_else(new);
        let own = Entry {
            hint: self.hint(&device.id, claim),
            tag: self.tag(&device.id, user, epoch),
        };
        device.with(own)
    }

    /// The cookie of a browser that knew this user in the epoch before `epoch`, and goes on in this one.
    #[must_use]
    pub fn carry_over(&self, device: &Device, user: UserId, epoch: u32) -> Option<DeviceCookie> {
        let before = self.entry_of(device, user, epoch.saturating_sub(1))?;
        Some(device.with(Entry {
            tag: self.tag(&device.id, user, epoch),
            ..before
        }))
    }

    fn entry_of(&self, device: &Device, user: UserId, epoch: u32) -> Option<Entry> {
        let own = self.tag(&device.id, user, epoch);
        let mut fitting = device.entries.iter().filter(|entry| entry.tag.ct_eq(&own).into());
        fitting.next().copied()
    }

    fn hint(&self, id: &[u8; ID_BYTES], claim: &ClaimId) -> Hint {
        self.mac(&[b"hint", id.as_slice(), claim.0.as_bytes()])
    }

    fn tag(&self, id: &[u8; ID_BYTES], user: UserId, epoch: u32) -> Tag {
        self.mac(&[b"user", id.as_slice(), user.0.as_bytes(), &epoch.to_be_bytes()])
    }

    fn mac<const LENGTH: usize>(&self, parts: &[&[u8]]) -> [u8; LENGTH] {
        let mut keyed = self.keyed.clone();
        for part in parts {
            keyed.update(part);
        }
        let whole: [u8; 32] = keyed.finalize().into_bytes().into();
        whole.first_chunk().copied().unwrap_or([0; LENGTH])
    }
}

#[cfg(test)]
mod tests;
