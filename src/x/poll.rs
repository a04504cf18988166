//! What to ask of X's endpoints, so that nothing is missed and little is asked twice.
//!
//! An endpoint lists its newest first, in pages. A [`Position`] holds the newest id that was read, and the [`Stretch`]es
//! below it that were not read to their ends. Each poll reads a new stretch from the top; what a poll has no calls left for,
//! the next ones go on with. A position is stored with every page, so that it does not matter where the daemon is killed.
//!
//! X lists some messages late, and charges for each that is read again. So a poll goes down to a minute below the newest, and
//! a sweep to [`OVERLAP`] below what was the newest at the sweep before: what is listed later than one sweep is younger than
//! that, and so in the next. Where few messages come, every poll is a sweep; where many do, one in five minutes.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    DirectMessage, Post, Unreadable, XError,
    client::{Answered, Client},
    limits::Limits,
    wire::Page,
};
use crate::{
    desk::XId,
    store::{ConnectedAccount, Incoming, IncomingKind},
};

/// How late X may list a message that is read all the same.
pub const OVERLAP: SignedDuration = SignedDuration::from_mins(15);
/// How far below the newest a poll begins that is no sweep.
const SHORT_OVERLAP: SignedDuration = SignedDuration::from_mins(1);
/// How often is swept where a sweep reads more than a few messages again.
const SWEPT_EVERY: SignedDuration = SignedDuration::from_mins(5);
const MAX_SWEPT_ALWAYS: u32 = 10;
/// How far ahead of the answer's own date an id may lie; beyond that, it says nothing about time.
const MAX_AHEAD: SignedDuration = SignedDuration::from_mins(1);
/// The most pages of one stretch: far more than X shows.
const MAX_PAGES: u32 = 1_000;
/// The most stretches that are told apart; the two oldest become one.
const MAX_STRETCHES: usize = 16;
/// The most pages of one poll, and of one where X does not say how many calls are left.
const MAX_PAGES_PER_POLL: u32 = 50;
const MAX_PAGES_UNKNOWN: u32 = 10;
/// How many likes in a row must be known for those below to be, over as many pages as that takes: what is liked again comes up
/// again, alone on a page that X filtered as well.
const KNOWN_LIKES: u32 = 20;
/// For how many days X shows direct messages.
const DM_DAYS: i32 = 30;
/// The longest wait between two polls after a failure, and the wait after a limit that X does not date.
const MAX_BACKOFF: Duration = Duration::from_secs(15 * 60);
const UNDATED: Duration = Duration::from_secs(60);

/// A list of messages at X.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// Posts that mention the account.
    Mentions,
    /// The account's own posts, from whatever client.
    OwnPosts,
    /// Posts the account liked.
    Likes,
    /// Direct messages from and to the account.
    DirectMessages,
}

impl Endpoint {
    /// The name under which its position is kept.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mentions => "mentions",
            Self::OwnPosts => "own posts",
            Self::Likes => "likes",
            Self::DirectMessages => "direct messages",
        }
    }

    /// What sort of messages it gives.
    pub const fn kind(self) -> IncomingKind {
        match self {
            Self::Mentions | Self::OwnPosts => IncomingKind::Post,
            Self::Likes => IncomingKind::Like,
            Self::DirectMessages => IncomingKind::DirectMessage,
        }
    }
}

/// How far an endpoint was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The newest that was read.
    newest: Option<XId>,
    /// When that was, by X's clock: the day, in UTC.
    read_on: Option<Date>,
    /// When X last answered, by its own clock.
    #[serde(default)]
    read_at: Option<Timestamp>,
    /// The last sweep.
    #[serde(default)]
    sweep: Option<Sweep>,
    /// What is still to be read below it, oldest first.
    stretches: Vec<Stretch>,
}

/// What a sweep leaves for the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sweep {
    /// When it began, by X's clock.
    at: Timestamp,
    /// The newest then.
    newest: XId,
    /// How many messages it read.
    items: u32,
}

