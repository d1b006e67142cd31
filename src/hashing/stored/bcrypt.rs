//! bcrypt.

use doorbook_domain::seal::hex;
use sha2::{Digest, Sha256};

use super::UnknownHash;

/// Highest cost: some seconds a guess.
const MAX_COST: u32 = 16;
/// Lowest cost that the algorithm knows.
const MIN_COST: u32 = 4;
/// Time at [`MIN_COST`], about; each further step doubles it.
const NANOS: u64 = 900_000;

/// `$2b$12$…`, also `2a`, `2x` and `2y`: reads 72 bytes of a password, as everywhere. Django's `bcrypt_sha256` is over the
/// hexadecimal SHA-256 of the password, which reads all of it.
pub(in crate::hashing) struct BcryptHash {
    hash: String,
    cost: u32,
    over_sha256: bool,
}

pub(super) fn read(text: &str, over_sha256: bool) -> Result<BcryptHash, UnknownHash> {
    let parts: bcrypt::HashParts = text.parse().map_err(|_| UnknownHash::Form)?;
    let cost = parts.get_cost();
    if cost > MAX_COST {
        return Err(UnknownHash::Cost);
    }
    Ok(BcryptHash {
        hash: text.to_owned(),
        cost,
        over_sha256,
    })
}

impl BcryptHash {
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let matched = if self.over_sha256 {
            bcrypt::verify(hex(&Sha256::digest(password)), &self.hash)
        } else {
            bcrypt::verify(password, &self.hash)
        };
        matched.unwrap_or(false)
    }

    pub(super) fn nanos(&self) -> u64 {
        NANOS << self.cost.saturating_sub(MIN_COST).min(MAX_COST)
    }
}
