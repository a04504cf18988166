//! Plans which pages to request from X's list endpoints, so that no message is missed and few are fetched twice.
//!
//! An endpoint lists messages newest first, in pages. A [`Position`] is the cursor of an endpoint: the newest id read,
//! and the [`Stretch`]es (id ranges) below it that are not fully read. Each poll starts a stretch at the top; a stretch
//! that a poll has no calls left for is continued by later polls. The position is stored with every page, so the daemon
//! can be killed at any time.
//!
//! X lists some messages late, and charges for each message that is read again. A normal poll therefore reads down to
//! one minute below the newest id; a *sweep* reads down to [`OVERLAP`] below what was the newest id at the previous
//! sweep, which covers messages listed late since then. At low volume every poll is a sweep; at high volume one poll in
//! five minutes is.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    desk::{ConnectedAccount, Incoming, IncomingKind, XId},
    x::{
        DirectMessage, Post, Unreadable, XError,
        client::{Answered, Client},
        limits::Limits,
        wire::Page,
    },
};

/// Maximum delay with which X may list a message for it still to be read.
pub const OVERLAP: SignedDuration = SignedDuration::from_mins(15);
/// The overlap of a poll that is not a sweep: how far its lower bound lies before the newest known message.
const SHORT_OVERLAP: SignedDuration = SignedDuration::from_mins(1);
/// Interval between sweeps if the last one read more than `MAX_SWEPT_ALWAYS` messages; otherwise every poll is a sweep.
const SWEPT_EVERY: SignedDuration = SignedDuration::from_mins(5);
const MAX_SWEPT_ALWAYS: u32 = 10;
/// How far an id's time may lie after the response's `Date`; the time of an id beyond that is not trusted.
const MAX_AHEAD: SignedDuration = SignedDuration::from_mins(1);
/// Maximum number of pages of one stretch; X lists far fewer.
const MAX_PAGES: u32 = 1_000;
/// Maximum number of unfinished stretches; beyond it, the two oldest are merged.
const MAX_STRETCHES: usize = 16;
/// Maximum number of pages per poll, and the same if X does not report the calls left.
const MAX_PAGES_PER_POLL: u32 = 50;
const MAX_PAGES_UNKNOWN: u32 = 10;
/// Consecutive known likes, across pages, after which the rest of the list is assumed to be known. More than one is
/// needed, because a post that is liked again moves back to the top of the list.
const KNOWN_LIKES: u32 = 20;
/// Number of days for which X lists direct messages.
const DM_DAYS: i32 = 30;
/// Maximum wait between two polls after failures, and the wait after a rate limit without a reset time.
const MAX_BACKOFF: Duration = Duration::from_secs(15 * 60);
const UNDATED: Duration = Duration::from_secs(60);

/// A list endpoint of X.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// Posts that mention the account.
    Mentions,
    /// The account's own posts, from any client.
    OwnPosts,
    /// Posts the account liked.
    Likes,
    /// Direct messages from and to the account.
    DirectMessages,
}

impl Endpoint {
    /// The name under which its position is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mentions => "mentions",
            Self::OwnPosts => "own posts",
            Self::Likes => "likes",
            Self::DirectMessages => "direct messages",
        }
    }

    /// The kind of inbox item it yields.
    pub const fn kind(self) -> IncomingKind {
        match self {
            Self::Mentions | Self::OwnPosts => IncomingKind::Post,
            Self::Likes => IncomingKind::Like,
            Self::DirectMessages => IncomingKind::DirectMessage,
        }
    }
}

/// The cursor of an endpoint: how far it has been read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The newest id that was read.
    newest: Option<XId>,
    /// The day, in UTC by X's clock, on which `newest` was read.
    read_on: Option<Date>,
    /// When X last responded, by its own clock.
    #[serde(default)]
    read_at: Option<Timestamp>,
    /// The last sweep, if any.
    #[serde(default)]
    sweep: Option<Sweep>,
    /// The ranges below `newest` still to be read, oldest first.
    stretches: Vec<Stretch>,
}

/// Data of a sweep that the next one needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sweep {
    /// When it began, by X's clock.
    at: Timestamp,
    /// The newest id at that time.
    newest: XId,
    /// Number of messages that it read.
    items: u32,
}

/// A range of a list that has not been fully read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// Lower bound, exclusive. `None`: it extends to the end of the list or, for likes, to likes that are known.
    pub since: Option<XId>,
    /// Last inbox row before the stretch began: only likes up to it count as known, not those that the stretch itself
    /// added.
    pub known_to: i64,
    /// Whether it is part of a sweep.
    #[serde(default)]
    is_sweep: bool,
    /// X's pagination token for the next page.
    pub token: Option<String>,
    /// Upper bound, exclusive, for the next page if there is no token.
    pub until: Option<XId>,
    /// The lowest id read so far.
    lowest: Option<XId>,
    /// The newest id that was read before this stretch began, and the day on which that was read.
    known: Option<XId>,
    known_on: Option<Date>,
    /// Number of pages read.
    pages: u32,
    /// Length of the run of known likes at the end of what was read.
    #[serde(default)]
    known_likes: u32,
}

