//! Applies actions to a ticket and collects their effects.

use std::{borrow::Cow, cmp::Ordering, collections::BTreeSet};

use jiff::Timestamp;

use super::{
    evaluate::same,
    normal::{bounds, of_whole_number, whole_number},
    render::{render, render_json, render_public},
    sla,
};
use crate::{
    desk::{
        Change, Channel, Declarations, Effect, Event, Facts, Field, FieldRef, Kind, LastAgent, Owner, Question,
        Recipient, Scope, Ticket, Value,
        field::{FIELDS, Members},
        normalize::tag,
    },
    lang::rules::{Action, ActionKind, Duration, Literal, Member, SetTo, Taken, Texts},
};

/// The result of applying actions, apart from the changed ticket.
pub(super) struct Outcome {
    pub(super) effects: Vec<Effect>,
    /// Whether an action was `stop`.
    pub(super) stop: bool,
    /// What happened otherwise than it is written.
    pub(super) remarks: Vec<String>,
}

/// The inputs of placeholders and durations in actions, apart from the ticket.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) event: Option<&'a Event>,
    pub(super) now: Timestamp,
    pub(super) desk: &'a Declarations,
}

/// Applies actions in order; each reads the ticket as the ones before it left it.
pub(super) fn apply(actions: &[Action], ticket: &mut Ticket, context: Context<'_>) -> Outcome {
    let mut done = Outcome { effects: vec![], stop: false, remarks: vec![] };
    for action in actions {
        let Context { event, now, desk } = context;
        let facts = Facts { ticket, event, now, desk };
        let text = |template| render(template, facts);
        let texts = |texts: &Texts| render(texts.of(facts.ticket).0, facts);
        match &action.kind {
            // Nothing changes if nobody acts.
            ActionKind::Set(field, SetTo::Literal(Literal::Me)) => {
                let name = facts.agent().map(|agent| agent.name.clone());
                if let Some(name) = name {
                    set(field, ticket, Value::Word(name.into()), now, desk);
                }
            }
            ActionKind::Set(field, SetTo::Literal(literal)) => {
                set(field, ticket, literal.value(), now, desk);
            }
            ActionKind::Set(field, SetTo::Template(template)) => {
                let text = text(template);
                set(field, ticket, Value::Text(text.into()), now, desk);
            }
            ActionKind::Set(field, SetTo::Match { capture, from }) => {
                let found = match (field, from.read(facts)) {
                    (FieldRef::Custom(field), Value::Text(text)) => capture.find(&text, field),
                    _ => None,
                };
                match found {
                    Some(value) => set(field, ticket, value, now, desk),
                    None => done.remarks.push(format!("`{field}` stays as it is: no match in `{from}`")),
                }
            }
            ActionKind::Set(field, SetTo::Field { from, plus }) => {
                let Sum { value, at_bound } = sum(&from.read(facts), &field.kind(), *plus);
                if at_bound {
                    done.remarks.push(format!("`{field}` stays at {value}, the bound of its kind"));
                }
                set(field, ticket, value, now, desk);
            }
            ActionKind::Clear(field) => set(field, ticket, Value::Empty, now, desk),
            ActionKind::Add(field, members) => {
                let mut set = set_of(field, facts);
                set.extend(named(members, field, facts));
                self::set(field, ticket, Value::Set(Cow::Owned(set)), now, desk);
            }
            ActionKind::Remove(field, members) => {
                let mut set = set_of(field, facts);
                let gone = named(members, field, facts);
                set.retain(|member| !gone.contains(member));
                self::set(field, ticket, Value::Set(Cow::Owned(set)), now, desk);
            }
            ActionKind::Reply { from, texts } => {
                done.remarks.extend(language_taken("reply", texts, facts.ticket));
                done.effects.push(Effect::Reply { text: in_language(texts, facts), asks: false, from: from.clone() });
            }
            ActionKind::Message(texts) => {
                done.remarks.extend(language_taken("message requester", texts, facts.ticket));
                done.effects.push(Effect::Message { text: render(texts.of(facts.ticket).0, facts) });
            }
            ActionKind::Ask(texts) => {
                // Once, until the field is cleared.
                if ticket.satisfaction.is_none() {
                    done.remarks.extend(language_taken("ask for satisfaction", texts, facts.ticket));
                    done.effects.push(Effect::Reply { text: in_language(texts, facts), asks: true, from: None });
                    ticket.follow_question(Question::Waits);
                }
            }
            ActionKind::Note(template) => done.effects.push(Effect::Note { text: text(template) }),
            ActionKind::Notify { to, subject, body } => {
                // A placeholder may contain line breaks.
                done.remarks.extend(language_taken("subject", subject, facts.ticket));
                done.remarks.extend(language_taken("body", body, facts.ticket));
                let has_conversation = body.has_conversation();
                let (subject, body) = (one_line(&texts(subject)), texts(body));
                let mail = |to: Vec<Recipient>| {
                    let conversation = has_conversation && !to.iter().any(Recipient::is_outside);
                    Effect::Notify { to, subject: subject.clone(), body: body.clone(), conversation }
                };
                done.effects.extend(mails(to, facts).map(mail));
            }
            ActionKind::Remind { to, after, subject, body } => {
                let said =
                    |name, text: &Option<Texts>| text.as_ref().and_then(|t| language_taken(name, t, facts.ticket));
                done.remarks.extend(said("subject", subject).into_iter().chain(said("body", body)));
                let or = |text: &Option<Texts>, usual: String| text.as_ref().map_or(usual, texts);
                let subject = or(subject, format!("Reminder: {}", ticket.subject));
                let usual =
                    FieldRef::find("link", facts.desk).map(|link| link.read(facts).to_string()).unwrap_or_default();
                let has_conversation = body.as_ref().is_some_and(Texts::has_conversation);
                let body = or(body, usual);
                let (at, subject) = (later(*after, facts), one_line(&subject));
                let mail = |to: Vec<Recipient>| {
                    let conversation = has_conversation && !to.iter().any(Recipient::is_outside);
                    Effect::Remind { to, at, subject: subject.clone(), body: body.clone(), conversation }
                };
                done.effects.extend(mails(to, facts).map(mail));
            }
            ActionKind::Assign { group, choosing, last, under } => {
                let since = |within: Duration| within.reached_before(now, facts.hours()).first;
                let last = last.map(|last| LastAgent { since: last.within.and_then(since) });
                let (group, choosing, under) = (group.clone(), *choosing, *under);
                ticket.group = Some(group.clone());
                done.effects.push(Effect::Assign { group, choosing, last, under });
            }
            ActionKind::Snooze(span) => {
                let until = later(*span, facts);
                ticket.snooze(until, now);
            }
            ActionKind::Merge => done.effects.push(Effect::Merge),
            ActionKind::AtX(what) => done.effects.push(Effect::AtX { what: *what }),
            ActionKind::Webhook { name, body } => done.effects.push(Effect::Webhook {
                name: name.clone(),
                body: body.as_ref().map(|template| render_json(template, facts)),
            }),
            ActionKind::Stop => done.stop = true,
        }
    }
    settle_previous_assignee(&mut done.effects, ticket);
    done
}

