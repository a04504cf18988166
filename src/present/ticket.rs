//! One ticket: its fields, conversation and outbox items; and the result of an update of it.

use std::fmt::{self, Write as _};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    delivery::delivery,
    table::{cell, minute, plain},
};
use crate::{
    app::{
        agent::{Applied, NotDone},
        ticket::TicketSheet,
    },
    desk::{
        Author, Change, Comment, CommentSource, Declarations, Delivery, Effect, Entities, Facts, FieldRef, Media,
        SlaTarget, Ticket, TicketId, XId,
        field::{FIELDS, Scope},
        visible::visible,
    },
    engine::{Decision, change_line, changes, effect_line},
    store::{DeliveryStatus, Intervention, StoppedLoop},
};

/// A ticket with its conversation, links and outbox items, as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct SheetJson<'s> {
    ticket: &'s Ticket,
    version: i64,
    links: Vec<Link<'s>>,
    comments: &'s [Comment],
    context: Vec<ContextPost<'s>>,
    not_imported: i64,
    stopped: Option<&'s StoppedLoop>,
    outgoing: &'s [DeliveryStatus],
    interventions: &'s [Intervention],
}

#[derive(Debug, Serialize)]
struct Link<'s> {
    ticket: TicketId,
    why: &'s str,
}

#[derive(Debug, Serialize)]
struct ContextPost<'s> {
    id: &'s XId,
    author: &'s XId,
    handle: Option<&'s str>,
    made: Timestamp,
    text: &'s str,
    #[serde(skip_serializing_if = "Entities::is_empty")]
    entities: &'s Entities,
}

impl<'s> From<&'s TicketSheet> for SheetJson<'s> {
    fn from(sheet: &'s TicketSheet) -> Self {
        let links = sheet.links.iter().map(|(ticket, why)| Link { ticket: *ticket, why });
        let context = sheet.context.iter().map(|(post, handle)| ContextPost {
            id: &post.id,
            author: &post.author,
            handle: handle.as_deref(),
            made: post.made,
            text: &post.text,
            entities: &post.entities,
        });
        Self {
            ticket: &sheet.ticket,
            version: sheet.version,
            links: links.collect(),
            comments: &sheet.comments,
            context: context.collect(),
            not_imported: sheet.not_imported,
            stopped: sheet.stopped.as_ref(),
            outgoing: &sheet.outgoing,
            interventions: &sheet.interventions,
        }
    }
}

/// A ticket with its conversation, links and outbox items, as text.
pub(crate) fn sheet(sheet: &TicketSheet, desk: &Declarations, now: Timestamp) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_sheet(&mut text, sheet, desk, now);
    text
}

fn write_sheet(text: &mut String, sheet: &TicketSheet, desk: &Declarations, now: Timestamp) -> fmt::Result {
    let facts = Facts { ticket: &sheet.ticket, event: None, now, desk };
    let mut table = plain();
    let known =
        FIELDS.iter().filter(|f| matches!(f.scope, Scope::Ticket | Scope::Shown)).map(|f| FieldRef::find(f.name, desk));
    let custom = desk.fields.iter().map(|field| FieldRef::find(&field.full_name(), desk));
    for field in known.chain(custom).flatten() {
        let value = field.read(facts);
        // These fields repeat the conversation, which is printed below.
        if !value.is_empty() && !matches!(&*field.name(), "latest_comment" | "latest_public_comment" | "description") {
            let target = SlaTarget::ALL.into_iter().find(|target| field.name() == target.due_field());
            let standing = target.and_then(|target| standing(target, &sheet.ticket, now));
            let standing = standing.map(|standing| format!(" ({standing})")).unwrap_or_default();
            table.add_row([field.name().to_string(), format!("{}{standing}", cell(&value))]);
        }
    }
    for (linked, why) in &sheet.links {
        table.add_row(["linked".to_owned(), format!("{linked} ({})", visible(why))]);
    }
    writeln!(text, "{}", table.trim_fmt())?;
    write_conversation(text, sheet)?;
    if let Some(stopped) = &sheet.stopped {
        writeln!(text, "\n{}", visible(&stopped.reason()))?;
    }
    if sheet.not_imported > 0 {
        writeln!(text, "\n{} more messages were not imported: a ticket has at most 5,000", sheet.not_imported)?;
    }
    if !sheet.outgoing.is_empty() {
        writeln!(text)?;
    }
    for item in &sheet.outgoing {
        writeln!(text, "{}", delivery(item))?;
        for done in sheet.interventions.iter().filter(|done| done.item == item.id) {
            writeln!(text, "  {}  {}", minute(done.made), visible(&done.line()))?;
        }
    }
    Ok(())
}

/// How a target of a service level agreement stands: `met 5m before`, `missed by 2h`, `in 20m`.
fn standing(target: SlaTarget, ticket: &Ticket, now: Timestamp) -> Option<String> {
    let due = target.due(ticket)?;
    let by = |from: Timestamp, to: Timestamp| {
        let length = from.duration_until(to).abs();
        format!("{:#}", length.round(jiff::Unit::Minute).unwrap_or(length))
    };
    Some(match (target.done(ticket), target.in_time(ticket, now)) {
        (Some(done), Some(true)) => format!("met {} before", by(done, due)),
        (Some(done), _) => format!("missed by {}", by(due, done)),
        (None, Some(false)) => format!("missed {} ago", by(due, now)),
        (None, _) => format!("in {}", by(now, due)),
    })
}

