//! `GET /2/activity/stream`: connections, keep-alive signals and disconnects.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::{AsyncRead, ReadBuf},
    sync::mpsc,
    time::{Sleep, sleep},
};

use super::{
    answer::Answer,
    endpoint::{Outcome, Request},
    push::{Event, LOG_MILLIS, Push},
    world::World,
};

/// Time between keep-alive signals of a quiet stream, in milliseconds.
pub(super) const KEEP_ALIVE_MILLIS: u64 = 20_000;
/// Maximum number of connections of an app.
const MAX_CONNECTIONS: usize = 2;
/// Maximum number of events that wait for a slow client; beyond that, it is disconnected.
const MAX_QUEUED: usize = 10_000;

/// How stream connections end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disconnect {
    /// The response ends as if it were complete.
    Close,
    /// The connection is cut.
    Cut,
    /// X announces the end with an `operational-disconnect` problem.
    Operational,
}

impl Disconnect {
    pub(super) fn read(word: &str) -> Option<Self> {
        match word {
            "close" => Some(Self::Close),
            "cut" => Some(Self::Cut),
            "operational" => Some(Self::Operational),
            _ => None,
        }
    }
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    client: String,
    lines: mpsc::Sender<Line>,
}

#[derive(Debug)]
enum Line {
    Text(String),
    Cut,
}

/// The body of a stream response: one line per event, and an empty line after each quiet time.
#[derive(Debug)]
pub(super) struct Feed {
    lines: mpsc::Receiver<Line>,
    /// What is left of the current line.
    rest: Vec<u8>,
    keep_alive: Arc<AtomicU64>,
    quiet: Pin<Box<Sleep>>,
}

impl Feed {
    fn quiet(keep_alive: &AtomicU64) -> Pin<Box<Sleep>> {
        Box::pin(sleep(Duration::from_millis(keep_alive.load(Ordering::Relaxed))))
    }
}

impl AsyncRead for Feed {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let feed = self.get_mut();
        if feed.rest.is_empty() {
            feed.rest = match feed.lines.poll_recv(cx) {
                Poll::Ready(Some(Line::Text(text))) => format!("{text}\r\n").into_bytes(),
                Poll::Ready(Some(Line::Cut)) => return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    ready!(feed.quiet.as_mut().poll(cx));
                    b"\r\n".to_vec()
                }
            };
            feed.quiet = Self::quiet(&feed.keep_alive);
        }
        let length = feed.rest.len().min(into.remaining());
        into.put_slice(&feed.rest.drain(..length).collect::<Vec<u8>>());
        Poll::Ready(Ok(()))
    }
}

/// `GET /2/activity/stream`. With `backfill_minutes` or `start_time`, it begins with what happened since then, whether it
/// was delivered before or not.
pub(super) fn open(world: &mut World, request: &Request<'_>) -> Outcome {
    let mut query = request.query();
    let minutes = query.number("backfill_minutes", 0..=5, 0);
    let (start, end) = (query.time("start_time"), query.time("end_time"));
    query.finish()?;
    let client = world.sender(request.call).0.to_owned();
    world.push.connections.retain(|connection| !connection.lines.is_closed());
    if world.push.connections.iter().filter(|connection| connection.client == client).count() >= MAX_CONNECTIONS {
        return Err(Answer::too_many_connections());
    }
    let (sender, lines) = mpsc::channel(MAX_QUEUED);
    let now = world.now();
    let minutes = i64::try_from(minutes).unwrap_or_default();
    let from = start.unwrap_or(if minutes > 0 { now - minutes * 60_000 } else { i64::MAX }).max(now - LOG_MILLIS);
    let missed = world.push.between(from, end.unwrap_or(now));
    for event in missed.filter(|event| event.webhook.is_none() && event.client == client) {
        // More events than fit are left out; the client is not disconnected for them.
        let _ = sender.try_send(Line::Text(event.body.to_string()));
    }
    world.push.connections.push(Connection { client, lines: sender });
    let keep_alive = Arc::clone(&world.push.keep_alive);
    let quiet = Feed::quiet(&keep_alive);
    let mut answer = Answer::of(200, "application/json; charset=utf-8", "");
    answer.feed = Some(Feed { lines, rest: Vec::new(), keep_alive, quiet });
    Ok(answer)
}

impl Push {
    /// Sends an event to the connections of its app. A client that reads too slowly is disconnected.
    pub(super) fn stream(&mut self, event: &Event) {
        self.connections.retain(|connection| {
            connection.client != event.client || connection.lines.try_send(Line::Text(event.body.to_string())).is_ok()
        });
    }

    pub(super) fn disconnect(&mut self, how: Disconnect) {
        let last = match how {
            Disconnect::Close => None,
            Disconnect::Cut => Some(Line::Cut),
            Disconnect::Operational => Some(Line::Text(
                json!({"errors": [{
                    "title": "operational-disconnect",
                    "disconnect_type": "UpstreamOperationalDisconnect",
                    "detail": "This stream has been disconnected upstream for operational reasons.",
                    "type": "https://api.x.com/2/problems/operational-disconnect",
                }]})
                .to_string(),
            )),
        };
        for connection in self.connections.drain(..) {
            let last = match &last {
                None => continue,
                Some(Line::Cut) => Line::Cut,
                Some(Line::Text(text)) => Line::Text(text.clone()),
            };
            // A connection whose queue is full ends without it.
            let _ = connection.lines.try_send(last);
        }
    }

    pub(super) fn open_connections(&self) -> usize {
        self.connections.iter().filter(|connection| !connection.lines.is_closed()).count()
    }

    pub(super) fn set_keep_alive(&self, every: Duration) {
        let millis = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
        self.keep_alive.store(millis.clamp(1, KEEP_ALIVE_MILLIS), Ordering::Relaxed);
    }
}
