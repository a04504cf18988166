//! Faults on order: what an endpoint shall do instead of answering properly, and when.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::answer::Answer;

/// The most faults that wait at once.
const MOST: usize = 1_000;

/// Something that shall go wrong.
///
/// As JSON for the control API: `{"endpoint": "POST /2/tweets", "times": 2, "status": 503}`,
/// `{"endpoint": "*", "skip": 3, "cut": "after"}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which requests: an endpoint's name (`GET /2/users/:id/mentions`, `POST /2/oauth2/token`), the beginning of one
    /// that ends in `*`, or `*` for all.
    pub endpoint: String,
    /// How many requests pass unharmed first.
    #[serde(default)]
    pub skip: u32,
    /// How many requests are struck then, at least one.
    #[serde(default = "once")]
    pub times: u32,
    /// How long the request waits before anything else happens, in milliseconds.
    #[serde(default)]
    pub delay_ms: u64,
    /// Answer with this status, and no rate limit headers; nothing else happens.
    #[serde(default)]
    pub status: Option<u16>,
    /// Headers of that answer.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Body of that answer.
    #[serde(default)]
    pub body: String,
    /// Cut the connection before or after the request takes effect; after is an answer lost.
    #[serde(default)]
    pub cut: Option<Cut>,
}

/// When a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// Before the request takes effect.
    Before,
    /// After it did, and before the answer.
    After,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// A fault that does nothing yet, for the next request to an endpoint.
    pub fn on(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            skip: 0,
            times: 1,
            delay_ms: 0,
            status: None,
            headers: BTreeMap::new(),
            body: String::new(),
            cut: None,
        }
    }

    /// Lets so many requests pass first.
    #[must_use]
    pub fn skip(self, skip: u32) -> Self {
        Self { skip, ..self }
    }

    /// Strikes so many requests.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// Makes the request wait.
    #[must_use]
    pub fn delay_ms(self, delay_ms: u64) -> Self {
        Self { delay_ms, ..self }
    }

    /// Answers with a status and a body.
    #[must_use]
    pub fn answer(self, status: u16, body: impl Into<String>) -> Self {
        Self { status: Some(status), body: body.into(), ..self }
    }

    /// Adds a header to that answer.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Cuts the connection.
    #[must_use]
    pub fn cut(self, when: Cut) -> Self {
        Self { cut: Some(when), ..self }
    }

    fn fits(&self, endpoint: &str) -> bool {
        match self.endpoint.strip_suffix('*') {
            Some(beginning) => endpoint.starts_with(beginning),
            None => self.endpoint == endpoint,
        }
    }

    /// The answer this fault puts in place of the proper one.
    pub(super) fn forged(&self) -> Option<Answer> {
        let kind = if self.body.starts_with(['{', '[']) { "application/json" } else { "text/plain; charset=utf-8" };
        let forged = Answer::of(self.status?, kind, self.body.clone());
        Some(self.headers.iter().fold(forged, |answer, (name, value)| answer.with(name, value)))
    }
}

/// The faults that are still to come.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    /// `false` where too many wait already.
    pub(super) fn add(&mut self, fault: Fault) -> bool {
        let room = self.0.len() < MOST;
        if room {
            self.0.push(fault);
        }
        room
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault that strikes this request. The first that fits counts it; those behind wait for their turn.
    pub(super) fn strike(&mut self, endpoint: &str) -> Option<Fault> {
        let at = self.0.iter().position(|fault| fault.fits(endpoint))?;
        let fault = self.0.get_mut(at)?;
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        let struck = fault.clone();
        fault.times = fault.times.saturating_sub(1);
        if fault.times == 0 {
            self.0.remove(at);
        }
        Some(struck)
    }
}
