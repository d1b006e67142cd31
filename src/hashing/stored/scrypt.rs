//! scrypt (RFC 7914), and Firebase's form of it.

use aes::{
    Aes256,
    cipher::{KeyIvInit, StreamCipher},
};
use ctr::Ctr128BE;
use scrypt::{Params, scrypt};
use subtle::ConstantTimeEq;

use super::{UnknownHash, base64, hexadecimal, number, parts};

/// Most memory, in bytes: 128 times N times r. OWASP's strongest setting needs 128 MiB.
const MAX_MEMORY: u64 = 512 << 20;
/// Most memory times lanes, in bytes: some seconds of a core.
const MAX_FILLED: u64 = 2 << 30;

/// N, r and p, within bounds.
#[derive(Clone, Copy)]
struct Cost {
    params: Params,
    filled: u64,
}

impl Cost {
    /// Of the logarithm of N, of r and of p.
    fn new(log_n: u8, r: u32, p: u32) -> Result<Self, UnknownHash> {
        if log_n == 0 || r == 0 || p == 0 {
            return Err(UnknownHash::Form);
        }
        let n = 1_u64.checked_shl(log_n.into()).ok_or(UnknownHash::Cost)?;
        let memory = n.checked_mul(128).and_then(|bytes| bytes.checked_mul(r.into()));
        let memory = memory.filter(|&bytes| bytes <= MAX_MEMORY).ok_or(UnknownHash::Cost)?;
        let filled = memory.checked_mul(p.into()).filter(|&bytes| bytes <= MAX_FILLED);
        let filled = filled.ok_or(UnknownHash::Cost)?;
        let params = Params::new(log_n, r, p).map_err(|_| UnknownHash::Cost)?;
        Ok(Self { params, filled })
    }

    /// Of N itself, a power of two.
    fn of_n(n: u64, r: u32, p: u32) -> Result<Self, UnknownHash> {
        if !n.is_power_of_two() {
            return Err(UnknownHash::Form);
        }
        let log_n = u8::try_from(n.trailing_zeros()).map_err(|_| UnknownHash::Form)?;
        Self::new(log_n, r, p)
    }

    /// A core fills about 500 MiB a second.
    const fn nanos(&self) -> u64 {
        self.filled * 2
    }
}

/// See the readers for its forms.
pub(in crate::hashing) struct ScryptHash {
    cost: Cost,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

/// `$scrypt$ln=17,r=8,p=1$<salt>$<hash>`. `ln` is the logarithm of N; Ory writes N itself, which is above 63.
pub(super) fn phc(text: &str) -> Result<ScryptHash, UnknownHash> {
    let ["", _, params, salt, hash] = parts(text)? else {
        return Err(UnknownHash::Form);
    };
    checked(cost(params)?, base64(salt)?, base64(hash)?)
}

/// `scrypt$<N>$<salt>$<r>$<p>$<base64 hash>`, behind the first dollar sign. The characters of the salt are its bytes.
pub(super) fn django(rest: &str) -> Result<ScryptHash, UnknownHash> {
    // Without the name, it could be confused with nothing else: N is a number.
    let [n, salt, r, p, hash] = parts(rest)?;
    let cost = Cost::of_n(number(n)?, number(r)?, number(p)?)?;
    checked(cost, salt.as_bytes().to_vec(), base64(hash)?)
}

/// `scrypt:<N>:<r>:<p>$<salt>$<hexadecimal hash>`. The characters of the salt are its bytes.
pub(super) fn werkzeug(method: &str, rest: &str) -> Result<ScryptHash, UnknownHash> {
    let numbers: Vec<&str> = method.split(':').collect();
    let [n, r, p] = numbers.try_into().map_err(|_| UnknownHash::Form)?;
    let [salt, hash] = parts(rest)?;
    let cost = Cost::of_n(number(n)?, number(r)?, number(p)?)?;
    checked(cost, salt.as_bytes().to_vec(), hexadecimal(hash)?)
}

fn cost(params: &str) -> Result<Cost, UnknownHash> {
    let (mut n, mut r, mut p) = (None, None, None);
    for param in params.split(',') {
        match param.split_once('=') {
            Some(("ln", value)) => n = Some(number::<u64>(value)?),
            Some(("r", value)) => r = Some(number(value)?),
            Some(("p", value)) => p = Some(number(value)?),
            _ => return Err(UnknownHash::Form),
        }
    }
    let (Some(n), Some(r), Some(p)) = (n, r, p) else {
        return Err(UnknownHash::Form);
    };
    match u8::try_from(n) {
        Ok(log_n) if log_n < 64 => Cost::new(log_n, r, p),
        Ok(_) | Err(_) => Cost::of_n(n, r, p),
    }
}

fn checked(cost: Cost, salt: Vec<u8>, hash: Vec<u8>) -> Result<ScryptHash, UnknownHash> {
    if !(16..=64).contains(&hash.len()) {
        return Err(UnknownHash::Form);
    }
    Ok(ScryptHash { cost, salt, hash })
}

impl ScryptHash {
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let mut out = vec![0; self.hash.len()];
        scrypt(password, &self.salt, &self.cost.params, &mut out).is_ok() && bool::from(out.ct_eq(&self.hash))
    }

    pub(super) const fn nanos(&self) -> u64 {
        self.cost.nanos()
    }
}

/// Firebase: the project's signer key, encrypted with AES-256-CTR under the scrypt of the password.
pub(in crate::hashing) struct FirebaseHash {
    cost: Cost,
    salt: Vec<u8>,
    hash: Vec<u8>,
    signer_key: Vec<u8>,
}

/// `$firescrypt$ln=<mem_cost>,r=<rounds>,p=1$<salt>$<hash>$<salt_separator>$<signer_key>`, as Ory's importer takes it.
pub(super) fn firebase(text: &str) -> Result<FirebaseHash, UnknownHash> {
    let ["", _, params, salt, hash, separator, signer_key] = parts(text)? else {
        return Err(UnknownHash::Form);
    };
    let (cost, hash, signer_key) = (cost(params)?, base64(hash)?, base64(signer_key)?);
    if hash.len() < 16 || hash.len() != signer_key.len() {
        return Err(UnknownHash::Form);
    }
    let salt = [base64(salt)?, base64(separator)?].concat();
    Ok(FirebaseHash {
        cost,
        salt,
        hash,
        signer_key,
    })
}

impl FirebaseHash {
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let (mut key, mut out) = ([0; 32], self.signer_key.clone());
        if scrypt(password, &self.salt, &self.cost.params, &mut key).is_err() {
            return false;
        }
        Ctr128BE::<Aes256>::new(&key.into(), &[0; 16].into()).apply_keystream(&mut out);
        out.ct_eq(&self.hash).into()
    }

    pub(super) const fn nanos(&self) -> u64 {
        self.cost.nanos()
    }
}
