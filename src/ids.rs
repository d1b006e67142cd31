//! The one place where randomness is drawn: ids, secrets, salts and nonces come from here, and from nowhere else.

use doorbook_domain::time::Timestamp;
use rand::{Rng as _, rand_core::UnwrapErr, rngs::SysRng};
use uuid::{Builder, Uuid};

/// `N` bytes from the generator of the operating system.
///
/// A system that has no randomness to give cannot run this service, so the process stops there instead of going on
/// with something guessable.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    UnwrapErr(SysRng).fill_bytes(&mut bytes);
    bytes
}

/// A new UUID v7 (RFC 9562): 48 bits of `now` in milliseconds, 74 random bits.
#[must_use]
pub fn uuid_v7(now: Timestamp) -> Uuid {
    let millis = u64::try_from(now.micros() / 1000).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &random()).into_uuid()
}

/// A new UUID v4 (RFC 9562): 122 random bits.
#[must_use]
pub fn uuid_v4() -> Uuid {
    Builder::from_random_bytes(random()).into_uuid()
}

#[cfg(test)]
mod tests {
    use doorbook_domain::time::Timestamp;

    use super::{random, uuid_v4, uuid_v7};

    #[test]
    fn ids_say_their_version_and_do_not_repeat() {
        let now = Timestamp::from_micros(1_700_000_000_123_456);
        assert_eq!(uuid_v7(now).get_version_num(), 7);
        assert_eq!(uuid_v4().get_version_num(), 4);
        assert_ne!(uuid_v7(now), uuid_v7(now));
        assert_ne!(random::<32>(), random::<32>());
    }

    #[test]
    fn ids_of_a_later_millisecond_sort_later() {
        let early = uuid_v7(Timestamp::from_micros(1_700_000_000_123_999));
        let late = uuid_v7(Timestamp::from_micros(1_700_000_000_124_000));
        assert!(early < late);
        assert_eq!(late.get_timestamp().unwrap().to_unix(), (1_700_000_000, 124_000_000));
    }
}
