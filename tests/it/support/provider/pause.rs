//! A provider that takes its time, for what happens meanwhile.

use std::time::Duration;

use super::{Provider, desk::Desk};
use crate::support::eventually;

const PACE: Duration = Duration::from_millis(10);

impl Provider {
    /// From now on everybody waits for an answer, or nobody any more.
    pub(crate) fn pauses(&self, paused: bool) {
        self.state().paused = paused;
    }

    /// Waits until somebody waits.
    pub(crate) async fn is_asked(&self) {
        eventually("the provider is asked", || async {
            (self.state().waiting > 0).then_some(())
        })
        .await;
    }
}

impl Desk {
    pub(super) async fn pause(&self) {
        self.state.lock().unwrap().waiting += 1;
        while self.state.lock().unwrap().paused {
            tokio::time::sleep(PACE).await;
        }
        self.state.lock().unwrap().waiting -= 1;
    }
}
