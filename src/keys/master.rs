//! The master key and its file.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{error::KeysError, secret::Secret};

/// First line of the file: what it is, and the version of its form.
const HEADER: &str = "doorbook-master-key-v1";
/// Longest file that can hold a master key.
const MAX_FILE_BYTES: u64 = 4096;

/// The key under which all keys are wrapped: 32 random bytes in a file that only the service may read.
#[derive(Clone)]
pub struct MasterKey {
    file: PathBuf,
    wrapping: Secret,
    text: Zeroizing<String>,
    proof: String,
}

impl MasterKey {
    /// Reads the key from `file`, or makes the file while `fresh`: no log exists that it would have to fit.
    ///
    /// # Errors
    ///
    /// [`KeysError`] when the file is missing beside a log, cannot be used, can be read by others, or holds no key.
    pub fn load_or_make(file: &Path, fresh: bool) -> Result<Self, KeysError> {
        if let Some(master) = Self::read(file)? {
            return Ok(master);
        }
        if !fresh {
            return Err(KeysError::MasterMissing { file: file.into() });
        }
        let master = Self::random(file);
        master.write(file).map_err(|source| KeysError::MasterUnwritable {
            file: file.into(),
            source,
        })?;
        Ok(master)
    }

    /// A new one, for `file`.
    pub(super) fn random(file: &Path) -> Self {
        Self::from_secret(file, &Secret::random())
    }

    fn from_secret(file: &Path, secret: &Secret) -> Self {
        let proof = BASE64_URL_SAFE_NO_PAD.encode(secret.derive("doorbook master proof v1").bytes());
        Self {
            file: file.into(),
            wrapping: secret.derive("doorbook master wrapping v1"),
            text: Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(secret.bytes())),
            proof,
        }
    }

    /// Reads the key from `file`; `None` when there is no such file.
    pub(super) fn read(file: &Path) -> Result<Option<Self>, KeysError> {
        let unreadable = |source| KeysError::MasterUnreadable {
            file: file.into(),
            source,
        };
        let opened = match File::open(file) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let mode = opened.metadata().map_err(unreadable)?.mode() & 0o777;
        if mode & 0o177 != 0 {
            return Err(KeysError::MasterExposed {
                file: file.into(),
                mode,
            });
        }
        let mut text = Zeroizing::new(String::new());
        opened
            .take(MAX_FILE_BYTES)
            .read_to_string(&mut text)
            .map_err(unreadable)?;
        let secret = parse(&text).map_err(|reason| KeysError::MasterInvalid {
            file: file.into(),
            reason,
        })?;
        Ok(Some(Self::from_secret(file, &secret)))
    }

    /// Writes the key to `file` so that after a crash either all of it or nothing is there.
    pub(super) fn write(&self, file: &Path) -> io::Result<()> {
        let draft = beside(file, "draft");
        remove_if_there(&draft)?;
        let mut opened = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        opened.write_all(HEADER.as_bytes())?;
        opened.write_all(b"\n")?;
        opened.write_all(self.text.as_bytes())?;
        opened.write_all(b"\n")?;
        opened.sync_all()?;
        rename(&draft, file)
    }

    /// Where it is kept.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// What wraps the keys.
    pub(super) const fn wrapping(&self) -> &Secret {
        &self.wrapping
    }

    /// What the database keeps to know this key again. It tells nothing about the key.
    pub(super) fn proof(&self) -> &str {
        &self.proof
    }

    /// Whether this is the key whose proof the database keeps.
    pub(super) fn proves(&self, proof: &str) -> bool {
        self.proof.as_bytes().ct_eq(proof.as_bytes()).into()
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

fn parse(text: &str) -> Result<Secret, &'static str> {
    let (header, digits) = text.split_once('\n').ok_or("it is not two lines")?;
    if header.trim_end() != HEADER {
        return Err("its first line is not `doorbook-master-key-v1`");
    }
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(digits.trim_end())
        .map(Zeroizing::new)
        .map_err(|_| "its second line is not base64url without padding")?;
    let bytes = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| "the key is not 32 bytes long")?;
    let secret = Secret::new(bytes);
    if guessable(secret.bytes()) {
        return Err("the key is not random");
    }
    Ok(secret)
}

/// Whether a person or a template made the key: few different bytes (fewer than 12 of 32 has odds below 10^-15), or a run.
fn guessable(key: &[u8; 32]) -> bool {
    let mut bytes = *key;
    bytes.sort_unstable();
    let different = bytes.chunk_by(|left, right| left == right).count();
    let step = |pair: &[u8]| match pair {
        [left, right] => right.wrapping_sub(*left),
        _ => 0,
    };
    let mut steps = key.windows(2).map(step);
    let first = steps.next();
    let even = steps.all(|step| Some(step) == first);
    different < 12 || even
}

/// The file beside `file` that has one more extension.
pub(super) fn beside(file: &Path, extension: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

/// Puts `from` in the place of `to`, durably. What stood there is overwritten before it is given up: whoever reads the
/// disk later should not find an old master key.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let replaced = OpenOptions::new().write(true).open(to).ok();
    fs::rename(from, to)?;
    sync_directory(to)?;
    if let Some(mut replaced) = replaced {
        let bytes = usize::try_from(replaced.metadata()?.len().min(MAX_FILE_BYTES)).unwrap_or(0);
        replaced.write_all(&vec![0; bytes])?;
        replaced.sync_all()?;
    }
    Ok(())
}

/// Removes `file`, if it is there.
pub(super) fn remove_if_there(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sync_directory(file: &Path) -> io::Result<()> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}