/// A part of a list, from some place down, that was not read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// It ends at this id. Without one, it ends with the list, or where likes are known.
    pub since: Option<XId>,
    /// Likes count as known up to this row of the inbox: those this stretch brought are none.
    pub known_to: i64,
    /// Whether it is a sweep.
    #[serde(default)]
    is_sweep: bool,
    /// Where X says that it goes on.
    pub token: Option<String>,
    /// Where it goes on where no token says so.
    pub until: Option<XId>,
    /// The lowest id that was read of it.
    lowest: Option<XId>,
    /// The newest that was known when it began, and on which day that was.
    known: Option<XId>,
    known_on: Option<Date>,
    /// How many pages were read of it.
    pages: u32,
    /// How many likes were known, in a row, at the end of what was read.
    #[serde(default)]
    known_likes: u32,
}

/// What a page holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PageRead {
    /// Its messages.
    pub items: Vec<Incoming>,
    /// Its messages that cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// Where the next page is.
    pub next: Option<String>,
    /// Whether there may be one although X does not say where.
    pub next_is_lost: bool,
}

/// A stretch that X ended above what was known: what lies between was not seen, and cannot be any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// The newest that was known.
    pub known: XId,
    /// The lowest that X still shows.
    pub lowest: XId,
}

impl Position {
    /// The stretch from the top down. `known_to` is the last row of the inbox.
    pub fn from_top(&self, account: &ConnectedAccount, endpoint: Endpoint, known_to: i64) -> Stretch {
        let captured = account.capture_from.and_then(|from| first_id(from)?.before());
        let sweep = self.sweep.as_ref();
        let is_sweep = sweep.is_none_or(|sweep| {
            let long_ago = self.read_at.is_none_or(|at| at.duration_since(sweep.at) >= SWEPT_EVERY);
            sweep.items <= MAX_SWEPT_ALWAYS || long_ago
        });
        let since = match (&self.newest, endpoint) {
            (None, _) => captured,
            // The order of likes is not that of ids.
            (Some(_), Endpoint::Likes) => None,
            (Some(newest), _) if !is_sweep => Some(below(newest, SHORT_OVERLAP)),
            (Some(newest), _) => Some(below(sweep.map_or(newest, |sweep| newest.min(&sweep.newest)), OVERLAP)),
        };
        Stretch {
            since,
            known_to,
            is_sweep,
            token: None,
            until: None,
            lowest: None,
            known: self.newest.clone(),
            known_on: self.read_on,
            pages: 0,
            known_likes: 0,
        }
    }

    /// The stretch to go on with: the oldest, as X may soon show it no more.
    pub fn unfinished(&self) -> Option<&Stretch> {
        self.stretches.first()
    }

