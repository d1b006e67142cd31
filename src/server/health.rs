//! What machines that watch the service are told.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use doorbook_openapi::app::{Health, Part};
use doorbook_projections::fault::Fault;
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::{outbox::Counts, service::Service};

type Labels = Vec<(&'static str, &'static str)>;

/// Where figures of the whole node are written.
struct Figures<'a>(&'a mut Registry);

impl Figures<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        let gauge: Gauge = Gauge::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        self.0.register(name, help, gauge);
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// What is sent, watched.
pub(super) struct Outboxes {
    /// Letters.
    pub(super) mail: Arc<Counts>,
    /// Webhooks, by name.
    pub(super) webhooks: Vec<(String, Arc<Counts>)>,
}

/// The service, watched.
pub(super) struct Vitals {
    service: Service,
    outboxes: Outboxes,
    stopping: AtomicBool,
}

impl Vitals {
    pub(super) fn new(service: Service, outboxes: Outboxes) -> Self {
        Self {
            service,
            outboxes,
            stopping: AtomicBool::new(false),
        }
    }

    /// From now on the service is not ready: no new traffic should be sent.
    pub(super) fn stopping(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// What the directory of sessions holds.
    fn memory(&self, figures: &mut Figures<'_>) {
        let directory = self.service.directory.counts();
        figures.gauge(
            "sessions_in_memory",
            "Live sessions that this node holds",
            count(directory.sessions),
        );
        figures.gauge("users_in_memory", "Users of these sessions", count(directory.users));
        figures.gauge(
            "session_fills",
            "Sessions read from the log since the start",
            directory.fills,
        );
        figures.gauge(
            "session_evictions",
            "Sessions that gave way to others since the start",
            directory.evictions,
        );
        figures.gauge("sessions_memory_bytes", "Memory that they take", count(directory.bytes));
        figures.gauge(
            "session_streams",
            "Pages that follow their session",
            count(self.service.tabs_open()),
        );
    }

    /// How busy those are that hash passwords.
    fn passwords(&self, figures: &mut Figures<'_>) {
        let hasher = self.service.hasher.counts();
        figures.gauge(
            "passwords_hashed",
            "Password hashes made and verified since the start",
            hasher.hashed,
        );
        figures.gauge(
            "passwords_refused",
            "Logins and sign-ups sent away because the queue was full",
            hasher.refused,
        );
        figures.gauge("passwords_waiting", "Password hashes that wait", count(hasher.waiting));
    }

    /// How letters get on.
    fn mail(&self, figures: &mut Figures<'_>) {
        let mail = self.outboxes.mail.figures();
        figures.gauge("mail_pending", "Letters that wait to be sent", mail.pending);
        figures.gauge("mail_parked", "Letters that are not tried any more", mail.parked);
        figures.gauge("mail_sent", "Letters sent since the start", mail.sent);
        figures.gauge("mail_failed", "Tries to send that failed since the start", mail.failed);
    }

    /// How far the tree over the log is.
    fn proof(&self, figures: &mut Figures<'_>) {
        let proof = self.service.notary.figures();
        figures.gauge("proof_events", "Events that the tree over the log holds", proof.size);
        figures.gauge(
            "proof_signed_events",
            "Events that the last checkpoint covers",
            proof.signed,
        );
        figures.gauge(
            "proof_unsent_checkpoints",
            "Checkpoints that have not left yet",
            proof.unsent,
        );
        let broken = u64::from(proof.broken);
        figures.gauge(
            "proof_broken",
            "1 while the log is not what was signed, or cannot be signed",
            broken,
        );
    }

    /// How far those are that act on the log.
    fn followers(&self, registry: &mut Registry) {
        let (lag, parked) = (Family::<Labels, Gauge>::default(), Family::<Labels, Gauge>::default());
        let head = self.service.directory.read_position().number();
        for (name, figure) in self.service.followers() {
            let labels = vec![("process", name)];
            let behind = if figure.waits {
                0
            } else {
                head.saturating_sub(figure.position.number())
            };
            lag.get_or_create(&labels)
                .set(i64::try_from(behind).unwrap_or(i64::MAX));
            let left = i64::try_from(figure.parked).unwrap_or(i64::MAX);
            parked.get_or_create(&labels).set(left);
        }
        registry.register(
            "process_lag_events",
            "Events that a follower could have acted on and has not",
            lag,
        );
        registry.register(
            "process_parked_events",
            "Events that a follower has gone past; tried again every hour",
            parked,
        );
    }

    /// How the read models are.
    fn read_models(&self, registry: &mut Registry) {
        let (lag, parked) = (Family::<Labels, Gauge>::default(), Family::<Labels, Gauge>::default());
        let (paused, runs) = (Family::<Labels, Gauge>::default(), Family::<Labels, Counter>::default());
        let head = self.service.directory.read_position();
        for figure in self.service.engine.figures() {
            let labels = vec![("projection", figure.name)];
            let read = figure.position.unwrap_or_default();
            let behind = head.number().saturating_sub(read.number());
            lag.get_or_create(&labels)
                .set(i64::try_from(behind).unwrap_or(i64::MAX));
            parked
                .get_or_create(&labels)
                .set(i64::try_from(figure.parked).unwrap_or(i64::MAX));
            paused.get_or_create(&labels).set(figure.paused.into());
            for (kind, state, count) in figure.runs {
                let kind = [("kind", kind.as_str()), ("outcome", state.as_str())];
                let labels = labels.iter().copied().chain(kind).collect();
                runs.get_or_create(&labels).inc_by(count);
            }
        }
        registry.register("projection_lag_events", "Events that queries do not see yet", lag);
        registry.register("projection_parked_streams", "Streams that are left out", parked);
        registry.register("projection_paused", "1 while an admin holds it", paused);
        registry.register(
            "projection_runs",
            "Rebuilds and verifications of this process that ended since its start, by how",
            runs,
        );
    }

    /// How webhooks get on.
    fn webhooks(&self, registry: &mut Registry) {
        type Named = Vec<(&'static str, String)>;
        let [lag, pending, parked] = [(); 3].map(|()| Family::<Named, Gauge>::default());
        let [sent, failed] = [(); 2].map(|()| Family::<Named, Counter>::default());
        let head = self.service.directory.read_position().number();
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        for (name, counts) in &self.outboxes.webhooks {
            let (labels, figures) = (vec![("webhook", name.clone())], counts.figures());
            let behind = head.saturating_sub(figures.passed.number());
            lag.get_or_create(&labels).set(number(behind));
            pending.get_or_create(&labels).set(number(figures.pending));
            parked.get_or_create(&labels).set(number(figures.parked));
            sent.get_or_create(&labels).inc_by(figures.sent);
            failed.get_or_create(&labels).inc_by(figures.failed);
        }
        registry.register("webhook_lag_events", "Events that a webhook has not looked at", lag);
        registry.register("webhook_pending", "Events that wait to be posted", pending);
        registry.register("webhook_parked", "Events that are not posted any more", parked);
        registry.register("webhook_sent", "Events that the receiver took", sent);
        registry.register("webhook_failed", "Tries to post that failed", failed);
    }

    /// What the throttle has refused.
    fn refusals(&self, registry: &mut Registry) {
        let refused = Family::<Labels, Counter>::default();
        for (scope, count) in self.service.throttle.refusals() {
            refused.get_or_create(&vec![("scope", scope.name())]).inc_by(count);
        }
        registry.register(
            "throttle_refused",
            "Attempts refused since the start, by what was counted",
            refused,
        );
    }

    async fn projections(&self) -> Vec<Part> {
        let read = match self.service.engine.status().await {
            Ok(statuses) => statuses.into_iter().map(|status| Part {
                name: status.name.to_owned(),
                fault: match (status.fault, status.position) {
                    (Some(fault), _) => Some(fault),
                    (None, None) => Some("being built".to_owned()),
                    (None, Some(_)) => None,
                },
            }),
            Err(fault) => return vec![part("projections", Err(&fault))],
        };
        read.collect()
    }
}

fn part(name: &str, outcome: Result<(), &Fault>) -> Part {
    Part {
        name: name.to_owned(),
        fault: outcome.err().map(ToString::to_string),
    }
}

#[async_trait]
impl Health for Vitals {
    async fn parts(&self) -> Vec<Part> {
        let log = self.service.store.log().head().await;
        let keys = self.service.keyring.cursor("readiness").await;
        let throttle = self.service.throttle.check().await;
        let mut parts = vec![
            part("log", log.as_ref().map(drop)),
            part("keys", keys.as_ref().map(drop)),
            part("throttle", throttle.as_ref().map(drop)),
            Part {
                name: "sessions-in-memory".to_owned(),
                fault: (!self.service.directory.is_trusted(self.service.clock.now()))
                    .then(|| "the log cannot be followed".to_owned()),
            },
            Part {
                name: "service".to_owned(),
                fault: self.stopping.load(Ordering::Acquire).then(|| "stopping".to_owned()),
            },
        ];
        parts.extend(self.projections().await);
        parts
    }

    fn metrics(&self) -> String {
        let mut registry = Registry::with_prefix("doorbook");
        let mut figures = Figures(&mut registry);
        self.memory(&mut figures);
        self.passwords(&mut figures);
        figures.gauge(
            "log_position_read",
            "Last event that this node has read",
            self.service.directory.read_position().number(),
        );
        self.mail(&mut figures);
        self.proof(&mut figures);
        figures.gauge(
            "retention_overdue_months",
            "Months that should be forgotten by now and are not",
            self.service.months_overdue(),
        );
        self.followers(&mut registry);
        self.read_models(&mut registry);
        self.refusals(&mut registry);
        self.webhooks(&mut registry);
        registry.register(
            "social_logins",
            "Flows at identity providers that are over, by how they ended",
            self.service.social.counts().clone(),
        );
        let mut text = String::new();
        if encode(&mut text, &registry).is_err() {
            tracing::error!("the metrics cannot be written");
        }
        text
    }

    fn position(&self) -> String {
        self.service.directory.read_position().to_string()
    }
}
