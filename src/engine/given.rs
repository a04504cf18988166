//! The tickets and events of rule tests.

use jiff::Timestamp;

use super::decision::Decision;
use crate::{
    desk::{
        Actor, Author, Declarations, Effect, Event, EventComment, EventKind, Ticket, Via,
        given::{CannotGive, give},
        text::is_blank,
    },
    lang::rules::{RuleTest, TestComment, When},
};

/// The event, with the ticket as it is once it has happened. Time passing is no event.
pub(super) fn happen(
    test: &RuleTest,
    when: &When,
    before: Ticket,
    desk: &Declarations,
    now: Timestamp,
) -> Result<(Ticket, Event), CannotGive> {
    match when {
        // Neither is an event of its own: time passes, and a macro is applied, where the story is told.
        When::Passes(_) | When::Macro(_) | When::Created => {
            let comment = test.comment.as_deref().map(|text| comment(Author::Requester, true, text));
            let via = Via::from(before.channel);
            Ok((before, Event { kind: EventKind::Created, via, actor: Actor::Person, comment, cause: None }))
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
                    ticket = give(ticket, field, literal.value())?;
                }
            }
            ticket.normalize(desk);
            let via = via.unwrap_or_else(|| Via::from(before.channel));
            Ok((
                ticket,
                Event {
                    kind: EventKind::Updated { before: Box::new(before) },
                    via,
                    actor: Actor::Person,
                    comment,
                    cause: None,
                },
            ))
        }
    }
}

/// The ticket as the next event finds it: with the notes that rules left.
pub(super) fn left_behind(decision: &Decision, now: Timestamp) -> Ticket {
    let mut ticket = decision.ticket.clone();
    for left in &decision.effects {
        if let Effect::Note { text } = &left.effect
            && !is_blank(text)
        {
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