    /// Notes a page of a stretch: the one from the top, or the oldest unfinished one. `is_known` tells whether a message
    /// was in the inbox before the stretch began, and `answered` is when X answered.
    pub fn note(
        &mut self,
        endpoint: Endpoint,
        mut stretch: Stretch,
        page: &PageRead,
        is_known: &dyn Fn(&XId) -> bool,
        answered: Option<Timestamp>,
    ) -> Option<Shortfall> {
        // One from the top has no page yet.
        let is_unfinished = stretch.pages > 0;
        let ids = || page.items.iter().map(|item| &item.version);
        let believable = answered.and_then(|at| first_id(at.checked_add(MAX_AHEAD).ok()?));
        let newest = ids().max().cloned().map(|id| believable.map_or(id.clone(), |most| id.min(most)));
        self.newest = self.newest.take().max(newest.clone());
        let today = answered.map(|at| at.to_zoned_datetime(TimeZone::UTC).date());
        self.read_on = self.read_on.max(today);
        self.read_at = self.read_at.max(answered);
        self.note_sweep(&stretch, page, answered);

        stretch.pages += 1;
        stretch.lowest = stretch.lowest.as_ref().into_iter().chain(ids()).min().cloned();
        let reached = match endpoint {
            // X lists nothing below it.
            Endpoint::Mentions | Endpoint::OwnPosts => false,
            Endpoint::DirectMessages => {
                let last = page.items.last().map(|item| &item.version);
                last.is_some_and(|last| stretch.since.as_ref().is_some_and(|since| last <= since))
            }
            Endpoint::Likes => {
                stretch.known_likes = page.items.iter().fold(stretch.known_likes, |row, item| {
                    if is_known(&item.x_id) { row.saturating_add(1) } else { 0 }
                });
                stretch.known_likes >= KNOWN_LIKES
                    || newest.is_some_and(|newest| stretch.since.as_ref().is_some_and(|since| newest <= *since))
            }
        };
        let goes_on = match &page.next {
            Some(next) => Some(next) != stretch.token.as_ref(),
            None => page.next_is_lost,
        };
        if is_unfinished && !self.stretches.is_empty() {
            self.stretches.remove(0);
        }
        if reached || !goes_on || stretch.pages >= MAX_PAGES {
            return if reached { None } else { stretch.shortfall(endpoint, today) };
        }
        stretch.token.clone_from(&page.next);
        if stretch.token.is_none() {
            stretch.go_by_id(endpoint);
        }
        if is_unfinished {
            self.stretches.insert(0, stretch);
        } else {
            self.stretches.push(stretch);
        }
        if self.stretches.len() > MAX_STRETCHES {
            let oldest = self.stretches.remove(0);
            if let Some(next) = self.stretches.first_mut() {
                // From where the upper one goes on to where the lower one ends: a sweep ends below an older poll that was none.
                *next = Stretch {
                    since: oldest.since.min(next.since.clone()),
                    known_to: oldest.known_to,
                    known: oldest.known,
                    known_on: oldest.known_on,
                    ..next.clone()
                };
            }
        }
        None
    }

    /// Notes what a page of a sweep leaves for the next sweep.
    fn note_sweep(&mut self, stretch: &Stretch, page: &PageRead, answered: Option<Timestamp>) {
        if !stretch.is_sweep {
            return;
        }
        let items = u32::try_from(page.items.len()).unwrap_or(u32::MAX);
        if stretch.pages > 0 {
            if let Some(sweep) = &mut self.sweep {
                sweep.items = sweep.items.saturating_add(items);
            }
        } else {
            // Without X's time, each poll is a sweep.
            let newest = answered.and_then(|at| Some((at, self.newest.clone()?.min(first_id(at)?))));
            self.sweep = newest.map(|(at, newest)| Sweep { at, newest, items });
        }
    }

    /// X does not take the place from which the oldest stretch goes on: another way is found. `false` where there is none.
    pub fn place_refused(&mut self, endpoint: Endpoint) -> bool {
        let Some(stretch) = self.stretches.first_mut() else { return false };
        if stretch.token.take().is_some() {
            stretch.go_by_id(endpoint);
            return true;
        }
        stretch.until.take().is_some()
    }
}

impl Stretch {
    /// Goes on below what was read, where the endpoint takes ids; else from the top.
    fn go_by_id(&mut self, endpoint: Endpoint) {
        let takes_ids = matches!(endpoint, Endpoint::Mentions | Endpoint::OwnPosts);
        self.until = self.lowest.clone().filter(|_| takes_ids);
        if self.until.is_none() {
            self.known_likes = 0;
        }
    }

    /// Whether the list ended above what was known because X shows no more of it. It shows the newest 800 mentions and 3,200 own
    /// posts, and those that come while it is read page by page push out others at its end: how many were read tells nothing.
    /// One page is of one moment, and has room for more.
    fn shortfall(&self, endpoint: Endpoint, today: Option<Date>) -> Option<Shortfall> {
        let (known, lowest) = (self.known.clone()?, self.lowest.clone()?);
        let is_whole = match endpoint {
            Endpoint::Mentions | Endpoint::OwnPosts => self.pages <= 1,
            Endpoint::DirectMessages => {
                let days = self.known_on.zip(today).and_then(|(from, to)| Some(from.until(to).ok()?.get_days()));
                days.is_none_or(|days| days < DM_DAYS)
            }
            Endpoint::Likes => true,
        };
        (lowest > known && !is_whole).then_some(Shortfall { known, lowest })
    }
}

