//! The real keys behind a made-up history.

use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use doorbook_domain::{
    email::EmailAddress,
    seal::{ClaimId, Sealed},
};
use doorbook_projections::{fault::Fault, keyring::Place};

use crate::{
    config::Config,
    hashing::PasswordHasher,
    keys::{KeyName, Keyring},
    open::Durable,
    seed::{Key, PASSWORD, Sealer},
};

/// Seals with the keyring; the one password of all users was hashed once.
pub(super) struct KeyringSealer {
    keyring: Arc<Keyring>,
    hash: String,
}

pub(super) async fn of(durable: &Durable, config: &Config) -> Result<KeyringSealer, Fault> {
    let because = "the password of the made-up users could not be hashed";
    let hasher = PasswordHasher::new(config.password.argon2.into()).map_err(Fault::because(because))?;
    let hash = hasher
        .hash(PASSWORD.as_bytes())
        .await
        .map_err(Fault::because(because))?;
    Ok(KeyringSealer {
        keyring: Arc::clone(&durable.keyring),
        hash,
    })
}

fn name(key: &Key) -> KeyName {
    match key {
        Key::User(user) => KeyName::user(*user),
        Key::Password(password) => KeyName::password(*password),
        Key::Attempts(claim) => KeyName::attempts(claim, 0),
        Key::Month(owner, at) => name(owner).of_month(*at),
    }
}

#[async_trait]
impl Sealer for KeyringSealer {
    async fn create(&self, keys: &[Key]) -> Result<(), Fault> {
        let names: Vec<KeyName> = keys.iter().map(name).collect();
        self.keyring.create_all(&names).await
    }

    async fn seal(&self, key: &Key, spot: Place<'_>, plain: &[u8]) -> Result<Sealed, Fault> {
        self.keyring.seal(&name(key), &spot, plain).await
    }

    fn claim(&self, address: &str) -> Result<ClaimId, Fault> {
        let email = EmailAddress::parse(address).map_err(Fault::because("a made-up address is none"))?;
        Ok(self.keyring.claim("email", email.canonical()))
    }

    fn ip_bucket(&self, ip: IpAddr) -> u32 {
        self.keyring.ip_bucket(ip)
    }

    fn password_hash(&self) -> &str {
        &self.hash
    }
}
