//! Keys of the system, and what is derived from them: what never changes, or is never stored.

use std::net::{IpAddr, Ipv6Addr};

use doorbook_domain::{
    seal::{ClaimId, hex},
    time::Timestamp,
};
use doorbook_projections::fault::Fault;

use super::{DESTROYED, Keyring, framed};
use crate::keys::{
    database::{self, Database, Stored, Wrapped},
    error::KeysError,
    master::MasterKey,
    name::KeyName,
    secret::Secret,
};

/// Name of the key of claims.
pub(super) const INDEX: &str = "index";
/// Name of the key that purposes are derived from.
pub(super) const PURPOSES: &str = "purposes";
/// Name of the key that signs checkpoints.
const CHECKPOINTS: &str = "checkpoints";

impl Keyring {
    /// The id of a claimed thing: HMAC-SHA256 of its canonical form under the index key. The same for ever.
    #[must_use]
    pub fn claim(&self, kind: &str, canonical: &str) -> ClaimId {
        let mac = self.index.mac(&framed(&[kind, canonical]));
        ClaimId(format!("{kind}-{}", hex(&mac)).into())
    }

    /// Which of 2^20 buckets an address of the network is in: the first bits of an HMAC under the index key, of an IPv6
    /// address's /64. What is searched by address is found by it, and then opened; about four thousand addresses of IPv4
    /// share each bucket, so that it names none of them. The same for ever.
    #[must_use]
    pub fn ip_bucket(&self, ip: IpAddr) -> u32 {
        let network = match ip.to_canonical() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).to_string(),
        };
        let mac = self.index.mac(&framed(&["ip-bucket", &network]));
        mac.first_chunk().map_or(0, |first| u32::from_be_bytes(*first) >> 12)
    }

    /// Tells a session cookie that this service made from a made-up one, without a look at any session.
    #[must_use]
    pub fn cookie_tag(&self, cookie: &[u8]) -> [u8; 8] {
        let mac = self.cookies.mac(cookie);
        mac.first_chunk().copied().unwrap_or_default()
    }

    /// The key of CSRF tokens.
    #[must_use]
    pub fn csrf_key(&self) -> [u8; 32] {
        self.purpose_key("csrf")
    }

    /// A key for one purpose, e.g. one kind of token. The same at each start; independent of all others.
    #[must_use]
    pub fn purpose_key(&self, label: &str) -> [u8; 32] {
        *self.purposes.derive(label).bytes()
    }

    /// The secret half of the key that signs checkpoints of the log; made when it is first asked for, and kept by backups.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub(crate) async fn signing_seed(&self) -> Result<Secret, Fault> {
        let name = KeyName::of_system(CHECKPOINTS);
        if self.database.find(name.as_str()).await?.is_none() {
            self.create(&name).await?;
        }
        self.key(&name).await?.ok_or(Fault::plain(DESTROYED))
    }

    /// Makes the key of all purposes anew: every cookie, CSRF token and mailed link of before is void. This and every other
    /// process must be started again before it makes new ones.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn renew_purposes(&self) -> Result<(), Fault> {
        let (name, master) = (KeyName::of_system(PURPOSES), self.master.read().clone());
        let wrapped = database::wrap(&master, name.as_str(), &Secret::random())?;
        self.database.replace(&master, &(name.as_str().into(), wrapped)).await
    }
}

/// Binds an empty database to its master key.
pub(super) async fn found(database: &Database, master: &MasterKey, at: Timestamp) -> Result<(), Fault> {
    let first = [INDEX, PURPOSES]
        .into_iter()
        .map(|key| {
            let name = KeyName::of_system(key);
            Ok((
                name.as_str().into(),
                database::wrap(master, name.as_str(), &Secret::random())?,
            ))
        })
        .collect::<Result<Vec<Wrapped>, Fault>>()?;
    database.found(master, &first, at).await
}

/// One of the keys of the system.
pub(super) async fn system_key(database: &Database, master: &MasterKey, name: &str) -> Result<Secret, KeysError> {
    let name = KeyName::of_system(name);
    match database.find(name.as_str()).await? {
        Some(Stored::Key(wrapped)) => Ok(database::unwrap(master, name.as_str(), &wrapped)?),
        Some(Stored::Destroyed) | None => Err(KeysError::KeysMissing),
    }
}
