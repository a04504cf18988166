//! The stream of the X Activity API: one connection for all accounts of an app.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use reqwest::Response;
use url::Url;

use super::push::MAX_DELIVERY_BYTES;
use crate::{
    settings::XSettings,
    x::{
        Refusal, XError,
        client::{Sent, bounded_body, builder, send},
        error::refusal,
        limits::retry_after,
        parts::salvage,
    },
};

/// X sends a keep-alive at least every 20 seconds.
const MAX_SILENCE: Duration = Duration::from_secs(45);
/// The wait if all connections that X allows are in use, unless X names one.
const CROWDED: Duration = Duration::from_secs(30);
/// Maximum number of minutes for which X delivers again what was sent while nobody was connected.
const BACKFILL_MINUTES: u8 = 5;

/// Creates the HTTP client for streams: no redirects and no limit on the duration of a response.
///
/// # Errors
/// When the TLS setup fails.
pub fn http() -> Result<reqwest::Client, XError> {
    builder().read_timeout(MAX_SILENCE).build().map_err(|e| XError::NotReached(e.to_string()))
}

/// An open stream.
#[derive(Debug)]
pub struct Stream {
    response: Response,
    /// What was received and is not read yet.
    buffer: Vec<u8>,
    /// Whether the current line is too long, so that it is skipped.
    skips: bool,
}

/// A line of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// X is there, and has nothing to say.
    KeepAlive,
    /// A delivery.
    Delivery(Vec<u8>),
    /// A delivery that is too long, and was skipped.
    TooLong,
    /// X says that it ends the stream, and why.
    Ends(String),
}

/// Opens the stream with the app's bearer token. X delivers the last five minutes again, of which most is known.
///
/// # Errors
/// [`XError::Setup`] if the settings name no bearer token.
pub async fn connect(settings: &XSettings, http: &reqwest::Client) -> Result<Stream, XError> {
    let bearer = bearer(settings)?;
    let url = Url::parse(&settings.url)
        .and_then(|url| url.join("/2/activity/stream"))
        .map_err(|e| XError::Setup(format!("`x.url = \"{}\"`: {e}", settings.url)))?;
    let request = http.get(url).query(&[("backfill_minutes", BACKFILL_MINUTES)]).bearer_auth(bearer);
    let response = send(request, Sent::Nothing).await?;
    let status = response.status();
    if status.is_success() {
        return Ok(Stream { response, buffer: vec![], skips: false });
    }
    let wait = retry_after(response.headers(), jiff::Timestamp::UNIX_EPOCH);
    let body = bounded_body(response, Sent::Nothing).await?;
    let problem = salvage(&body);
    let text = |name: &str| problem.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    // This is no rate limit, although its status is that of one.
    if text("connection_issue") == "TooManyConnections" {
        let why = "X allows no further connection to the activity stream of this app; another process may have it open";
        return Err(XError::Unavailable { why: why.to_owned(), wait: wait.or(Some(CROWDED)) });
    }
    Err(refusal(status.as_u16(), &body, wait))
}

/// The app's bearer token.
///
/// # Errors
/// [`XError::Setup`] if there is none.
pub fn bearer(settings: &XSettings) -> Result<String, XError> {
    let variable = settings.bearer_env.as_deref().ok_or_else(|| {
        XError::Setup(
            "streams and webhooks need the app's bearer token: set `bearer_env` of `[x]` in twite.toml to the name of an \
             environment variable that contains it"
                .to_owned(),
        )
    })?;
    std::env::var(variable).ok().filter(|bearer| !bearer.is_empty()).ok_or_else(|| {
        XError::Setup(format!("environment variable `{variable}` is not set; it must contain the app's bearer token"))
    })
}

