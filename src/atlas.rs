//! Where addresses of the network are, as far as a database that the operator supplies knows: a `MaxMind` DB of cities or
//! countries. It is asked when somebody reads; nothing that it says is ever stored.

use std::{
    fs,
    net::IpAddr,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use maxminddb::{MaxMindDbError, Reader, geoip2::City};
use parking_lot::{Mutex, RwLock};
use tokio::{task::spawn_blocking, time::Instant};

/// How often the file is looked at, at most.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// Where an address is, as far as that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spot {
    /// The city, in English.
    pub city: Option<String>,
    /// The country: two letters of ISO 3166-1.
    pub country: Option<String>,
}

/// The database as it was when it was read.
#[derive(Debug)]
pub struct Edition(Option<Reader<Vec<u8>>>);

impl Edition {
    /// Where an address is; nothing of one that is not known, and of what is no address.
    #[must_use]
    pub fn find(&self, ip: Option<&str>) -> Spot {
        let ip: Option<IpAddr> = ip.and_then(|ip| ip.parse().ok());
        let (Some(reader), Some(ip)) = (&self.0, ip) else {
            return Spot::default();
        };
        let entry = reader.lookup(ip).and_then(|found| found.decode::<City>());
        let entry = entry
            .inspect_err(|error| tracing::debug!(%error, "an entry of audit.geoip_file cannot be read"))
            .unwrap_or_default()
            .unwrap_or_default();
        Spot {
            city: entry.city.names.english.map(str::to_owned),
            country: entry.country.iso_code.filter(is_country).map(str::to_owned),
        }
    }
}

fn is_country(code: &&str) -> bool {
    code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_uppercase())
}

/// What tells one file from the next of the same name: device, number, length, and when it was changed.
type Stamp = (u64, u64, u64, i64, i64);

fn stamp(file: &Path) -> Option<Stamp> {
    let about = fs::metadata(file).ok()?;
    Some((about.dev(), about.ino(), about.len(), about.mtime(), about.mtime_nsec()))
}

/// When the file was looked at last, and what it was then.
#[derive(Debug)]
struct Look {
    at: Instant,
    stamp: Option<Stamp>,
}

/// The operator's database, or none.
#[derive(Debug)]
pub struct Atlas {
    file: Option<PathBuf>,
    edition: RwLock<Arc<Edition>>,
    look: Mutex<Look>,
}

