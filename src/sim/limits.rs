//! Rate limits: a 15-minute window per endpoint and user (or app), and daily limits in addition.

use std::collections::HashMap;

use super::{answer::Answer, endpoint::Endpoint};

/// Length of a rate limit window, in milliseconds.
const WINDOW: i64 = 15 * 60 * 1000;
const DAY: i64 = 24 * 60 * 60 * 1000;
/// The limit in the headers if rate limits are off.
const UNLIMITED: u32 = 1_000_000;

/// Whose requests are counted: those of a user, by id, or of the app (`None`).
pub(super) type Counted = Option<u64>;

/// All rate limit windows.
#[derive(Debug)]
pub(super) struct Limits {
    on: bool,
    /// Overrides by endpoint name: the number of requests left, and the end of the window in milliseconds since 1970.
    left: HashMap<String, (u32, i64)>,
    /// Overrides of the daily limits, likewise.
    left_today: HashMap<String, (u32, i64)>,
    windows: HashMap<(Counted, &'static str, &'static str, Span), Window>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Span {
    Short,
    UserDay,
    AppDay,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    ends: i64,
    used: u32,
}

impl Limits {
    pub(super) fn new(on: bool) -> Self {
        Self { on, left: HashMap::new(), left_today: HashMap::new(), windows: HashMap::new() }
    }

    /// Sets how many requests to an endpoint each user and the app have left in a window that starts now.
    pub(super) fn leave(&mut self, endpoint: &Endpoint, requests: u32, now: i64) {
        self.left.insert(endpoint.name(), (requests, now + WINDOW));
        self.windows.retain(|(_, method, path, _), _| (*method, *path) != (endpoint.method, endpoint.path));
    }

    /// Sets how many requests to an endpoint each user and the app have left in 24 hours that start now; `false` if the
    /// endpoint has no daily limit.
    pub(super) fn leave_today(&mut self, endpoint: &Endpoint, requests: u32, now: i64) -> bool {
        self.left_today.insert(endpoint.name(), (requests, now + DAY));
        self.windows.retain(|(_, method, path, span), _| {
            *span == Span::Short || (*method, *path) != (endpoint.method, endpoint.path)
        });
        endpoint.day != (None, None)
    }

    /// The headers of a response to an unauthenticated request, which is not counted.
    pub(super) fn untouched(&self, to: &Endpoint, now: i64) -> Headers {
        let limit = if self.on { to.user_limit } else { UNLIMITED };
        let mut headers = Headers::default();
        headers.tell("x-rate-limit", limit, limit, now + WINDOW);
        headers
    }

    /// Counts a request. `Err` if it exceeds a limit; the headers are for the response in either case.
    pub(super) fn count(&mut self, who: Counted, to: &'static Endpoint, now: i64) -> Result<Headers, Headers> {
        let standard = if who.is_some() { to.user_limit } else { to.app_limit.unwrap_or(to.user_limit) };
        let left = self.left.get(&to.name()).copied().filter(|(_, ends)| *ends > now && *ends <= now + WINDOW);
        let limit = match left {
            Some((left, _)) => standard.max(left),
            None if self.on => standard,
            None => UNLIMITED,
        };
        let first = match left {
            Some((left, ends)) => Window { ends, used: limit - left },
            None => Window { ends: now + WINDOW, used: 0 },
        };
        let left_today = self.left_today.get(&to.name()).copied();
        let left_today = left_today.filter(|(_, ends)| *ends > now && *ends <= now + DAY);
        let whole_day = |limit: Option<u32>| match (left_today, limit) {
            (Some((left, ends)), Some(limit)) => Window { ends, used: limit.saturating_sub(left) },
            _ => Window { ends: now + DAY, used: 0 },
        };
        let (user_day, app_day) = if self.on || left_today.is_some() { to.day } else { (None, None) };
        let spans = [
            (Span::Short, who, Some(limit), first, WINDOW, "x-rate-limit"),
            (Span::UserDay, who, user_day, whole_day(user_day), DAY, "x-user-limit-24hour"),
            (Span::AppDay, None, app_day, whole_day(app_day), DAY, "x-app-limit-24hour"),
        ];
        let (mut headers, mut refused) = (Headers::default(), false);
        for (span, who, limit, new, length, name) in spans {
            let Some(limit) = limit else { continue };
            let window = self
                .windows
                .entry((who, to.method, to.path, span))
                // Replaces a window that has ended, or that ends too late because the clock was set back.
                .and_modify(|w| {
                    if w.ends <= now || w.ends > now + length {
                        *w = new;
                    }
                })
                .or_insert(new);
            refused |= window.used >= limit;
            window.used = window.used.saturating_add(1).min(limit);
            headers.tell(name, limit, limit.saturating_sub(window.used), window.ends);
        }
        if refused { Err(headers) } else { Ok(headers) }
    }
}

/// The rate limit headers of a response.
#[derive(Debug, Default)]
pub(super) struct Headers(Vec<(String, String)>);

impl Headers {
    fn tell(&mut self, name: &str, limit: u32, remaining: u32, ends: i64) {
        self.0.extend([
            (format!("{name}-limit"), limit.to_string()),
            (format!("{name}-remaining"), remaining.to_string()),
            (format!("{name}-reset"), (ends.saturating_add(999) / 1000).to_string()),
        ]);
    }

    pub(super) fn on(self, mut answer: Answer) -> Answer {
        answer.headers.extend(self.0);
        answer
    }
}
