//! Looks up at X whether a reply was delivered after its response was lost.

use jiff::{SignedDuration, Timestamp};

use super::{XError, client::Client};
use crate::desk::{Reply, XId, post_text::is_same_post};

/// Maximum number of pages to read: X lists 3,200 of an account's own posts, 100 a page.
const MAX_PAGES: usize = 32;
/// Maximum clock skew between X and this machine.
const MAX_SKEW: SignedDuration = SignedDuration::from_hours(24);

/// Ids of the account's messages that match this reply, newest first: same text, same post or person replied to, sent
/// at or after `first_send` (less `MAX_SKEW`). Earlier identical replies match too; the caller excludes the ids already
/// recorded.
///
/// # Errors
/// When X refuses or cannot be reached on any page: the result would be incomplete.
pub async fn find_sent(client: &Client, reply: &Reply, first_send: Timestamp) -> Result<Vec<XId>, XError> {
    let since = first_send.saturating_sub(MAX_SKEW).unwrap_or(Timestamp::MIN).as_millisecond();
    let is_older = |id: &XId| id.made_at_millis().is_some_and(|made| made < since);
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let (next, reached) = match reply {
            Reply::Public(public) => {
                // A reply always has a higher id than the post it replies to.
                let since = Some(public.first());
                let page = client.own_posts(since, None, token.as_deref()).await?.answer;
                let mut reached = false;
                for post in page.items.into_iter().flatten() {
                    reached |= is_older(&post.id);
                    if post.replied_to.as_ref().is_some_and(|to| public.is_to(to))
                        && is_same_post(public.text(), &post.text)
                    {
                        found.push(post.id);
                    }
                }
                (page.next, reached)
            }
            Reply::Direct(direct) => {
                let page = client.direct_messages_with(direct.to(), token.as_deref()).await?.answer;
                let mut reached = false;
                for message in page.items.into_iter().flatten() {
                    reached |= is_older(&message.id);
                    if message.sender == *client.account() && is_same_post(direct.text(), &message.text) {
                        found.push(message.id);
                    }
                }
                (page.next, reached)
            }
        };
        token = next;
        if token.is_none() || reached {
            break;
        }
    }
    Ok(found)
}