/// Writes the ticket's comments and the posts above them in the conversation, ordered by time.
fn write_conversation(text: &mut String, sheet: &TicketSheet) -> fmt::Result {
    let mut messages: Vec<(Timestamp, String, &str, &[Media])> = vec![];
    for (post, handle) in &sheet.context {
        let who = handle.as_ref().map_or_else(|| format!("person {}", post.author), |handle| format!("@{handle}"));
        messages.push((post.made, format!("{who}, above in the conversation"), &post.text, &post.entities.media));
    }
    messages.extend(
        sheet.comments.iter().map(|comment| (comment.made, about(comment), &*comment.text, &*comment.entities.media)),
    );
    // The sort is stable: comments made at the same time stay in the order of their X ids.
    messages.sort_by_key(|(made, ..)| *made);
    for (made, who, message, media) in messages {
        writeln!(text, "\n{}  {}", minute(made), visible(&who))?;
        for line in message.lines() {
            writeln!(text, "    {}", visible(line))?;
        }
        for shown in media {
            writeln!(text, "    {}", visible(&media_line(shown)))?;
        }
    }
    Ok(())
}

/// A photo, video or GIF on one line: `photo 1200×675 https://… "a parcel"`.
fn media_line(media: &Media) -> String {
    let size = media.width.zip(media.height).map(|(width, height)| format!(" {width}×{height}"));
    let url = media.url.as_ref().or(media.preview.as_ref()).map(|url| format!(" {url}"));
    let alt = media.alt.as_ref().map(|alt| format!(" {alt:?}"));
    [Some(media.kind.to_string()), size, url, alt].into_iter().flatten().collect()
}

/// The latest comments as the end of a mail to agents, newest first, with private notes. Those deleted at X are left out.
pub(crate) fn conversation(comments: &[Comment]) -> String {
    const MAX_COMMENTS: usize = 200;
    const MAX_BYTES: usize = 64 * 1024;
    const MAX_COMMENT_BYTES: usize = 16 * 1024;
    let mut text = String::new();
    let all = comments.iter().rev().filter(|comment| !comment.deleted);
    let mut left = all.clone().count();
    for comment in all.take(MAX_COMMENTS) {
        let mut message = format!("{}  {}\n", minute(comment.made), visible(&about(comment)));
        let shown = comment.text.get(..comment.text.floor_char_boundary(MAX_COMMENT_BYTES)).unwrap_or_default();
        for line in shown.lines() {
            // Writing to a string does not fail.
            let _ = writeln!(message, "    {}", visible(line));
        }
        if shown.len() < comment.text.len() {
            message.push_str("    …\n");
        }
        if text.len() + message.len() > MAX_BYTES {
            break;
        }
        left -= 1;
        text.push_str(if text.is_empty() { "" } else { "\n" });
        text.push_str(&message);
    }
    if left > 0 {
        let _ = writeln!(text, "\n{left} earlier messages are left out");
    }
    text
}

/// A comment's author, source, version and delivery state, on one line.
fn about(comment: &Comment) -> String {
    let who = match comment.author {
        Author::Requester => "requester",
        Author::Agent => "agent",
        Author::Rule => "a rule",
    };
    let place = match comment.source {
        CommentSource::Post { .. } => "",
        CommentSource::DirectMessage { .. } => ", direct message",
        CommentSource::Note => ", private note",
    };
    let version = if comment.version > 1 { format!(", edited (version {})", comment.version) } else { String::new() };
    let fate = match comment.delivery {
        Delivery::Imported if comment.deleted => ", deleted",
        Delivery::Imported => "",
        Delivery::Waiting => ", waiting to be sent",
        Delivery::Sent => ", sent",
        Delivery::Refused => ", refused by X",
        Delivery::Unknown => ", may or may not have arrived",
    };
    format!("{who}{place}{version}{fate}")
}

/// The result of an update or a macro, or why the ticket refused it, as JSON.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum AppliedJson {
    Applied { ticket: TicketId, version: i64, changes: Vec<Change>, effects: Vec<Effect>, decision: Box<Decision> },
    Refused { ticket: TicketId, refused: String },
}

impl AppliedJson {
    pub(crate) fn new(ticket: TicketId, outcome: Result<Applied, NotDone>, desk: &Declarations) -> Self {
        let done = match outcome {
            Ok(done) => done,
            Err(refused) => return Self::Refused { ticket, refused: refused.to_string() },
        };
        let changes = changes(&done.before, &done.decision.ticket, desk);
        Self::Applied {
            ticket,
            version: done.version,
            changes,
            effects: done.effects,
            decision: Box::new(done.decision),
        }
    }

    /// The result as text: a heading, then the changes and the effects.
    pub(crate) fn text(&self, dry_run: bool) -> String {
        let (ticket, changes, effects, decision) = match self {
            Self::Refused { refused, .. } => return format!("{}\n", visible(refused)),
            Self::Applied { ticket, changes, effects, decision, .. } => (ticket, changes, effects, decision),
        };
        let mut text = format!("ticket {ticket}{}\n", if dry_run { ", if it were applied" } else { "" });
        // Comments are listed as effects, so their fields are left out of the changes.
        let said = |field: &str| matches!(field, "updated" | "latest_comment" | "latest_public_comment");
        // Writing to a string does not fail.
        for change in changes.iter().filter(|change| !said(&change.field)) {
            let _ = writeln!(text, "  {}", change_line(change));
        }
        for effect in effects {
            let _ = writeln!(text, "  → {}", visible(&effect_line(effect)));
        }
        for asked in &decision.effects {
            let _ = writeln!(text, "  → {} by {:?}", visible(&effect_line(&asked.effect)), asked.rule);
        }
        text
    }
}