impl Atlas {
    /// Knows nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self::of(None, None, Edition(None))
    }

    /// Reads the file.
    ///
    /// # Errors
    ///
    /// [`MaxMindDbError`] when it is missing or no such database.
    pub fn open(file: &Path) -> Result<Self, MaxMindDbError> {
        // First: what changes meanwhile is seen at the next look.
        let stamp = stamp(file);
        let edition = Edition(Some(Reader::open_readfile(file)?));
        Ok(Self::of(Some(file.to_owned()), stamp, edition))
    }

    fn of(file: Option<PathBuf>, stamp: Option<Stamp>, edition: Edition) -> Self {
        let at = Instant::now();
        Self {
            file,
            edition: RwLock::new(Arc::new(edition)),
            look: Mutex::new(Look { at, stamp }),
        }
    }

    /// The database as the file holds it now, or held it within the last minute. A file that has become unreadable is
    /// complained about, and what was read before holds on.
    pub async fn today(&self) -> Arc<Edition> {
        if let Some(file) = self.file.clone().filter(|_| self.is_due())
            && let Some(edition) = self.changed(file).await
        {
            *self.edition.write() = Arc::new(edition);
        }
        Arc::clone(&self.edition.read())
    }

    /// Whether it is time to look at the file; then nobody else does.
    fn is_due(&self) -> bool {
        let mut look = self.look.lock();
        let due = look.at.elapsed() >= LOOK_EVERY;
        if due {
            look.at = Instant::now();
        }
        due
    }

    async fn changed(&self, file: PathBuf) -> Option<Edition> {
        let before = self.look.lock().stamp;
        let name = file.display().to_string();
        let read = spawn_blocking(move || {
            let now = stamp(&file);
            (now != before).then(|| (now, Reader::open_readfile(&file)))
        });
        let (now, read) = read.await.ok()??;
        self.look.lock().stamp = now;
        match read {
            Ok(reader) => {
                tracing::info!(file = name, "audit.geoip_file has changed, and was read");
                Some(Edition(Some(reader)))
            }
            Err(error) => {
                tracing::warn!(%error, file = name, "audit.geoip_file has changed, and cannot be read: the former one holds");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: &[u8] = include_bytes!("../tests/data/places.mmdb");
    const LATER: &[u8] = include_bytes!("../tests/data/places-later.mmdb");

    fn spot(city: Option<&str>, country: &str) -> Spot {
        Spot {
            city: city.map(str::to_owned),
            country: Some(country.to_owned()),
        }
    }

    fn file() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("places.mmdb");
        fs::write(&file, PLACES).unwrap();
        (directory, file)
    }

    /// As people put a new file in the place of another: under another name first.
    fn replace(file: &Path, bytes: &[u8]) {
        let next = file.with_extension("next");
        fs::write(&next, bytes).unwrap();
        fs::rename(&next, file).unwrap();
    }

    fn a_minute_later(atlas: &Atlas) {
        atlas.look.lock().at -= LOOK_EVERY;
    }

    async fn find(atlas: &Atlas, ip: &str) -> Spot {
        atlas.today().await.find(Some(ip))
    }

    #[tokio::test]
    async fn addresses_of_both_kinds_are_found_and_nothing_else_is() {
        let (_directory, file) = file();
        let atlas = Atlas::open(&file).unwrap();
        assert_eq!(find(&atlas, "203.0.113.77").await, spot(Some("Linköping"), "SE"));
        assert_eq!(find(&atlas, "2001:db8:7::1").await, spot(Some("Wellington"), "NZ"));
        assert_eq!(find(&atlas, "198.51.100.1").await, spot(None, "CH"));
        for unknown in ["203.0.113.200", "192.0.2.1", "::1", "[erased]", ""] {
            assert_eq!(find(&atlas, unknown).await, Spot::default(), "{unknown}");
        }
        assert_eq!(atlas.today().await.find(None), Spot::default());
        assert_eq!(find(&Atlas::empty(), "203.0.113.77").await, Spot::default());
    }

    #[test]
    fn file_that_is_missing_cut_off_or_something_else_is_refused() {
        let (directory, file) = file();
        assert!(Atlas::open(&directory.path().join("nowhere")).is_err());
        for broken in [&b""[..], b"city,country", &PLACES[..PLACES.len() / 2]] {
            fs::write(&file, broken).unwrap();
            assert!(Atlas::open(&file).is_err());
        }
    }

    #[tokio::test]
    async fn another_file_is_read_within_a_minute_and_not_sooner() {
        let (_directory, file) = file();
        let atlas = Atlas::open(&file).unwrap();
        replace(&file, LATER);
        assert_eq!(find(&atlas, "203.0.113.77").await.country.unwrap(), "SE");
        a_minute_later(&atlas);
        assert_eq!(find(&atlas, "203.0.113.77").await, spot(Some("Tromsø"), "NO"));
        assert_eq!(find(&atlas, "2001:db8:7::1").await, Spot::default());
    }

    #[tokio::test]
    async fn file_that_breaks_later_leaves_the_former_in_force_until_it_is_whole_again() {
        let (_directory, file) = file();
        let atlas = Atlas::open(&file).unwrap();
        replace(&file, &LATER[..100]);
        a_minute_later(&atlas);
        assert_eq!(find(&atlas, "203.0.113.77").await.country.unwrap(), "SE");
        fs::remove_file(&file).unwrap();
        a_minute_later(&atlas);
        assert_eq!(find(&atlas, "203.0.113.77").await.country.unwrap(), "SE");
        replace(&file, LATER);
        a_minute_later(&atlas);
        assert_eq!(find(&atlas, "203.0.113.77").await.country.unwrap(), "NO");
    }
}
