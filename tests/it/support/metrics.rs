//! What the service counts.

use super::Service;

impl Service {
    /// All of it, as Prometheus reads it.
    pub(crate) async fn metrics(&self) -> String {
        let answer = reqwest::get(format!("{}/metrics", self.admin_origin())).await;
        answer.unwrap().text().await.unwrap()
    }

    /// One figure, by its name without `doorbook_` and with its labels: `mail_sent`, `webhook_pending{webhook="crm"}`.
    pub(crate) async fn metric(&self, name: &str) -> Option<u64> {
        let metrics = self.metrics().await;
        let found = metrics
            .lines()
            .find_map(|line| line.strip_prefix("doorbook_")?.strip_prefix(name)?.strip_prefix(' '));
        found.map(|value| value.trim().parse().unwrap())
    }
}
