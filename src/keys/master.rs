use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::{KeysError, cipher::Key};

const FORM: &str = "doorbook-master-key-v1";

/// The key that wraps all others.
pub struct MasterKey {
    pub(super) wrapping: Key,
}

impl MasterKey {
    /// Reads the file, or makes it while `fresh`: no log exists that it would have to fit.
    ///
    /// # Errors
    ///
    /// [`KeysError`] when the file is missing beside a log, readable by others, or holds no usable key.
    pub fn load_or_make(path: &Path, fresh: bool) -> Result<Self, KeysError> {
        let unusable = |source| KeysError::MasterUnusable {
            path: path.display().to_string(),
            source,
        };
        match fs::metadata(path) {
            Ok(found) => {
                let mode = found.permissions().mode() & 0o777;
                if mode & 0o077 != 0 {
                    return Err(KeysError::MasterExposed {
                        path: path.display().to_string(),
                        mode,
                    });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && fresh => make(path).map_err(unusable)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(KeysError::MasterMissing(path.to_owned()));
            }
            Err(error) => return Err(unusable(error)),
        }
        let text = Zeroizing::new(fs::read_to_string(path).map_err(unusable)?);
        let key = parse(&text).map_err(|reason| KeysError::MasterMalformed {
            path: path.display().to_string(),
            reason,
        })?;
        Ok(Self {
            wrapping: key.derive(None, "doorbook key wrapping v1")?,
        })
    }
}

fn parse(text: &str) -> Result<Key, &'static str> {
    let mut lines = text.lines();
    if lines.next() != Some(FORM) {
        return Err("its first line is another");
    }
    let digits = lines.next().unwrap_or_default().trim();
    let bytes = Zeroizing::new(
        URL_SAFE_NO_PAD
            .decode(digits)
            .map_err(|_| "its second line is not base64url")?,
    );
    let bytes: [u8; 32] = bytes
        .as_slice()
        .try_into()
        .map_err(|_| "the key is not 32 bytes long")?;
    let distinct: std::collections::HashSet<u8> = bytes.iter().copied().collect();
    // 32 random bytes hold fewer than nine different ones once in 10^27 times.
    if distinct.len() < 9 {
        return Err("the key is not random");
    }
    Ok(Key::new(bytes))
}

/// Writes beside, syncs, then renames: a crash leaves either no file or a whole one.
fn make(path: &Path) -> io::Result<()> {
    let beside = path.with_extension("new");
    let key = Key::random();
    let text = Zeroizing::new(format!("{FORM}\n{}\n", URL_SAFE_NO_PAD.encode(key.bytes())));
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    File::open(parent)?.sync_all()
}
