//! Messages that made no ticket, and what became of those that were to be converted.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::table::{minute, plain};
use crate::{
    app::incoming::{Conversion, Converted, Listed, NotCapturedPost},
    desk::{
        IncomingKind, NotCaptured, TicketId, XId,
        text::{counted, headline},
        visible::{visible, visible_lines},
    },
};

/// The maximum length of a text in a list, in graphemes.
const MAX_CHARS: usize = 60;

/// A list of messages as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct ListedJson<'l> {
    posts: Vec<PostJson<'l>>,
    /// How many more match.
    more: usize,
}

impl<'l> From<&'l Listed> for ListedJson<'l> {
    fn from(listed: &'l Listed) -> Self {
        Self { posts: listed.posts.iter().map(PostJson::from).collect(), more: listed.more }
    }
}

/// A message as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct PostJson<'p> {
    id: &'p XId,
    kind: IncomingKind,
    account: &'p str,
    author: &'p XId,
    author_handle: Option<&'p str>,
    made: Timestamp,
    read: Timestamp,
    text: &'p str,
    reason: NotCaptured,
    /// Why it cannot be converted.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

impl<'p> From<&'p NotCapturedPost> for PostJson<'p> {
    fn from(listed: &'p NotCapturedPost) -> Self {
        let NotCapturedPost { account, message, refused } = listed;
        Self {
            id: &message.post.id,
            kind: kind(listed),
            account,
            author: &message.post.author,
            author_handle: message.author.as_deref(),
            made: message.post.made,
            read: message.since,
            text: &message.post.text,
            reason: message.reason,
            refused: refused.as_ref().map(ToString::to_string),
        }
    }
}

fn kind(listed: &NotCapturedPost) -> IncomingKind {
    if listed.message.post.direct_with.is_some() { IncomingKind::DirectMessage } else { IncomingKind::Post }
}

/// A list of messages as text.
pub(crate) fn list(listed: &Listed) -> String {
    if listed.posts.is_empty() && listed.more == 0 {
        return "no posts that were not captured\n".to_owned();
    }
    let mut table = plain();
    table.set_header(["id", "written", "to", "from", "why", "text"]);
    for post in &listed.posts {
        let message = &post.message;
        table.add_row([
            message.post.id.to_string(),
            minute(message.post.made),
            visible(&format!("@{}", post.account)).into_owned(),
            visible(&author(post)).into_owned(),
            message.reason.to_string(),
            visible(&headline(&message.post.text, MAX_CHARS)).into_owned(),
        ]);
    }
    let mut text = format!("{}\n", table.trim_fmt());
    // Writing to a string does not fail.
    if listed.more > 0 {
        let _ = writeln!(text, "and {} more; `--limit` shows them", listed.more);
    }
    let refused = listed.posts.iter().filter(|post| post.refused.is_some()).count();
    if refused < listed.posts.len() {
        text += "\n`twite incoming convert ID` makes a ticket of one\n";
    }
    if refused > 0 {
        let _ =
            writeln!(text, "{} here cannot be converted; `twite incoming show ID` says why", counted(refused, "post"));
    }
    text
}

/// Messages as text, with everything known.
pub(crate) fn posts(posts: &[NotCapturedPost]) -> String {
    posts.iter().map(post).collect::<Vec<_>>().join("\n")
}

fn post(post: &NotCapturedPost) -> String {
    let NotCapturedPost { account, message, refused } = post;
    let what = match kind(post) {
        IncomingKind::DirectMessage => "direct message",
        _ => "post",
    };
    let mut table = plain();
    table.add_row([what, message.post.id.as_str()]);
    table.add_row(["from", &visible(&author(post))]);
    table.add_row(["to", &visible(&format!("@{account}"))]);
    table.add_row(["written", &minute(message.post.made)]);
    table.add_row(["read", &minute(message.since)]);
    table.add_row(["why", &visible(&why(message.reason, account))]);
    let convert = match refused {
        None => format!("`twite incoming convert {}` makes a ticket of it", message.post.id),
        Some(refused) => format!("cannot be converted: {refused}"),
    };
    format!("{}\n\n{}\n\n{}\n", table.trim_fmt(), visible_lines(&message.post.text), visible(&convert))
}

fn author(post: &NotCapturedPost) -> String {
    post.message.author.as_ref().map_or_else(|| post.message.post.author.to_string(), |handle| format!("@{handle}"))
}

/// Why a message made no ticket, as a sentence without its end.
fn why(reason: NotCaptured, account: &str) -> String {
    match reason {
        NotCaptured::MentionsOff => format!("@{account} did not capture mentions (`capture_mentions = false`)"),
        NotCaptured::DirectMessagesOff => {
            format!("@{account} did not capture direct messages (`capture_direct_messages = false`)")
        }
        NotCaptured::Earlier => {
            format!("it was written before the time from which @{account} captures (`capture_from`)")
        }
    }
}

/// What became of a message that was to be converted, as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct ConvertedJson<'c> {
    id: &'c XId,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<TicketId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Conversion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

impl<'c> From<&'c Converted> for ConvertedJson<'c> {
    fn from(converted: &'c Converted) -> Self {
        let done = converted.outcome.as_ref().ok();
        Self {
            id: &converted.post,
            account: converted.account.as_deref(),
            ticket: done.map(|(ticket, _)| *ticket),
            outcome: done.map(|(_, outcome)| *outcome),
            refused: converted.outcome.as_ref().err().map(ToString::to_string),
        }
    }
}

/// What became of a message that was to be converted, on one line.
pub(crate) fn converted(converted: &Converted) -> String {
    let to = converted.account.as_ref().map(|handle| format!(" to @{handle}")).unwrap_or_default();
    let outcome = match &converted.outcome {
        Ok((ticket, Conversion::Opened)) => format!("is ticket {ticket} now"),
        Ok((ticket, Conversion::Joined)) => format!("joined ticket {ticket}"),
        Ok((ticket, Conversion::Already)) => format!("is on ticket {ticket} already"),
        Err(refused) => format!("not converted: {refused}"),
    };
    visible(&format!("{}{to} {outcome}", converted.post)).into_owned()
}