/// Names no previous assignee where it is who still has the ticket, and nobody is chosen later.
fn settle_previous_assignee(effects: &mut [Effect], ticket: &Ticket) {
    if effects.iter().any(|effect| matches!(effect, Effect::Assign { .. })) {
        return;
    }
    for effect in effects {
        let (Effect::Notify { to, .. } | Effect::Remind { to, .. }) = effect else { continue };
        for recipient in to {
            if let Recipient::PreviousAssignee(name) = recipient {
                name.take_if(|name| ticket.assignee.as_ref() == Some(name));
            }
        }
    }
}

/// The recipients of each mail: those of the desk together, and everybody else alone, who does not learn their addresses.
/// The previous assignee is known only now, and is named; whether it is another one, only when an agent has been chosen.
fn mails(to: &[Recipient], facts: Facts<'_>) -> impl Iterator<Item = Vec<Recipient>> + use<> {
    let before = facts.event.and_then(|event| event.before()).and_then(|before| before.assignee.clone());
    let named = to.iter().map(|recipient| match recipient {
        Recipient::PreviousAssignee(_) => Recipient::PreviousAssignee(before.clone()),
        recipient => recipient.clone(),
    });
    let (outside, of_desk): (Vec<_>, Vec<_>) = named.partition(Recipient::is_outside);
    let of_desk = (!of_desk.is_empty()).then_some(of_desk);
    of_desk.into_iter().chain(outside.into_iter().map(|recipient| vec![recipient]))
}

/// The text of a reply in the format of the ticket, and in the language.
fn in_language(texts: &Texts, facts: Facts<'_>) -> String {
    let render = if facts.ticket.channel == Channel::TwitterDm { render } else { render_public };
    render(texts.of(facts.ticket).0, facts)
}

/// Which of several texts was taken.
fn language_taken(what: &str, texts: &Texts, ticket: &Ticket) -> Option<String> {
    let (_, taken) = texts.of(ticket);
    (!texts.by_language.is_empty()).then(|| match taken {
        Taken::Post(code) => format!("{what} by language: `{code}`, which the post is in"),
        Taken::Requester(code) => format!("{what} by language: `{code}`, the language of the requester"),
        Taken::Otherwise => format!("{what} by language: `otherwise`"),
    })
}

