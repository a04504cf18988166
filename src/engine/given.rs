//! The events of rule tests.

use jiff::Timestamp;

use super::decision::Decision;
use crate::{
    desk::{
        Actor, Author, Declarations, Effect, Event, EventComment, EventKind, Question, RatedBy, Ticket, Via,
        given::{CannotGive, give},
        text::is_blank,
    },
    lang::rules::{RuleTest, TestComment, When},
};

/// The event of a step, and the ticket after it.
pub(super) fn apply_step(
    test: &RuleTest,
    when: &When,
    before: Ticket,
    desk: &Declarations,
    now: Timestamp,
) -> Result<(Ticket, Event), CannotGive> {
    match when {
        // The caller handles time and macros.
        When::Passes(_) | When::Macro { .. } | When::Created => {
            let comment = test.comment.as_deref().map(|text| comment(Author::Requester, true, text));
            let via = Via::from(before.channel);
            Ok((
                before,
                Event {
                    kind: EventKind::Created,
                    via,
                    actor: Actor::Person,
                    comment,
                    cause: None,
                    fired_before: vec![],
                },
            ))
        }
        When::Updated { by, set, comment, via } => {
            let mut ticket = Ticket { updated: now, ..before.clone() };
            let comment = comment.as_ref().map(event_comment);
            let rating = comment.as_ref().and_then(|comment| before.rating_in(comment, now, &desk.satisfaction));
            match (&comment, rating) {
                (Some(comment), Some(rating)) => ticket.add_rating(comment, rating, now, true),
                (Some(comment), None) => ticket.add_comment(comment, now),
                (None, _) if by.is_some() => ticket.agent_touches += 1,
                (None, _) => {}
            }
            let rated = ticket.clone();
            for (field, literal) in set {
                if field.writable() {
                    field.write(&mut ticket, literal.value(), now);
                } else {
                    ticket = give(ticket, field, literal.value())?;
                }
            }
            ticket.rated_by(&rated, if by.is_some() { RatedBy::Agent } else { RatedBy::Requester });
            ticket.normalize(desk);
            let (actor, usual) = match by {
                Some(name) => (Actor::Agent(name.clone()), Via::Api),
                None => (Actor::Person, Via::from(before.channel)),
            };
            let via = via.unwrap_or(usual);
            Ok((
                ticket,
                Event {
                    kind: EventKind::Updated { before: Box::new(before) },
                    via,
                    actor,
                    comment,
                    cause: None,
                    fired_before: vec![],
                },
            ))
        }
    }
}

/// The ticket after a decision, with the notes and questions of its effects, and the agents that they choose.
pub(super) fn ticket_after(decision: &Decision, desk: &Declarations, now: Timestamp) -> Ticket {
    let mut ticket = decision.ticket.clone();
    for effect in &decision.effects {
        match &effect.effect {
            Effect::Note { text } if !is_blank(text) => {
                ticket.add_comment(&comment(Author::Rule, false, text), now);
            }
            effect => {
                choose_agent(effect, &mut ticket, desk, now);
                deliver_question(effect, &mut ticket, now);
            }
        }
    }
    ticket
}

/// Delivers a question to rate the help. In a test, everything is delivered as soon as it is decided.
pub(super) fn deliver_question(effect: &Effect, ticket: &mut Ticket, now: Timestamp) {
    if let Effect::Reply { text, asks: true } = effect {
        ticket.follow_question(if is_blank(text) { Question::Fails } else { Question::Arrives(now) });
    }
}

/// Assigns a ticket to the agent that an effect chooses from a group. In a test, nobody has a ticket yet, nobody is away,
/// and no one had the requester before, so that it is the agent who is declared first.
pub(super) fn choose_agent(effect: &Effect, ticket: &mut Ticket, desk: &Declarations, now: Timestamp) {
    let Effect::Assign { group, .. } = effect else { return };
    ticket.set_assignee(desk.members(group).next().map(|agent| agent.name.clone()), now);
}

fn event_comment(test: &TestComment) -> EventComment {
    comment(if test.by_agent { Author::Agent } else { Author::Requester }, test.public, &test.text)
}

fn comment(author: Author, public: bool, text: &str) -> EventComment {
    EventComment { text: text.to_owned(), public, author }
}
