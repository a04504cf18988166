//! Delivery of events: the log of the last day, the stream connections, and faults of delivery.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    SimError, SimHandle,
    arguments::Arguments,
    control::no_such_command,
    happenings::Happening,
    stream::{Connection, Disconnect, KEEP_ALIVE_MILLIS},
    subscriptions::Subscription,
    world::World,
};

/// How long events are kept for backfill and replay, in milliseconds.
pub(super) const LOG_MILLIS: i64 = 24 * 60 * 60 * 1000;
/// Maximum number of events kept.
const MAX_LOG: usize = 50_000;

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
    pub(super) body: String,
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
        if event.webhook.is_none() {
            self.push.stream(event);
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
            _ => return Err(no_such_command("POST", command)),
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

    /// Sets the time between keep-alive signals of a quiet stream, from the next signal on; 20 seconds at X.
    pub fn set_keep_alive(&self, every: Duration) {
        self.shared.world().push.set_keep_alive(every);
    }
}
