//! An agent's update of a ticket: a macro, a reply, a change of fields.

use jiff::Timestamp;

use super::act;
use crate::{
    desk::{
        Actor, Author, Cause, Declarations, Effect, Event, EventComment, EventKind, RatedBy, Ticket, Via,
        text::is_blank,
    },
    lang::rules::{Action, Macro},
};

/// The result of an agent's update of a ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdatedTicket {
    /// The ticket after the update, with its comments.
    pub ticket: Ticket,
    /// The event for the triggers.
    pub event: Event,
    /// The effects, in order.
    pub effects: Vec<Effect>,
}

/// Applies a macro to a ticket.
pub fn apply_macro(applied: &Macro, ticket: &Ticket, desk: &Declarations, now: Timestamp, by: Actor) -> UpdatedTicket {
    agent_update(&applied.then, ticket, desk, now, (by, Via::Api), Some(Cause::Macro(applied.title.clone())))
}

/// Applies actions to a ticket as an agent.
pub fn agent_update(
    actions: &[Action],
    before: &Ticket,
    desk: &Declarations,
    now: Timestamp,
    (actor, via): (Actor, Via),
    cause: Option<Cause>,
) -> UpdatedTicket {
    let mut ticket = before.clone();
    // Actions read who acts from the event, which gets its comment from them.
    let kind = EventKind::Updated { before: Box::new(before.clone()) };
    let mut event = Event { kind, via, actor, comment: None, cause, fired_before: vec![], volumes: vec![] };
    let done = act::apply(actions, &mut ticket, act::Context { event: Some(&event), now, desk });
    ticket.rated_by(before, RatedBy::Agent);
    let said = done.effects.iter().filter_map(|effect| match effect {
        // An empty text is no comment.
        Effect::Reply { text, .. } | Effect::Note { text } if is_blank(text) => None,
        Effect::Reply { text, .. } => Some((true, text)),
        Effect::Note { text } => Some((false, text)),
        _ => None,
    });
    let said: Vec<_> = said.map(|(public, text)| EventComment::new(Author::Agent, public, text.clone())).collect();
    // A comment may reopen the ticket; a status set in the same update wins.
    let (status, set) = (ticket.status, ticket.status != before.status);
    for comment in &said {
        ticket.add_comment(comment, now);
    }
    if said.iter().any(|comment| comment.public) {
        ticket.replied_by(&event.actor);
    }
    if set && !said.is_empty() {
        ticket.set_status(status, now);
    }
    if said.is_empty() {
        ticket.agent_touches += 1;
    }
    // An event has one comment: the first public one, or else the first note.
    event.comment = said.iter().find(|comment| comment.public).or(said.first()).cloned();
    ticket.updated = ticket.updated.max(now);
    UpdatedTicket { ticket, event, effects: done.effects }
}
