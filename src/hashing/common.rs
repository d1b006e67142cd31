//! Passwords that everybody tries first: a filter in the binary, and a list of the operator's own.
//!
//! The filter knows 474,743 of the million commonest of ten million leaked passwords: those of eight characters and more.
//! It takes one in 65,000 others for one of them. `cargo xtask passwords` makes it anew.
//!
//! Compared is without case, in Unicode's form NFKC (NIST SP 800-63B-4 §3.1.1.2: the whole password, not its parts).

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader},
    path::Path,
    sync::LazyLock,
};

use hashbrown::HashSet;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use xorf::{BinaryFuse16, BinaryFuse16Ref, DmaSerializable, Filter, FilterRef};

/// The filter's bytes, where its 16-bit fingerprints may be read in place.
#[repr(align(2))]
struct Aligned<const N: usize>([u8; N]);

static BYTES: Aligned<{ include_bytes!("common-passwords.bin").len() }> =
    Aligned(*include_bytes!("common-passwords.bin"));

static FILTER: LazyLock<BinaryFuse16Ref<'static>> = LazyLock::new(|| {
    let (descriptor, fingerprints) = BYTES.0.split_at(BinaryFuse16::DESCRIPTOR_LEN);
    BinaryFuse16Ref::from_dma(descriptor, fingerprints)
});

/// The operator's own list: of each line only a hash is kept.
#[derive(Debug, Clone, Default)]
pub struct Blocklist(HashSet<u64>);

impl Blocklist {
    /// Reads a file with one password a line. An empty line is none.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not UTF-8.
    pub fn read(file: &Path) -> io::Result<Self> {
        let mut keys = HashSet::new();
        for line in BufReader::new(File::open(file)?).lines() {
            let line = line?;
            if !line.is_empty() {
                keys.insert(key(&line));
            }
        }
        Ok(Self(keys))
    }

    /// Whether it is on this list, or among those that everybody tries first.
    #[must_use]
    pub fn has(&self, password: &str) -> bool {
        let key = key(password);
        FILTER.contains(&key) || self.0.contains(&key)
    }
}

/// As `key` of `xtask/src/passwords.rs`, by which the filter is made.
fn key(password: &str) -> u64 {
    let folded: String = password.nfkc().flat_map(char::to_lowercase).collect();
    let digest: [u8; 32] = Sha256::digest(folded).into();
    digest
        .first_chunk()
        .map_or(0, |first: &[u8; 8]| u64::from_be_bytes(*first))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Some of the list, from its beginning to its end.
    const LISTED: [&str; 12] = [
        "password",
        "12345678",
        "baseball",
        "football",
        "jennifer",
        "superman",
        "trustno1",
        "1qaz2wsx",
        "iloveyou1",
        "password123",
        "qwertyuiop",
        "corvette",
    ];

    #[test]
    fn listed_passwords_are_known_however_they_are_written() {
        let none = Blocklist::default();
        for password in LISTED {
            assert!(none.has(password), "{password}");
            assert!(none.has(&password.to_uppercase()), "{password}");
        }
        assert!(none.has("ｐａｓｓｗｏｒｄ"), "full width is another way to write it");
        assert!(!none.has("a violet anchor in the tundra"));
    }

    #[test]
    fn filter_is_as_large_as_its_list_and_takes_few_others_for_its_own() {
        assert!((1_000_000..1_200_000).contains(&BYTES.0.len()), "{}", BYTES.0.len());
        let none = Blocklist::default();
        let wrong = (0..200_000).filter(|number| none.has(&format!("nobody has this one {number}")));
        assert!(wrong.count() <= 15, "3 are expected of 200,000");
    }

    #[test]
    fn own_list_is_one_a_line() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all("Tulip Harbour 9\r\n\n#zebra crossing\n".as_bytes())
            .unwrap();
        let own = Blocklist::read(file.path()).unwrap();
        assert!(own.has("tulip harbour 9") && own.has("#Zebra Crossing"));
        assert!(!own.has("") && !own.has("tulip harbour") && !own.has("zebra crossing"));
        file.write_all(&[0xff, b'\n']).unwrap();
        assert!(Blocklist::read(file.path()).is_err());
        assert!(Blocklist::read(Path::new("/nowhere")).is_err());
    }
}
