//! What machines that watch the service ask.

use async_trait::async_trait;

/// A part of the service that must work before traffic is sent to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Short, stable: `log`, `sessions`, `keys`.
    pub name: String,
    /// Why it is not ready; `None` when it is.
    pub fault: Option<String>,
}

/// What machines that watch the service ask.
#[async_trait]
pub trait Health: Send + Sync + 'static {
    /// Every part that readiness depends on.
    async fn parts(&self) -> Vec<Part>;
    /// All metrics, in the `OpenMetrics` text format.
    fn metrics(&self) -> String;
    /// How far this node has read the log: an ending before it is accepted nowhere on it.
    fn position(&self) -> String;
}
