//! The events of rule tests.

use jiff::Timestamp;

use super::decision::Decision;
use crate::{
    desk::{
        Actor, Author, Choosing, Declarations, Effect, Event, EventComment, EventKind, LastAgent, Question, RatedBy,
        Ticket, Value, Via,
        given::{CannotGive, give},
        text::is_blank,
    },
    lang::rules::{GivenAgent, RuleTest, TestComment, When},
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
            let comment = test.comment.as_deref().map(|text| EventComment {
                facts: before.message_facts(),
                ..EventComment::new(Author::Requester, true, text)
            });
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
                    volumes: vec![],
                },
            ))
        }
        When::Updated { by, set, emptied, comment, via } => {
            let mut ticket = Ticket { updated: now, ..before.clone() };
            let comment = comment.as_ref().map(event_comment);
            let (actor, usual) = match by {
                Some(name) => (Actor::Agent(name.clone()), Via::Api),
                None => (Actor::Person, Via::from(before.channel)),
            };
            let rating = comment.as_ref().and_then(|comment| before.rating_in(comment, now, &desk.satisfaction));
            match (&comment, rating) {
                (Some(comment), Some(rating)) => ticket.add_rating(comment, rating, now, true),
                (Some(comment), None) => {
                    ticket.add_comment(comment, now);
                    if comment.public && comment.author == Author::Agent {
                        ticket.replied_by(&actor);
                    }
                }
                (None, _) if by.is_some() => ticket.agent_touches += 1,
                (None, _) => {}
            }
            let rated = ticket.clone();
            let set = set.iter().map(|(field, literal)| (field, literal.value()));
            for (field, value) in set.chain(emptied.iter().map(|field| (field, Value::Empty))) {
                if field.writable() {
                    field.write(&mut ticket, value, now);
                } else {
                    ticket = give(ticket, field, value)?;
                }
            }
            ticket.rated_by(&rated, if by.is_some() { RatedBy::Agent } else { RatedBy::Requester });
            ticket.normalize(desk);
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
                    volumes: vec![],
                },
            ))
        }
    }
}

/// The ticket after a decision, with the notes and questions of its effects, and the agents that they choose.
pub(super) fn ticket_after(test: &RuleTest, decision: &Decision, desk: &Declarations, now: Timestamp) -> Ticket {
    let mut ticket = decision.ticket.clone();
    for effect in &decision.effects {
        match &effect.effect {
            Effect::Note { text } if !is_blank(text) => {
                ticket.add_comment(&EventComment::new(Author::Rule, false, text), now);
            }
            effect => {
                choose_agent(test, effect, &mut ticket, desk, now);
                deliver_question(effect, &mut ticket, now);
            }
        }
    }
    ticket
}

/// Delivers a question to rate the help. In a test, everything is delivered as soon as it is decided.
pub(super) fn deliver_question(effect: &Effect, ticket: &mut Ticket, now: Timestamp) {
    if let Effect::Reply { text, asks: true, .. } = effect {
        ticket.follow_question(if is_blank(text) { Question::Fails } else { Question::Arrives(now) });
    }
}

/// Assigns a ticket to the agent that an effect chooses from a group, by what the test says of agents. Where they are
/// alike, it is the one who is declared first.
pub(super) fn choose_agent(test: &RuleTest, effect: &Effect, ticket: &mut Ticket, desk: &Declarations, now: Timestamp) {
    let Effect::Assign { group, choosing, last, under } = effect else { return };
    let is_away = |name: &str| test.agents.iter().any(|(agent, given)| agent == name && *given == GivenAgent::Away);
    let unsolved = |name: &str| {
        let counts = test.agents.iter().filter_map(|(agent, given)| match given {
            GivenAgent::Unsolved(count) if agent == name => Some(*count),
            _ => None,
        });
        counts.max().unwrap_or_default()
    };
    let names = desk.members(group).map(|agent| agent.name.as_str());
    let free: Vec<_> =
        names.filter(|name| !is_away(name) && under.is_none_or(|under| unsolved(name) < under)).collect();
    let had = |wanted: &LastAgent| {
        let hours = desk.hours_of(ticket);
        let assigned = |given: &GivenAgent| match given {
            GivenAgent::Last(ago) => test.moment().checked_sub(ago.length(hours)).ok(),
            _ => None,
        };
        let had = test.agents.iter().filter_map(|(agent, given)| Some((assigned(given)?, agent.as_str())));
        let latest = had.filter(|(at, _)| wanted.since.is_none_or(|since| *at >= since)).max();
        latest.map(|(_, agent)| agent).filter(|agent| free.contains(agent))
    };
    let chosen = last.as_ref().and_then(had).or_else(|| match choosing {
        Choosing::Next => free.first().copied(),
        Choosing::LeastBusy => free.iter().copied().min_by_key(|name| unsolved(name)),
    });
    // Where nobody is free, an agent of the group keeps it.
    let keeps = |name: &str| desk.members(group).any(|agent| agent.name == name);
    if chosen.is_some() || !ticket.assignee.as_deref().is_some_and(keeps) {
        ticket.set_assignee(chosen.map(str::to_owned), now);
    }
}

fn event_comment(test: &TestComment) -> EventComment {
    let author = if test.by_agent { Author::Agent } else { Author::Requester };
    EventComment { facts: test.facts.clone(), ..EventComment::new(author, test.public, test.text.clone()) }
}