/// One page of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PageRead {
    /// Its messages.
    pub items: Vec<Incoming>,
    /// Its messages that cannot be decoded.
    pub unreadable: Vec<Unreadable>,
    /// Pagination token of the next page.
    pub next: Option<String>,
    /// Whether there may be a next page although its token is missing.
    pub next_is_lost: bool,
}

/// A list ended above the newest known id: the messages in between were not seen, and X no longer lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// The newest id that earlier polls read.
    pub known: XId,
    /// The lowest id that X still lists.
    pub lowest: XId,
}

impl Position {
    /// A new stretch from the top of the list. `known_to` is the last row of the inbox.
    pub fn from_top(&self, account: &ConnectedAccount, endpoint: Endpoint, known_to: i64) -> Stretch {
        let captured = account.capture_from.and_then(|from| first_id(from)?.before());
        let sweep = self.sweep.as_ref();
        let is_sweep = sweep.is_none_or(|sweep| {
            let long_ago = self.read_at.is_none_or(|at| at.duration_since(sweep.at) >= SWEPT_EVERY);
            sweep.items <= MAX_SWEPT_ALWAYS || long_ago
        });
        let since = match (&self.newest, endpoint) {
            (None, _) => captured,
            // Likes are not ordered by id.
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

    /// The stretch to continue: the oldest, because X will drop it first.
    pub fn unfinished(&self) -> Option<&Stretch> {
        self.stretches.first()
    }

    /// Records a page of a stretch, which is either new or the oldest unfinished one. `is_known` says whether a message
    /// was in the inbox before the stretch began; `answered` is when X responded.
    pub fn note(
        &mut self,
        endpoint: Endpoint,
        mut stretch: Stretch,
        page: &PageRead,
        is_known: &dyn Fn(&XId) -> bool,
        answered: Option<Timestamp>,
    ) -> Option<Shortfall> {
        // A new stretch has no pages yet.
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
            // X's `since_id` already bounds the list from below.
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
                // Merges both ranges, down to the lower of the two bounds: a sweep reaches below an older poll that was
                // not a sweep.
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

    /// Records a page of a sweep for the next sweep.
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
            // Without a `Date`, every poll is a sweep.
            let newest = answered.and_then(|at| Some((at, self.newest.clone()?.min(first_id(at)?))));
            self.sweep = newest.map(|(at, newest)| Sweep { at, newest, items });
        }
    }

    /// Handles X's rejection of the next page of the oldest stretch by falling back from token to id, then to the top.
    /// Returns `false` if there is no other way.
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
    /// Continues below the lowest id read if the endpoint accepts ids, otherwise from the top.
    fn go_by_id(&mut self, endpoint: Endpoint) {
        let takes_ids = matches!(endpoint, Endpoint::Mentions | Endpoint::OwnPosts);
        self.until = self.lowest.clone().filter(|_| takes_ids);
        if self.until.is_none() {
            self.known_likes = 0;
        }
    }

    /// The gap, if the list ended above the newest known id because X lists no more. X lists the newest 800 mentions
    /// and 3,200 own posts; new posts push out old ones while pages are read, so the number of posts read proves
    /// nothing. A single page is a consistent snapshot, far below those limits.
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

/// An id below that of every message created at or after `at`.
fn first_id(at: Timestamp) -> Option<XId> {
    XId::made_at(at)
}

/// The id whose time is `overlap` earlier than that of `id`.
fn below(id: &XId, overlap: SignedDuration) -> XId {
    let made = id.made_at_millis().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    // Ids without a time predate any overlap.
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

/// Whether a poll may request another page. Half of the rate limit is reserved for new messages.
pub fn may_go_on(limits: &Limits, pages: u32) -> bool {
    match (limits.remaining, limits.limit) {
        _ if pages >= MAX_PAGES_PER_POLL => false,
        (Some(remaining), Some(limit)) => remaining > limit / 2,
        (Some(remaining), None) => remaining > MAX_PAGES_UNKNOWN.into(),
        (None, _) => pages < MAX_PAGES_UNKNOWN,
    }
}

fn posts(kind: IncomingKind) -> impl Fn(Page<Post>) -> PageRead {
    move |page| sorted(page, |post| post.into_incoming(kind))
}

fn direct_messages(page: Page<DirectMessage>) -> PageRead {
    sorted(page, DirectMessage::into_incoming)
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

/// The wait before the next poll: the calls left are spread over the time until the rate limit resets. After failures,
/// `spread`, from 0 to 1, adds jitter, so that accounts that failed together do not retry together.
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
    // Full jitter between one interval and the exponential backoff.
    let most = every.saturating_mul(2_u32.saturating_pow(failures.min(16))).min(MAX_BACKOFF).max(every);
    every + (most - every).mul_f64(spread)
}