impl Stream {
    /// Waits for the next lines, at least one. It may be called again after its future was dropped.
    ///
    /// # Errors
    /// When the stream ends: X closed it, or nothing came for 45 seconds.
    pub async fn lines(&mut self) -> Result<Vec<Line>, XError> {
        loop {
            let lines = self.received();
            if !lines.is_empty() {
                return Ok(lines);
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) => {
                    self.buffer.extend_from_slice(&chunk);
                    self.fill();
                }
                Ok(None) => return Err(XError::unavailable("X closed the stream")),
                Err(error) if error.is_timeout() => {
                    let why = format!("the stream was silent for {} s", MAX_SILENCE.as_secs());
                    return Err(XError::unavailable(why));
                }
                Err(error) => {
                    let why = crate::x::client::error_chain(&error.without_url());
                    return Err(XError::unavailable(format!("the stream ended: {why}")));
                }
            }
        }
    }

    /// Receives what is there already: after a reconnection, X sends minutes of events at once, and whoever reads too slowly
    /// is disconnected. An error comes again.
    fn fill(&mut self) {
        let mut now = Context::from_waker(Waker::noop());
        while self.buffer.len() < MAX_DELIVERY_BYTES / 2
            && let Poll::Ready(Ok(Some(chunk))) = pin!(self.response.chunk()).poll(&mut now)
        {
            self.buffer.extend_from_slice(&chunk);
        }
    }

    /// Takes the complete lines out of what was received.
    fn received(&mut self) -> Vec<Line> {
        let mut lines = vec![];
        let mut at = 0;
        while let Some(end) = self.buffer.get(at..).and_then(|rest| memchr::memchr(b'\n', rest)) {
            let line = self.buffer.get(at..at + end).unwrap_or_default();
            lines.push(if std::mem::take(&mut self.skips) { Line::TooLong } else { read(line.trim_ascii()) });
            at += end + 1;
        }
        self.buffer.drain(..at);
        if self.buffer.len() > MAX_DELIVERY_BYTES {
            self.skips = true;
            self.buffer.clear();
        }
        lines
    }
}

/// What a line says. An error object announces that X ends the stream.
fn read(line: &[u8]) -> Line {
    if line.is_empty() {
        return Line::KeepAlive;
    }
    if line.starts_with(b"{\"errors\"")
        && let Some(problem) = salvage(line).pointer("/errors/0")
    {
        let text = |name: &str| problem.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        return Line::Ends(format!("X ends the stream: {} {}", text("title"), text("detail")).trim_end().to_owned());
    }
    Line::Delivery(line.to_vec())
}

/// The wait before the next attempt to connect, as X asks for: after failures of the network, a quarter of a second more
/// each time, up to 16 seconds; after refusals, twice as long each time, from 5 seconds to 320; after a rate limit, from
/// a minute.
pub fn reconnect_after(failures: u32, error: &XError) -> Duration {
    let doubled = |first: u64, most: u64| {
        let times = 2_u64.saturating_pow(failures.saturating_sub(1).min(16));
        Duration::from_secs(first.saturating_mul(times).min(most))
    };
    let wait = match error {
        XError::Refused(Refusal::RateLimited { .. }) => doubled(60, 960),
        XError::Refused(_) | XError::InBetween { .. } => doubled(5, 320),
        // Nobody asks X until the setting is mended.
        XError::Setup(_) => doubled(5, 20),
        _ => Duration::from_millis(250).saturating_mul(failures).min(Duration::from_secs(16)),
    };
    wait.max(error.wait().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_as_x_asks_for() {
        let seconds = |error: &XError| [1, 2, 3, 100].map(|n| reconnect_after(n, error).as_secs_f64());
        assert_eq!(seconds(&XError::unavailable("cut")), [0.25, 0.5, 0.75, 16.0]);
        let limited = XError::Refused(Refusal::RateLimited { wait: None });
        assert_eq!(seconds(&limited), [60.0, 120.0, 240.0, 960.0]);
        let refused = XError::Refused(Refusal::NotAllowed("no".to_owned()));
        assert_eq!(seconds(&refused), [5.0, 10.0, 20.0, 320.0]);
        let asked = XError::Unavailable { why: "later".to_owned(), wait: Some(Duration::from_secs(90)) };
        assert_eq!(reconnect_after(1, &asked), Duration::from_secs(90));
    }
}
