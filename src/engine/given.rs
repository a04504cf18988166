//! The tickets and events of rule tests.

use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::decision::Decision;
use crate::{
    desk::{Author, Effect, Event, EventComment, EventKind, FieldRef, Status, Ticket, Via, text::headline},
    lang::rules::{Literal, RuleTest, TestComment, When},
};

/// The length of the subject a ticket gets from the text that opened it, in characters as a reader counts them.
const MOST_OF_A_SUBJECT: usize = 80;

/// The moment of a test that names none: a Monday at noon.
const USUAL_MOMENT: Timestamp = Timestamp::constant(1_767_614_400, 0);

/// A field that a test cannot give.
#[derive(Debug, thiserror::Error)]
#[error("cannot give `{field}`: {reason}")]
pub(super) struct CannotGive {
    field: String,
    reason: serde_json::Error,
}

/// The moment of a test.
pub(super) fn moment(test: &RuleTest) -> Timestamp {
    test.at.unwrap_or(USUAL_MOMENT)
}

/// The ticket before anything happens: opened with its comment at the moment of the test, then as given.
pub(super) fn ticket(test: &RuleTest) -> Result<Ticket, CannotGive> {
    let now = moment(test);
    let mut ticket = Ticket { created: now, updated: now, ..Ticket::default() };
    if let Some(text) = &test.comment {
        ticket.description.clone_from(text);
        ticket.subject = headline(text, MOST_OF_A_SUBJECT);
        ticket.add_comment(&comment(Author::Requester, true, text), now);
    }
    for (field, literal) in &test.given {
        ticket = give(ticket, field, literal)?;
    }
    // What was solved or assigned was so at some moment, even where the test does not say when.
    if ticket.status >= Status::Solved {
        ticket.solved.get_or_insert(now);
    }
    if ticket.assignee.is_some() {
        ticket.assigned.get_or_insert(now);
    }
    Ok(ticket)
}

/// The event, with the ticket as it is once it has happened. Time passing is no event.
pub(super) fn happen(
    test: &RuleTest,
    when: &When,
    before: Ticket,
    now: Timestamp,
) -> Result<(Ticket, Event), CannotGive> {
    match when {
        // Neither is an event of its own: time passes, and a macro is applied, where the story is told.
        When::Passes(_) | When::Macro(_) | When::Created => {
            let comment = test.comment.as_deref().map(|text| comment(Author::Requester, true, text));
            let via = Via::from(before.channel);
            Ok((before, Event { kind: EventKind::Created, via, comment, cause: None }))
        }
        When::Updated { set, comment, via } => {
            let mut ticket = Ticket { updated: now, ..before.clone() };
            let comment = comment.as_ref().map(said);
            if let Some(comment) = &comment {
                ticket.add_comment(comment, now);
            }
            for (field, literal) in set {
                if field.writable() {
                    field.write(&mut ticket, literal.value(), now);
                } else {
                    ticket = give(ticket, field, literal)?;
                }
            }
            let via = via.unwrap_or_else(|| Via::from(before.channel));
            Ok((ticket, Event { kind: EventKind::Updated { before: Box::new(before) }, via, comment, cause: None }))
        }
    }
}

/// The ticket as the next event finds it: with the notes that rules left.
pub(super) fn left_behind(decision: &Decision, now: Timestamp) -> Ticket {
    let mut ticket = decision.ticket.clone();
    for left in &decision.effects {
        if let Effect::Note { text } = &left.effect {
            ticket.add_comment(&comment(Author::Rule, false, text), now);
        }
    }
    ticket
}

fn said(test: &TestComment) -> EventComment {
    comment(if test.by_agent { Author::Agent } else { Author::Requester }, test.public, &test.text)
}

fn comment(author: Author, public: bool, text: &str) -> EventComment {
    EventComment { text: text.to_owned(), public, author }
}

/// Sets any field of a ticket, also those no rule can set: the name of a field is its path in the ticket's JSON.
fn give(ticket: Ticket, field: &FieldRef, literal: &Literal) -> Result<Ticket, CannotGive> {
    let name = field.name();
    let cannot = |reason| CannotGive { field: name.to_string(), reason };
    let path = match name.strip_prefix("field.") {
        Some(custom) => vec!["custom", custom],
        None => name.split('.').collect(),
    };
    let mut json = serde_json::to_value(ticket).map_err(cannot)?;
    let mut place = &mut json;
    for step in path {
        if !place.is_object() {
            *place = Json::Object(Map::new());
        }
        place = &mut place[step];
    }
    *place = serde_json::to_value(literal.value()).map_err(cannot)?;
    serde_json::from_value(json).map_err(cannot)
}
