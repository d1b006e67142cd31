//! How those who act on the log wait for more of it.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// A reader also polls, since a wake-up may be lost or come from another process.
pub(crate) const POLL: Duration = Duration::from_secs(1);
/// What follows so shortly after the last step is dealt with together with what comes next: nobody waits for it.
const GATHER: Duration = Duration::from_millis(200);

/// Waits for `pause`, and not longer than until `cancel`. Who waits for [`POLL`] is woken by what is appended.
pub(crate) async fn rest(pause: Duration, wake: &mut watch::Receiver<u64>, cancel: &CancellationToken) {
    let gathered = Instant::now() + GATHER;
    let woken = async {
        wake.changed().await.unwrap_or_default();
        sleep_until(gathered).await;
    };
    tokio::select! {
        () = cancel.cancelled() => {}
        () = sleep(pause) => {}
        () = woken, if pause == POLL => {}
    }
}
