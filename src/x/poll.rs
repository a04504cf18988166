//! Walks along X's endpoints: everything that is new, oldest first, with how far the walk has come.

use std::time::Duration;

use super::{DirectMessage, Post, Unreadable, XError, client::Client, limits::Limits, wire::Page};
use crate::{
    desk::XId,
    store::{ConnectedAccount, Incoming, IncomingKind},
};

/// The most pages of one walk. X itself shows no more than 800 mentions and 3,200 posts.
const MOST_PAGES: usize = 40;
/// The most pages of a walk that has no cursor, where nothing on a page was known.
const MOST_PAGES_BACK: usize = 5;
/// The longest wait between two walks where X names none, and the wait after a limit that X does not date.
const LONGEST: Duration = Duration::from_secs(15 * 60);
const UNDATED: Duration = Duration::from_secs(60);

/// What is walked along.
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
    /// The name under which its cursor is kept.
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

/// What a walk brought.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Walk {
    /// Messages, oldest first.
    pub items: Vec<Incoming>,
    /// Messages that cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// How far the walk has come: where the next one starts.
    pub cursor: Option<String>,
    /// The calls that are left.
    pub limits: Limits,
}

/// Walks along an endpoint. `known` tells whether a message was accepted before: where X offers no cursor, the
/// walk ends at the first page that holds one.
///
/// # Errors
/// When X refuses or cannot be reached on any page: the walk brought nothing then, and starts again.
pub async fn walk(
    client: &Client,
    account: &ConnectedAccount,
    endpoint: Endpoint,
    cursor: Option<&str>,
    known: &(dyn Fn(&XId) -> bool + Send + Sync),
) -> Result<Walk, XError> {
    let mut walk = Walk::default();
    let mut token: Option<String> = None;
    let most = if matches!(endpoint, Endpoint::Mentions | Endpoint::OwnPosts) { MOST_PAGES } else { MOST_PAGES_BACK };
    for _ in 0..most {
        let at = token.as_deref();
        let (met_known, next) = match endpoint {
            Endpoint::Mentions => {
                let answered = client.mentions(cursor, account.capture_from, at).await?;
                walk.limits = answered.limits;
                walk.posts(answered.answer, IncomingKind::Post, &|_| false)
            }
            Endpoint::OwnPosts => {
                let answered = client.own_posts(cursor, at).await?;
                walk.limits = answered.limits;
                walk.posts(answered.answer, IncomingKind::Post, &|_| false)
            }
            Endpoint::Likes => {
                let answered = client.liked_posts(at).await?;
                walk.limits = answered.limits;
                walk.posts(answered.answer, IncomingKind::Like, known)
            }
            Endpoint::DirectMessages => {
                let answered = client.direct_messages(at).await?;
                walk.limits = answered.limits;
                walk.directs(answered.answer, known)
            }
        };
        token = next;
        if met_known || token.is_none() {
            break;
        }
    }
    if matches!(endpoint, Endpoint::Mentions | Endpoint::OwnPosts) {
        // The walk is complete only now: only now may the next one start from its newest.
        let newest = walk.items.iter().map(|item| &item.version).max().map(XId::to_string);
        walk.cursor = newest.or_else(|| cursor.map(str::to_owned));
    }
    walk.items.sort_by(|a, b| a.version.cmp(&b.version));
    Ok(walk)
}

impl Walk {
    fn posts(&mut self, page: Page<Post>, kind: IncomingKind, known: &dyn Fn(&XId) -> bool) -> (bool, Option<String>) {
        let mut met_known = false;
        for item in page.items {
            match item {
                Ok(post) => {
                    met_known |= known(&post.id);
                    self.items.push(incoming_post(post, kind));
                }
                Err(unreadable) => self.unreadable.push(unreadable),
            }
        }
        (met_known, page.next)
    }

    fn directs(&mut self, page: Page<DirectMessage>, known: &dyn Fn(&XId) -> bool) -> (bool, Option<String>) {
        let mut met_known = false;
        for item in page.items {
            match item {
                Ok(message) => {
                    met_known |= known(&message.id);
                    self.items.push(Incoming {
                        kind: IncomingKind::DirectMessage,
                        version: message.id.clone(),
                        x_id: message.id,
                        payload: message.payload,
                    });
                }
                Err(unreadable) => self.unreadable.push(unreadable),
            }
        }
        (met_known, page.next)
    }
}

/// A post as the inbox takes it.
pub fn incoming_post(post: Post, kind: IncomingKind) -> Incoming {
    Incoming { kind, x_id: post.id, version: post.version, payload: post.payload }
}

/// How long to wait before the next walk. `spread`, from 0 to 1, keeps accounts that failed together from
/// coming back together.
///
/// A limit's reset that cannot be believed is no part of [`Limits`].
pub fn next_poll(every: Duration, limits: &Limits, failures: u32, spread: f64) -> Duration {
    let spread = spread.clamp(0.0, 1.0);
    if failures == 0 {
        let used_up = limits.remaining == Some(0);
        return if used_up { limits.resets_in.unwrap_or(UNDATED).max(every) } else { every };
    }
    if let Some(wait) = limits.resets_in {
        return wait + every.mul_f64(spread);
    }
    // Full jitter: anywhere between one interval and as many as there were failures, doubled each time.
    let most = every.saturating_mul(2_u32.saturating_pow(failures.min(16))).min(LONGEST).max(every);
    every + (most - every).mul_f64(spread)
}
