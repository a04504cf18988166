//! Fault injection: what an endpoint does instead of responding normally, and for which requests.

use std::collections::BTreeMap;

use super::{
    SimError,
    answer::Answer,
    endpoint::{names, unknown},
};
use axum::http::{
    HeaderName, HeaderValue,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};

/// Maximum number of pending faults.
const MAX_FAULTS: usize = 1_000;

/// A fault to inject.
///
/// As JSON for the control API: `{"endpoint": "POST /2/tweets", "times": 2, "status": 503}`,
/// `{"endpoint": "*", "skip": 3, "cut": "after"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The requests it applies to: an endpoint's name (`GET /2/users/:id/mentions`, `POST /2/oauth2/token`), a prefix
    /// of one followed by `*`, or `*` for all.
    pub endpoint: String,
    /// Number of matching requests to let through first.
    pub skip: u32,
    /// Number of requests to affect after that, at least one.
    pub times: u32,
    /// Delay before the request is processed, in milliseconds.
    pub delay_ms: u64,
    /// Status to respond with instead of processing the request, without rate limit headers.
    pub status: Option<u16>,
    /// Headers of the response with this status.
    pub headers: BTreeMap<String, String>,
    /// Body of the response with this status.
    pub body: String,
    /// Cuts the connection before or after the request takes effect; after means that the response is lost.
    pub cut: Option<Cut>,
}

/// When a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Before the request takes effect.
    Before,
    /// After the request took effect, before the response is sent.
    After,
}

impl Cut {
    pub(super) fn read(word: &str) -> Option<Self> {
        match word {
            "before" => Some(Self::Before),
            "after" => Some(Self::After),
            _ => None,
        }
    }
}

impl Fault {
    /// A fault for the next request to an endpoint, without an effect yet.
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

    /// Sets how many matching requests to let through first.
    #[must_use]
    pub fn skip(self, skip: u32) -> Self {
        Self { skip, ..self }
    }

    /// Sets how many requests to affect.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// Delays requests by a number of milliseconds.
    #[must_use]
    pub fn delay_ms(self, delay_ms: u64) -> Self {
        Self { delay_ms, ..self }
    }

    /// Responds with a status and a body instead of processing the request.
    #[must_use]
    pub fn answer(self, status: u16, body: impl Into<String>) -> Self {
        Self { status: Some(status), body: body.into(), ..self }
    }

    /// Adds a header to the response of the fault.
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

    /// The error if this fault is invalid or has no effect.
    pub(super) fn refusal(&self) -> Option<SimError> {
        let refuse = |why: &str| Some(SimError::Command(why.to_owned()));
        if !names().any(|name| self.fits(&name)) {
            return Some(unknown(&self.endpoint));
        }
        if self.times == 0 {
            return refuse("`times` is at least 1");
        }
        match self.status {
            None if !self.headers.is_empty() || !self.body.is_empty() => {
                return refuse("`headers` and `body` are those of an answer: it needs a `status`");
            }
            None if self.cut.is_none() && self.delay_ms == 0 => {
                return refuse("this fault does nothing: it needs a `status`, a `cut` or a `delay_ms`");
            }
            Some(_) if self.cut.is_some() => {
                return refuse("a call is either answered with a `status`, or `cut`");
            }
            Some(status) if !(200..=599).contains(&status) => return refuse("`status` is between 200 and 599"),
            Some(status @ (204 | 205 | 304)) if !self.body.is_empty() => {
                return Some(SimError::Command(format!("an answer with the status {status} has no `body`")));
            }
            _ => {}
        }
        for (name, value) in &self.headers {
            let why = match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                (Err(_), _) => "is no name of a header",
                (_, Err(_)) => "has a value that no header may have",
                (Ok(CONTENT_LENGTH | TRANSFER_ENCODING), _) => "follows from the `body`",
                _ => continue,
            };
            return Some(SimError::Command(format!("`headers`: `{name}` {why}")));
        }
        None
    }

    fn fits(&self, endpoint: &str) -> bool {
        match self.endpoint.strip_suffix('*') {
            Some(beginning) => endpoint.starts_with(beginning),
            None => self.endpoint == endpoint,
        }
    }

    /// The response of this fault, which replaces the regular one.
    pub(super) fn forged(&self) -> Option<Answer> {
        let kind = if self.body.starts_with(['{', '[']) { "application/json" } else { "text/plain; charset=utf-8" };
        let forged = Answer::of(self.status?, kind, self.body.clone());
        Some(self.headers.iter().fold(forged, |answer, (name, value)| answer.with(name, value)))
    }
}

/// The pending faults.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    /// Adds a fault; `false` if too many are pending.
    pub(super) fn add(&mut self, fault: Fault) -> bool {
        let room = self.0.len() < MAX_FAULTS;
        if room {
            self.0.push(fault);
        }
        room
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault to inject into this request. Only the first fault that matches counts the request.
    pub(super) fn next(&mut self, endpoint: &str) -> Option<Fault> {
        let at = self.0.iter().position(|fault| fault.fits(endpoint))?;
        let fault = self.0.get_mut(at)?;
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        let found = fault.clone();
        fault.times = fault.times.saturating_sub(1);
        if fault.times == 0 {
            self.0.remove(at);
        }
        Some(found)
    }
}
