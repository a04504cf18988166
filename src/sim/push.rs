//! Delivery of events: the log of the last day, the stream connections, and faults of delivery.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{
    SimError, SimHandle,
    arguments::Arguments,
    happenings::Happening,
    stream::{Connection, Disconnect, KEEP_ALIVE_MILLIS},
    subscriptions::Subscription,
    webhooks::Webhook,
    world::World,
};

/// How long events are kept for backfill and replay, in milliseconds.
pub(super) const LOG_MILLIS: i64 = 24 * 60 * 60 * 1000;
/// Maximum number of events kept.
const MAX_LOG: usize = 10_000;
/// Maximum number of payloads that wait for their delivery.
const MAX_WAITING: usize = 50_000;
/// Maximum number of events in one payload of the Account Activity API.
const MAX_TOGETHER: usize = 20;
/// How long a webhook has time to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// An event of the X Activity API.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// When it happened, in milliseconds since 1970.
    pub(super) at: i64,
    /// Client id of the app that receives it.
    pub(super) client: String,
    /// The webhook that receives it; the stream if `None`.
    pub(super) webhook: Option<u64>,
    /// The JSON that is delivered.
    pub(super) body: Value,
}

/// Faults in the delivery of events, on the stream and to webhooks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Disturbance {
    /// Number of next events that are not delivered. Backfill and replay still deliver them.
    pub withhold: u32,
    /// Number of next events that are delivered twice.
    pub duplicate: u32,
    /// Number of next events that are delivered after the one that follows them.
    pub reorder: u32,
}

/// Subscriptions, connections and the events themselves.
#[derive(Debug)]
pub(super) struct Push {
    pub(super) subscriptions: BTreeMap<u64, Subscription>,
    pub(super) connections: Vec<Connection>,
    /// Time between keep-alive signals of a quiet stream, in milliseconds.
    pub(super) keep_alive: Arc<AtomicU64>,
    log: VecDeque<Event>,
    disturbance: Disturbance,
    /// The event that is delivered after the next.
    held: Option<Event>,
    pub(super) webhooks: BTreeMap<u64, Webhook>,
    /// Payloads that wait for their delivery to a webhook.
    waiting: VecDeque<(u64, Value)>,
    /// Number of payloads that are being delivered.
    under_way: usize,
    /// How often a failed delivery is repeated.
    pub(super) retries: u32,
    /// How long a webhook has time to answer.
    pub(super) timeout: Duration,
    /// Wakes the task that delivers.
    pub(super) wake: Arc<Notify>,
}

impl Default for Push {
    fn default() -> Self {
        Self {
            subscriptions: BTreeMap::new(),
            connections: Vec::new(),
            keep_alive: Arc::new(AtomicU64::new(KEEP_ALIVE_MILLIS)),
            log: VecDeque::new(),
            disturbance: Disturbance::default(),
            held: None,
            webhooks: BTreeMap::new(),
            waiting: VecDeque::new(),
            under_way: 0,
            retries: 0,
            timeout: TIMEOUT,
            wake: Arc::default(),
        }
    }
}

impl Push {
    /// The events that happened in a time, given in milliseconds since 1970, oldest first.
    pub(super) fn between(&self, from: i64, to: i64) -> impl Iterator<Item = &Event> {
        self.log.iter().filter(move |event| (from..=to).contains(&event.at))
    }

    fn keep(&mut self, event: Event, now: i64) {
        while self.log.len() >= MAX_LOG || self.log.front().is_some_and(|first| first.at < now - LOG_MILLIS) {
            self.log.pop_front();
        }
        self.log.push_back(event);
    }

    /// Queues a payload for a webhook.
    pub(super) fn post(&mut self, webhook: u64, body: Value) {
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back((webhook, body));
        }
        self.wake.notify_one();
    }

    /// The next payload to deliver. Events of the Account Activity API that wait for the same user come together.
    pub(super) fn next_delivery(&mut self) -> Option<(u64, Value)> {
        let (webhook, mut body) = self.waiting.pop_front()?;
        for _ in 1..MAX_TOGETHER {
            let fits = |(to, next): &(u64, Value)| *to == webhook && together(&body, next).is_some();
            let Some((_, next)) = self.waiting.pop_front_if(|next| fits(next)) else { break };
            body = together(&body, &next).unwrap_or(body);
        }
        self.under_way += 1;
        Some((webhook, body))
    }

    pub(super) fn delivered(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Number of payloads that are not delivered yet.
    fn undelivered(&self) -> usize {
        self.waiting.len() + self.under_way
    }

    /// The events to deliver now, after the ordered faults.
    fn disturbed(&mut self, event: Event) -> Vec<Event> {
        let Disturbance { withhold, duplicate, reorder } = &mut self.disturbance;
        if *withhold > 0 {
            *withhold -= 1;
            return Vec::new();
        }
        if *reorder > 0 && self.held.is_none() {
            *reorder -= 1;
            self.held = Some(event);
            return Vec::new();
        }
        let mut events = vec![event];
        if *duplicate > 0 {
            *duplicate -= 1;
            events.extend(events.first().cloned());
        }
        events.extend(self.held.take());
        events
    }
}

