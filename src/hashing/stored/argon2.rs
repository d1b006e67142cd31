//! Argon2 in PHC strings.

use argon2::{Algorithm, Argon2, Block, Params, Version, password_hash::phc::PasswordHash};
use subtle::ConstantTimeEq;

use super::UnknownHash;

/// Most memory that a foreign hash may ask for, in KiB.
const MAX_MEMORY_KIB: u32 = 1 << 20;
/// Most memory times passes that it may ask for, in KiB: some seconds of a core.
const MAX_FILLED_KIB: u64 = 1 << 22;
/// Most passes that it may ask for.
const MAX_PASSES: u32 = 64;

/// `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`, also `argon2i` and `argon2d`, also of version 16.
pub(in crate::hashing) struct Argon2Hash {
    pub(in crate::hashing) algorithm: Algorithm,
    pub(in crate::hashing) version: Version,
    pub(in crate::hashing) params: Params,
    pub(in crate::hashing) salt: Vec<u8>,
    pub(in crate::hashing) hash: Vec<u8>,
}

pub(super) fn read(phc: &str) -> Result<Argon2Hash, UnknownHash> {
    let parsed = PasswordHash::new(phc).map_err(|_| UnknownHash::Form)?;
    let algorithm = parsed.algorithm.as_str().parse().map_err(|_| UnknownHash::Form)?;
    let version = parsed
        .version
        .map_or(Ok(Version::V0x10), Version::try_from)
        .map_err(|_| UnknownHash::Form)?;
    let params = Params::try_from(&parsed).map_err(|_| UnknownHash::Form)?;
    let filled = u64::from(params.m_cost()) * u64::from(params.t_cost());
    if params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_PASSES || filled > MAX_FILLED_KIB {
        return Err(UnknownHash::Cost);
    }
    let salt = parsed.salt.ok_or(UnknownHash::Form)?.as_ref().to_vec();
    let hash = parsed.hash.ok_or(UnknownHash::Form)?.as_bytes().to_vec();
    Ok(Argon2Hash {
        algorithm,
        version,
        params,
        salt,
        hash,
    })
}

impl Argon2Hash {
    pub(in crate::hashing) fn verify(&self, password: &[u8], memory: &mut Vec<Block>) -> bool {
        let mut out = vec![0; self.hash.len()];
        let argon2 = Argon2::new(self.algorithm, self.version, self.params.clone());
        fill(&argon2, password, &self.salt, &mut out, memory) && bool::from(out.ct_eq(&self.hash))
    }

    pub(super) fn is_current(&self, params: &Params) -> bool {
        let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        let of_today = matches!((self.algorithm, self.version), (Algorithm::Argon2id, Version::V0x13));
        of_today && costs(&self.params) == costs(params)
    }

    pub(super) fn is_cheap(&self, params: &Params) -> bool {
        let filled = |params: &Params| u64::from(params.m_cost()) * u64::from(params.t_cost());
        filled(&self.params) < filled(params)
    }
}

/// Argon2 in memory that is kept from hash to hash: fresh pages would cost as much as a tenth of the hash.
pub(in crate::hashing) fn fill(
    argon2: &Argon2<'_>,
    password: &[u8],
    salt: &[u8],
    out: &mut [u8],
    memory: &mut Vec<Block>,
) -> bool {
    let needed = argon2.params().block_count();
    if memory.len() < needed {
        memory.resize(needed, Block::default());
    }
    let Some(room) = memory.get_mut(..needed) else {
        return false;
    };
    argon2.hash_password_into_with_memory(password, salt, out, room).is_ok()
}