/// Now plus a duration, by the opening hours that apply to the ticket.
fn later(span: Duration, facts: Facts<'_>) -> Timestamp {
    // A time beyond the range of `Timestamp` is never reached.
    span.after(facts.now, facts.hours()).unwrap_or(Timestamp::MAX)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A value with a number added to it.
struct Sum {
    value: Value<'static>,
    /// Whether the sum is beyond the bounds of the kind.
    at_bound: bool,
}

/// Adds a whole number, the units of a decimal number, or days to a value.
fn sum(value: &Value<'_>, kind: &Kind, plus: i64) -> Sum {
    let known = whole_number(value);
    let value = match (kind, known) {
        _ if plus == 0 => return Sum { value: value.clone().into_owned(), at_bound: false },
        (Kind::Number | Kind::Decimal, known) => known.unwrap_or(0),
        (_, Some(known)) => known,
        (_, None) => return Sum { value: Value::Empty, at_bound: false },
    };
    let (least, most) = bounds(kind);
    let exact = i128::from(value) + i128::from(plus);
    let within = exact.clamp(least.into(), most.into());
    Sum { value: of_whole_number(within, kind), at_bound: exact != within }
}

/// The members of a set field.
fn set_of(field: &FieldRef, facts: Facts<'_>) -> BTreeSet<String> {
    match field.read(facts) {
        Value::Set(set) => set.into_owned(),
        _ => BTreeSet::new(),
    }
}

/// The members that an action names, as the field keeps them; nobody for `me` if no agent acts.
fn named(members: &[Member], field: &FieldRef, facts: Facts<'_>) -> Vec<String> {
    let agent = facts.agent().map(|agent| agent.name.as_str());
    let names = members.iter().filter_map(|member| match member {
        Member::Named(name) => Some(name.as_str()),
        Member::Me => agent,
    });
    names.map(|name| as_member(field, name)).collect()
}

/// A member of a set as the field keeps it.
fn as_member(field: &FieldRef, member: &str) -> String {
    match field.kind() {
        Kind::Set(Members::Declared(_) | Members::Words(_)) => member.to_owned(),
        _ => tag(member),
    }
}

fn set(field: &FieldRef, ticket: &mut Ticket, value: Value<'_>, now: Timestamp, desk: &Declarations) {
    let value = match value {
        Value::Set(set) => {
            let members = set.iter().map(|member| as_member(field, member)).filter(|member| !member.is_empty());
            Value::Set(Cow::Owned(members.collect()))
        }
        value => value,
    };
    // If the new text equals the old one when folded, the old spelling is kept.
    if !matches!(value, Value::Text(_)) || !same(&value, &field.read(Facts { ticket, event: None, now, desk })) {
        field.write(ticket, value, now);
    }
}

/// The fields that actions can write, without duplicates: built-in fields in table order, then custom fields by name. With
/// those that follow from service level agreements, if there are any.
pub(super) fn written_fields<'a>(actions: impl IntoIterator<Item = &'a Action>, with_sla: bool) -> Vec<FieldRef> {
    let mut written: Vec<FieldRef> = vec![];
    for set in actions.into_iter().flat_map(|action| action.kind.sets()) {
        for field in std::iter::once(set).chain(set.also_changes()) {
            if !written.contains(field) {
                written.push(field.clone());
            }
        }
    }
    written.extend(sla::fields().filter(|_| with_sla));
    written.sort_by(by_table);
    written
}

fn by_table(a: &FieldRef, b: &FieldRef) -> Ordering {
    match (a, b) {
        // Built-in fields are elements of one static array, so the order of their addresses is the table order.
        (FieldRef::Known(a), FieldRef::Known(b)) => std::ptr::from_ref::<Field>(a).cmp(&std::ptr::from_ref(b)),
        (FieldRef::Known(_), _) => Ordering::Less,
        (_, FieldRef::Known(_)) => Ordering::Greater,
        (a, b) => a.name().cmp(&b.name()),
    }
}

/// The fields that differ between two tickets: built-in ones in the order of their table, then declared ones by name.
pub fn changes(from: &Ticket, to: &Ticket, desk: &Declarations) -> Vec<Change> {
    if from == to {
        return vec![];
    }
    let names = |owner: Owner| owner.custom(from).keys().chain(owner.custom(to).keys()).map(move |name| (owner, name));
    let names: BTreeSet<_> = Owner::ALL.into_iter().flat_map(names).collect();
    let custom = names.into_iter();
    let custom = custom.filter_map(|(of, name)| FieldRef::find(&format!("{}field.{name}", of.prefix()), desk));
    let known = FIELDS.iter().filter(|f| f.scope == Scope::Ticket).map(FieldRef::Known);
    changes_of(&known.chain(custom).collect::<Vec<_>>(), from, to, desk)
}

/// The changes of these fields between two tickets.
pub(super) fn changes_of(fields: &[FieldRef], from: &Ticket, to: &Ticket, desk: &Declarations) -> Vec<Change> {
    let differs = |field: &FieldRef| change(field, value(field, from, desk), value(field, to, desk));
    fields.iter().filter_map(differs).collect()
}

/// The value of a field of a ticket, read without an event and at time 0: for fields that depend on neither.
pub(super) fn value<'a>(field: &FieldRef, ticket: &'a Ticket, desk: &'a Declarations) -> Value<'a> {
    field.read(Facts { ticket, event: None, now: Timestamp::UNIX_EPOCH, desk })
}

/// The change of a field; `None` if the values are equal.
pub(super) fn change(field: &FieldRef, from: Value<'_>, to: Value<'_>) -> Option<Change> {
    (!same(&from, &to)).then(|| Change { field: field.name(), from: from.into_owned(), to: to.into_owned() })
}