/// Two payloads of the Account Activity API as one; `None` if they cannot come together.
fn together(one: &Value, other: &Value) -> Option<Value> {
    let (Value::Object(one), Value::Object(other)) = (one, other) else { return None };
    if !one.contains_key("for_user_id") || !one.keys().eq(other.keys()) {
        return None;
    }
    let mut both = one.clone();
    for (name, more) in other {
        match (both.get_mut(name)?, more) {
            (Value::Array(events), Value::Array(more)) => events.extend(more.iter().cloned()),
            (Value::Object(users), Value::Object(more)) => users.extend(more.clone()),
            (same, more) if *same == *more => {}
            _ => return None,
        }
    }
    Some(Value::Object(both))
}

impl World {
    /// Keeps an event and delivers it.
    pub(super) fn push(&mut self, event: Event) {
        let now = self.now();
        self.push.keep(event.clone(), now);
        for event in self.push.disturbed(event) {
            self.deliver(&event);
        }
    }

    fn deliver(&mut self, event: &Event) {
        match event.webhook {
            None => self.push.stream(event),
            Some(webhook) => self.push.post(webhook, event.body.clone()),
        }
    }

    fn disturb(&mut self, disturbance: Disturbance) {
        self.push.disturbance = disturbance;
        if let Some(held) = self.push.held.take() {
            self.deliver(&held);
        }
    }

    /// Executes a command about events.
    pub(super) fn obey_push(&mut self, command: &str, mut given: Arguments) -> Result<Value, SimError> {
        let count = 0..=i64::from(u32::MAX);
        match command {
            "chat" => {
                let (from, to) = (given.text("from"), given.text("to"));
                given.finish()?;
                let (from, to) = (self.find_person(&from)?, self.find_person(&to)?);
                self.happened(&Happening::Chat { from, to });
            }
            "events" => {
                let disturbance = Disturbance {
                    withhold: given.optional_number("withhold", count.clone()).unwrap_or_default(),
                    duplicate: given.optional_number("duplicate", count.clone()).unwrap_or_default(),
                    reorder: given.optional_number("reorder", count).unwrap_or_default(),
                };
                given.finish()?;
                self.disturb(disturbance);
            }
            "stream" => {
                let keep_alive = given.optional_number("keep_alive_ms", 1..=20_000);
                let how = given.optional("disconnect", "`close`, `cut` or `operational`", Disconnect::read);
                given.finish()?;
                if let Some(millis) = keep_alive {
                    self.push.set_keep_alive(Duration::from_millis(millis));
                }
                if let Some(how) = how {
                    self.push.disconnect(how);
                }
                return Ok(json!({"connections": self.push.open_connections()}));
            }
            "webhooks" => {
                let (check, disable) = (given.flag("check"), given.flag("disable"));
                let retries = given.optional_number("retries", 0..=10);
                let timeout = given.optional_number("timeout_ms", 1..=10_000);
                given.finish()?;
                self.push.retries = retries.unwrap_or(self.push.retries);
                self.push.timeout = timeout.map_or(self.push.timeout, Duration::from_millis);
                self.order_webhooks(check.unwrap_or_default(), disable.unwrap_or_default());
                let webhooks: Vec<Value> = self.push.webhooks.iter().map(|(id, w)| w.show(*id)).collect();
                return Ok(json!({"webhooks": webhooks, "undelivered": self.push.undelivered()}));
            }
            _ => return self.obey_status(command, given),
        }
        Ok(json!({}))
    }
}

impl SimHandle {
    /// Sends an encrypted message, of which apps see nothing but an event.
    pub fn chat(&self, from: &str, to: &str) -> Result<(), SimError> {
        let mut world = self.shared.world();
        let (from, to) = (world.find_person(from)?, world.find_person(to)?);
        world.happened(&Happening::Chat { from, to });
        Ok(())
    }

    /// Disturbs the delivery of the next events, instead of what was ordered before. An event that was held back to be
    /// reordered is delivered now.
    pub fn disturb(&self, disturbance: Disturbance) {
        self.shared.world().disturb(disturbance);
    }

    /// Ends all stream connections.
    pub fn disconnect_streams(&self, how: Disconnect) {
        self.shared.world().push.disconnect(how);
    }

    /// Number of open stream connections.
    pub fn stream_connections(&self) -> usize {
        self.shared.world().push.open_connections()
    }

    /// Makes X check all webhooks now, or mark them as invalid, as after a failed check.
    pub fn order_webhooks(&self, check: bool, disable: bool) {
        self.shared.world().order_webhooks(check, disable);
    }

    /// Sets how often a failed delivery to a webhook is repeated (0), and how long a webhook has time to answer (10 s).
    pub fn set_deliveries(&self, retries: u32, timeout: Duration) {
        let mut world = self.shared.world();
        (world.push.retries, world.push.timeout) = (retries, timeout);
    }

    /// Number of payloads that were not delivered to their webhook yet.
    pub fn undelivered(&self) -> usize {
        self.shared.world().push.undelivered()
    }

    /// Whether each webhook is valid, by URL.
    pub fn webhooks(&self) -> BTreeMap<String, bool> {
        self.shared.world().push.webhooks.values().map(|webhook| (webhook.url.clone(), webhook.valid)).collect()
    }

    /// Sets the time between keep-alive signals of a quiet stream, from the next signal on; 20 seconds at X.
    pub fn set_keep_alive(&self, every: Duration) {
        self.shared.world().push.set_keep_alive(every);
    }
}