/// An id below that of every message that X made at a time or later.
fn first_id(at: Timestamp) -> Option<XId> {
    XId::made_at(at)
}

/// The id that lies so long below another one.
fn below(id: &XId, overlap: SignedDuration) -> XId {
    let made = id.made_at_millis().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    // Ids without a time are older than any overlap.
    made.and_then(|made| XId::made_at(made.checked_sub(overlap).ok()?)).unwrap_or_else(|| id.clone())
}

/// Reads the next page of a stretch.
pub async fn read_page(client: &Client, endpoint: Endpoint, stretch: &Stretch) -> Result<Answered<PageRead>, XError> {
    let (since, until, token) = (stretch.since.as_ref(), stretch.until.as_ref(), stretch.token.as_deref());
    Ok(match endpoint {
        Endpoint::Mentions => client.mentions(since, until, token).await?.map(posts(IncomingKind::Post)),
        Endpoint::OwnPosts => client.own_posts(since, until, token).await?.map(posts(IncomingKind::Post)),
        Endpoint::Likes => client.liked_posts(token).await?.map(posts(IncomingKind::Like)),
        Endpoint::DirectMessages => client.direct_messages(token).await?.map(direct_messages),
    })
}

/// Whether a poll may ask for another page: half of the calls are for what is new.
pub fn may_go_on(limits: &Limits, pages: u32) -> bool {
    match (limits.remaining, limits.limit) {
        _ if pages >= MAX_PAGES_PER_POLL => false,
        (Some(remaining), Some(limit)) => remaining > limit / 2,
        (Some(remaining), None) => remaining > MAX_PAGES_UNKNOWN.into(),
        (None, _) => pages < MAX_PAGES_UNKNOWN,
    }
}

fn posts(kind: IncomingKind) -> impl Fn(Page<Post>) -> PageRead {
    move |page| sorted(page, |post| incoming_post(post, kind))
}

fn direct_messages(page: Page<DirectMessage>) -> PageRead {
    sorted(page, |message| Incoming {
        kind: IncomingKind::DirectMessage,
        version: message.id.clone(),
        x_id: message.id,
        payload: message.payload,
    })
}

fn sorted<T>(page: Page<T>, incoming: impl Fn(T) -> Incoming) -> PageRead {
    let mut read = PageRead { next: page.next, next_is_lost: page.next_is_lost, ..PageRead::default() };
    for item in page.items {
        match item {
            Ok(message) => read.items.push(incoming(message)),
            Err(unreadable) => read.unreadable.push(unreadable),
        }
    }
    read
}

/// A post as the inbox takes it.
pub fn incoming_post(post: Post, kind: IncomingKind) -> Incoming {
    Incoming { kind, x_id: post.id, version: post.version, payload: post.payload }
}

/// How long to wait before the next poll: the calls that are left are spread until the next are free. After failures, `spread`,
/// from 0 to 1, keeps accounts that failed together from coming back together.
pub fn next_poll(every: Duration, limits: &Limits, failures: u32, spread: f64) -> Duration {
    let spread = spread.clamp(0.0, 1.0);
    if failures == 0 {
        return match (limits.remaining, limits.resets_in) {
            (Some(0), reset) => reset.unwrap_or(UNDATED).max(every),
            (Some(left), Some(reset)) => reset.div_f64(u32::try_from(left).unwrap_or(u32::MAX).into()).max(every),
            _ => every,
        };
    }
    if let Some(wait) = limits.resets_in {
        return wait + every.mul_f64(spread);
    }
    // Full jitter: anywhere between one interval and as many as there were failures, doubled each time.
    let most = every.saturating_mul(2_u32.saturating_pow(failures.min(16))).min(MAX_BACKOFF).max(every);
    every + (most - every).mul_f64(spread)
}
