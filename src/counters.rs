//! What a process counts while it runs, as metrics for Prometheus. Each process starts at zero.

use std::{sync::Arc, time::Duration};

use prometheus::{
    CounterVec, Gauge, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, core::Collector,
    proto::MetricFamily,
};

/// Upper bounds of the buckets for the time from a post to its ticket, in seconds. Twite promises 15 minutes.
const LAG_SECONDS: &[f64] = &[0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3_600.0, 86_400.0];

/// The counters of a process. Clones count together.
#[derive(Debug, Clone)]
pub struct Counters(Arc<All>);

#[derive(Debug)]
struct All {
    registry: Registry,
    received: IntCounterVec,
    set_aside: IntCounterVec,
    lag: HistogramVec,
    clock_ahead: Gauge,
    opened: IntCounterVec,
    fired: IntCounterVec,
    deliveries: IntCounterVec,
    reloads: IntCounterVec,
    differing: IntCounterVec,
    push_works: IntGaugeVec,
    calls: IntCounterVec,
    calls_allowed: IntGaugeVec,
    calls_left: IntGaugeVec,
    cost: CounterVec,
}

impl Default for Counters {
    fn default() -> Self {
        let registry = Registry::new();
        let counted =
            |name, help, labels: &[&str]| register(&registry, IntCounterVec::new(Opts::new(name, help), labels));
        let gauge = |name, help, labels: &[&str]| register(&registry, IntGaugeVec::new(Opts::new(name, help), labels));
        let lag = HistogramOpts::new(
            "twite_message_lag_seconds",
            "Time from when a message was written at X until it was processed, rules included.",
        );
        let cost = Opts::new("twite_x_cost_dollars_total", "What calls to X cost by its price list, at most.");
        let all = All {
            received: counted(
                "twite_messages_received_total",
                "Messages from X that were not known before.",
                &["account", "kind", "transport"],
            ),
            set_aside: counted(
                "twite_messages_set_aside_total",
                "Messages that cannot be read or stored.",
                &["account"],
            ),
            lag: register(&registry, HistogramVec::new(lag.buckets(LAG_SECONDS.to_vec()), &["transport"])),
            opened: counted("twite_tickets_opened_total", "Tickets that were opened.", &["channel"]),
            fired: counted("twite_rules_fired_total", "Rules that fired.", &["mode"]),
            deliveries: counted(
                "twite_deliveries_total",
                "Attempts to deliver replies, messages, mails and webhook calls.",
                &["what", "outcome"],
            ),
            reloads: counted(
                "twite_reloads_total",
                "Changes of the rule files that went live or are broken.",
                &["outcome"],
            ),
            differing: counted(
                "twite_decisions_differing_total",
                "Decisions for which the index and the plain evaluator differ: bugs in Twite.",
                &[],
            ),
            clock_ahead: register(
                &registry,
                Gauge::new(
                    "twite_clock_ahead_seconds",
                    "How far the machine's clock is ahead of X's, when X last answered.",
                ),
            ),
            push_works: gauge(
                "twite_push_works",
                "Whether what X delivers by itself arrives: the stream or webhook of an account works.",
                &["account", "transport"],
            ),
            calls: counted("twite_x_calls_total", "Calls to X.", &["account", "operation", "outcome"]),
            calls_allowed: gauge(
                "twite_x_calls_allowed",
                "Calls that X allows per window, as it last said.",
                &["account", "operation"],
            ),
            calls_left: gauge(
                "twite_x_calls_left",
                "Calls that are left in X's current window, as it last said.",
                &["account", "operation"],
            ),
            cost: register(&registry, CounterVec::new(cost, &["account", "operation"])),
            registry,
        };
        all.differing.with_label_values::<&str>(&[]);
        Self(Arc::new(all))
    }
}

/// Registers a metric.
#[expect(clippy::expect_used, reason = "the names above are constants, valid and distinct, which a test shows")]
fn register<C: Collector + Clone + 'static>(registry: &Registry, metric: prometheus::Result<C>) -> C {
    let metric = metric.expect("a valid metric");
    registry.register(Box::new(metric.clone())).expect("a metric that is not registered yet");
    metric
}

