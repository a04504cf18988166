//! What actions do to a ticket, and what they ask others to do.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::render::{render, render_json};
use crate::{
    desk::{Change, Desk, Effect, Facts, FieldRef, Scope, Ticket, Value, field::FIELDS},
    lang::rules::{Action, ActionKind, SetTo, Span, Template},
};

/// What the actions of one trigger come to.
pub(super) struct Done {
    /// The ticket after them.
    pub(super) ticket: Ticket,
    /// What is to be carried out.
    pub(super) effects: Vec<Effect>,
    /// Whether the run ends here.
    pub(super) stop: bool,
}

/// Applies actions in order to a copy of the ticket: each sees what those before it did.
pub(super) fn apply(actions: &[Action], facts: Facts<'_>) -> Done {
    let mut done = Done { ticket: facts.ticket.clone(), effects: vec![], stop: false };
    for action in actions {
        let now = Facts { ticket: &done.ticket, ..facts };
        let text = |template| render(template, now);
        match &action.kind {
            ActionKind::Set(field, SetTo::Literal(literal)) => {
                set(field, &mut done.ticket, literal.value(), facts);
            }
            ActionKind::Set(field, SetTo::Template(template)) => {
                let text = text(template);
                set(field, &mut done.ticket, Value::Text(text.into()), facts);
            }
            ActionKind::Clear(field) => set(field, &mut done.ticket, Value::Empty, facts),
            ActionKind::AddTags(tags) => done.ticket.tags.extend(tags.iter().map(|t| t.to_lowercase())),
            ActionKind::RemoveTags(tags) => tags.iter().for_each(|t| {
                done.ticket.tags.remove(&t.to_lowercase());
            }),
            ActionKind::Reply(template) => done.effects.push(Effect::Reply { text: text(template) }),
            ActionKind::Note(template) => done.effects.push(Effect::Note { text: text(template) }),
            ActionKind::Notify { to, subject, body } => done.effects.push(Effect::Notify {
                to: to.clone(),
                // A subject is one line, whatever a placeholder brings.
                subject: one_line(&text(subject)),
                body: text(body),
            }),
            ActionKind::Remind { to, after, subject, body } => {
                let or =
                    |template: &Option<Template>, usual: String| template.as_ref().map_or(usual, |t| render(t, now));
                let subject = or(subject, format!("Reminder: {}", done.ticket.subject));
                let usual =
                    FieldRef::find("link", facts.desk).map(|link| link.read(now).to_string()).unwrap_or_default();
                let body = or(body, usual);
                done.effects.push(Effect::Remind {
                    to: to.clone(),
                    at: later(*after, now),
                    subject: one_line(&subject),
                    body,
                });
            }
            ActionKind::Assign { group, choosing } => {
                done.ticket.group = Some(group.clone());
                done.effects.push(Effect::Assign { group: group.clone(), choosing: *choosing });
            }
            ActionKind::Snooze(span) => {
                let until = later(*span, now);
                done.ticket.snooze(until, facts.now);
            }
            ActionKind::Merge => done.effects.push(Effect::Merge),
            ActionKind::Webhook { name, body } => done.effects.push(Effect::Webhook {
                name: name.clone(),
                body: body.as_ref().map(|template| render_json(template, now)),
            }),
            ActionKind::Stop => done.stop = true,
        }
    }
    done
}

/// A moment so long after now, at the ticket's desk.
fn later(span: Span, facts: Facts<'_>) -> Timestamp {
    let at = match span.business {
        true => facts.hours().after(facts.now, span.length).first,
        false => facts.now.checked_add(span.length).ok(),
    };
    // Beyond all calendars is as good as never.
    at.unwrap_or(Timestamp::MAX)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn set(field: &FieldRef, ticket: &mut Ticket, value: Value<'_>, facts: Facts<'_>) {
    let value = match value {
        Value::Set(tags) => Value::Set(std::borrow::Cow::Owned(tags.iter().map(|t| t.to_lowercase()).collect())),
        value => value,
    };
    field.write(ticket, value, facts.now);
}

/// The fields that differ between two tickets: built-in ones in the order of their table, then declared ones by name.
pub fn changes(from: &Ticket, to: &Ticket, desk: &Desk) -> Vec<Change> {
    fn facts<'a>(ticket: &'a Ticket, desk: &'a Desk) -> Facts<'a> {
        Facts { ticket, event: None, now: jiff::Timestamp::UNIX_EPOCH, desk }
    }
    if from == to {
        return vec![];
    }
    let custom: BTreeSet<&String> = from.custom.keys().chain(to.custom.keys()).collect();
    let custom = custom.into_iter().filter_map(|name| FieldRef::find(&format!("field.{name}"), desk));
    let known = FIELDS.iter().filter(|f| f.scope == Scope::Ticket).map(FieldRef::Known);
    known
        .chain(custom)
        .filter_map(|field| {
            let (from, to) = (field.read(facts(from, desk)), field.read(facts(to, desk)));
            (from != to).then(|| Change {
                field: field.name().into_owned(),
                from: from.into_owned(),
                to: to.into_owned(),
            })
        })
        .collect()
}
