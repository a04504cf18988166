//! Whether something that was sent arrived, when its answer was lost.

use super::{XError, client::Client};
use crate::desk::{Reply, XId, text::fold};

/// How many pages of the account's own messages are looked through.
const PAGES: usize = 3;

/// The account's messages that are this reply, newest first: the same text, in answer to the same post or person.
/// More than one is possible where the same was said before; who asks knows which of them are accounted for.
///
/// # Errors
/// When X refuses or cannot be reached: then nobody knows.
pub async fn find_sent(client: &Client, reply: &Reply) -> Result<Vec<XId>, XError> {
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    let wanted = comparable(reply.text());
    for _ in 0..PAGES {
        let next = match reply {
            Reply::Public(public) => {
                let page = client.own_posts(None, token.as_deref()).await?.answer;
                let posts = page.items.into_iter().flatten();
                found.extend(
                    posts
                        .filter(|p| p.replied_to.as_ref() == Some(public.answers()) && comparable(&p.text) == wanted)
                        .map(|p| p.id),
                );
                page.next
            }
            Reply::Direct(direct) => {
                let page = client.direct_messages(token.as_deref()).await?.answer;
                let messages = page.items.into_iter().flatten();
                found.extend(
                    messages
                        .filter(|m| {
                            m.sender == *client.account()
                                && m.with(client.account()).as_ref() == Some(direct.to())
                                && comparable(&m.text) == wanted
                        })
                        .map(|m| m.id),
                );
                page.next
            }
        };
        token = next;
        if token.is_none() {
            break;
        }
    }
    Ok(found)
}

/// A text in the form in which what was sent and what X shows are the same.
pub fn comparable(text: &str) -> String {
    fold(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}