impl Counters {
    /// Counts a message that was not known before.
    pub fn received(&self, account: &str, kind: &str, transport: &str) {
        self.0.received.with_label_values(&[account, kind, transport]).inc();
    }

    /// Counts a message that was set aside.
    pub fn set_aside(&self, account: &str) {
        self.0.set_aside.with_label_values(&[account]).inc();
    }

    /// Records how long after a message was written it was processed.
    pub fn processed(&self, transport: &str, lag: Duration) {
        self.0.lag.with_label_values(&[transport]).observe(lag.as_secs_f64());
    }

    /// Records how far the machine's clock is ahead of X's, in seconds.
    pub fn clock_ahead(&self, seconds: f64) {
        self.0.clock_ahead.set(seconds);
    }

    /// Counts a ticket that was opened.
    pub fn opened(&self, channel: &str) {
        self.0.opened.with_label_values(&[channel]).inc();
    }

    /// Counts a rule that fired.
    pub fn fired(&self, mode: &str) {
        self.0.fired.with_label_values(&[mode]).inc();
    }

    /// Counts an attempt to deliver something.
    pub fn delivered(&self, what: &str, outcome: &str) {
        self.0.deliveries.with_label_values(&[what, outcome]).inc();
    }

    /// Counts a reload.
    pub fn reloaded(&self, outcome: &str) {
        self.0.reloads.with_label_values(&[outcome]).inc();
    }

    /// Counts a decision for which the index and the plain evaluator differ.
    pub fn differing(&self) {
        self.0.differing.with_label_values::<&str>(&[]).inc();
    }

    /// Records whether the stream or webhook of an account works.
    pub fn push_works(&self, account: &str, transport: &str, works: bool) {
        self.0.push_works.with_label_values(&[account, transport]).set(works.into());
    }

    /// Forgets the stream and webhook of an account that uses neither any more.
    pub fn forget_push(&self, account: &str) {
        for transport in ["stream", "webhook"] {
            // An error means that there is nothing to forget.
            let _ = self.0.push_works.remove_label_values(&[account, transport]);
        }
    }

    /// Forgets the streams and webhooks of all accounts.
    pub fn forget_all_push(&self) {
        self.0.push_works.reset();
    }

    /// Counts a call to X, and records the calls that X allows and that are left, if it says so.
    pub fn called(&self, account: &str, operation: &str, outcome: &str, allowed: Option<u64>, left: Option<u64>) {
        self.0.calls.with_label_values(&[account, operation, outcome]).inc();
        for (gauge, calls) in [(&self.0.calls_allowed, allowed), (&self.0.calls_left, left)] {
            if let Some(calls) = calls {
                gauge.with_label_values(&[account, operation]).set(i64::try_from(calls).unwrap_or(i64::MAX));
            }
        }
    }

    /// Adds what a call costs, in millionths of a dollar.
    pub fn cost(&self, account: &str, operation: &str, micros: u64) {
        let micros = u32::try_from(micros).unwrap_or(u32::MAX);
        self.0.cost.with_label_values(&[account, operation]).inc_by(f64::from(micros) / 1e6);
    }

    /// All metrics.
    pub fn gather(&self) -> Vec<MetricFamily> {
        self.0.registry.gather()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_count_together() {
        let counters = Counters::default();
        let clone = counters.clone();
        clone.received("acme", "post", "poll");
        clone.processed("poll", Duration::from_secs(7));
        clone.called("acme", "GET /2/users/me", "ok", Some(75), Some(74));
        clone.cost("acme", "GET /2/users/me", 5_000);
        let text = prometheus::TextEncoder::new().encode_to_string(&counters.gather()).unwrap();
        for line in [
            "twite_messages_received_total{account=\"acme\",kind=\"post\",transport=\"poll\"} 1",
            "twite_message_lag_seconds_bucket{transport=\"poll\",le=\"5\"} 0",
            "twite_message_lag_seconds_bucket{transport=\"poll\",le=\"10\"} 1",
            "twite_decisions_differing_total 0",
            "twite_x_calls_total{account=\"acme\",operation=\"GET /2/users/me\",outcome=\"ok\"} 1",
            "twite_x_calls_left{account=\"acme\",operation=\"GET /2/users/me\"} 74",
            "twite_x_cost_dollars_total{account=\"acme\",operation=\"GET /2/users/me\"} 0.005",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
