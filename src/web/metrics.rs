//! `/metrics`: what the daemon counted since its start, and the state of its database, in Prometheus' text format.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use prometheus::{GaugeVec, Opts, TEXT_FORMAT, TextEncoder, core::Collector, proto::MetricFamily};

use super::{Standing, Web};
use crate::{
    app::App,
    desk::{AccountState, XId},
    store::StoreError,
};

/// The page.
pub(super) async fn page(State(web): State<Web>) -> Response {
    match text(&web).await {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

/// All metrics. If the database cannot be read, those that need it are missing, and `twite_database_up` is 0.
async fn text(web: &Web) -> prometheus::Result<String> {
    let mut families = web.app.notices().counters().gather();
    let working = *web.standing.borrow() == Standing::Working;
    let mut gauges = Gauges::default();
    let up = match read(&web.app).await {
        Ok(read) => {
            gauges = read;
            true
        }
        Err(error) => {
            tracing::warn!("the metrics of the database are missing: {error}");
            false
        }
    };
    gauges.add("twite_build_info", "The version of Twite.", &["version"], [([env!("CARGO_PKG_VERSION")], 1.0)])?;
    gauges.one("twite_database_up", "Whether the database can be read.", up.into())?;
    gauges.one(
        "twite_working",
        "Whether this daemon works; 0 while it waits for another one to end.",
        working.into(),
    )?;
    gauges.rules(&web.app)?;
    families.extend(gauges.0);
    families.sort_by(|a, b| a.name().cmp(b.name()));
    TextEncoder::new().encode_to_string(&families)
}

/// Metrics that are read when they are asked for.
#[derive(Default)]
struct Gauges(Vec<MetricFamily>);

impl Gauges {
    /// Adds a metric with its values. One without values is left out.
    fn add<'a, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: &[&str; N],
        values: impl IntoIterator<Item = ([&'a str; N], f64)>,
    ) -> prometheus::Result<()> {
        let gauge = GaugeVec::new(Opts::new(name, help), labels)?;
        for (of, value) in values {
            gauge.with_label_values(&of).set(value);
        }
        self.0.extend(gauge.collect().into_iter().filter(|family| !family.get_metric().is_empty()));
        Ok(())
    }

    /// Adds a metric without labels.
    fn one(&mut self, name: &str, help: &str, value: f64) -> prometheus::Result<()> {
        self.add(name, help, &[], [([], value)])
    }

    /// Adds the live rules, and the state of their files.
    fn rules(&mut self, app: &App) -> prometheus::Result<()> {
        let (version, state) = (app.live().version(), app.live().state().borrow().clone());
        let commit = version.commit.as_deref().unwrap_or_default();
        let labels = ["hash", "commit"];
        self.add(
            "twite_rules_info",
            "The version of the live rules.",
            &labels,
            [([version.hash.as_str(), commit], 1.0)],
        )?;
        self.one(
            "twite_rules_live_timestamp_seconds",
            "When the live rules went live.",
            state.since.as_duration().as_secs_f64(),
        )?;
        self.one(
            "twite_rules_broken",
            "Whether the rule files have errors, so that they are not live.",
            state.broken.is_some().into(),
        )?;
        self.one(
            "twite_restart_needed",
            "Whether settings changed that are used when the daemon starts again.",
            (!state.restart.is_empty()).into(),
        )
    }
}

/// What the database holds.
async fn read(app: &App) -> Result<Gauges, StoreError> {
    let (store, now) = (app.store(), app.clock().now());
    let queues = store.queues().await?;
    let behind = store.count_due(now).await?;
    let (accounts, hindrances, failing) = (store.accounts().await?, store.hindrances().await?, store.failing().await?);
    let handle =
        |id: &XId| accounts.iter().find(|account| account.id == *id).map_or("", |account| account.handle.as_str());
    let count = |n: i64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    let age =
        |since: Option<jiff::Timestamp>| since.map_or(0.0, |since| now.duration_since(since).as_secs_f64().max(0.0));
    let mut gauges = Gauges::default();
    let added = (|| {
        gauges.add(
            "twite_inbox_messages",
            "Messages that are not processed: `pending`, or `set_aside` because they cannot be read or stored.",
            &["state"],
            [(["pending"], count(queues.inbox)), (["set_aside"], count(queues.set_aside))],
        )?;
        gauges.one(
            "twite_inbox_oldest_age_seconds",
            "Age of the oldest message that is not processed.",
            age(queues.inbox_since),
        )?;
        gauges.add(
            "twite_outbox_effects",
            "Effects that are `waiting`, being sent (`sending`), or of which nobody knows whether they arrived (`unknown`).",
            &["state"],
            [
                (["waiting"], count(queues.outbox)),
                (["sending"], count(queues.sending)),
                (["unknown"], count(queues.unknown)),
            ],
        )?;
        gauges.one(
            "twite_outbox_overdue_seconds",
            "How long the first effect has been due that is not sent.",
            age(queues.outbox_due),
        )?;
        gauges.one("twite_automations_behind_tickets", "Tickets on which automations are due.", count(behind))?;
        let states = accounts.iter().flat_map(|account| {
            let state =
                |state: &AccountState| ([account.handle.as_str(), state.as_str()], f64::from(account.state == *state));
            AccountState::ALL.iter().map(state)
        });
        gauges.add(
            "twite_account_state",
            "1 for the state of each account, 0 for the other states.",
            &["account", "state"],
            states,
        )?;
        let faults = hindrances.iter().filter(|hindrance| hindrance.is_fault(now));
        gauges.add(
            "twite_account_fault",
            "1 for each thing that an account cannot do now.",
            &["account", "what"],
            faults.map(|fault| ([handle(&fault.account), fault.what.as_str()], 1.0)),
        )?;
        let failing: Vec<_> =
            failing.iter().map(|failing| (failing.destination.to_string(), age(Some(failing.since)))).collect();
        gauges.add(
            "twite_destination_failing_seconds",
            "How long a destination has been failing.",
            &["destination"],
            failing.iter().map(|(destination, since)| ([destination.as_str()], *since)),
        )
    })();
    added.map_err(|error: prometheus::Error| StoreError::Corrupt(error.to_string()))?;
    Ok(gauges)
}
