//! Traces for people: every trigger with its conditions and values, as a tree.

use std::fmt::Write;

use owo_colors::OwoColorize;

use super::{
    decision::Fired,
    explanation::{Explanation, ExplanationKind},
    trace::{RuleTrace, Trace, Verdict},
};
use crate::{
    desk::{
        Change, Choosing, Effect, Recipient, Value,
        text::headline,
        visible::{Visible, visible},
    },
    lang::display::{Grouped, Quoted},
};

/// How much of a text is shown, in characters as a reader counts them.
const MAX_TEXT_CHARS: usize = 80;

/// A trace as text, one trigger after the other: ✓ for what held and ✗ for what did not.
pub fn show(trace: &Trace, color: bool) -> String {
    let mut text = String::new();
    let decision = &trace.decision;
    let passes = match decision.passes {
        0 if decision.closed => "no run: the ticket was closed".to_owned(),
        0 => "automations only".to_owned(),
        1 => "1 pass".to_owned(),
        n => format!("{n} passes"),
    };
    line(&mut text, 0, &format!("rules {}, {}, {passes}", decision.version, trace.now));
    for rule in trace.rules() {
        line(&mut text, 0, "");
        let fired = decision.fired.iter().find(|fired| fired.rule == rule.rule);
        one(&mut text, rule, fired, decision.stopped_by.as_deref(), color);
    }
    text
}

fn one(text: &mut String, trigger: &RuleTrace, fired: Option<&Fired>, stopped_by: Option<&str>, color: bool) {
    let (sign, fate) = match trigger.verdict {
        Verdict::Fired { pass: 0 } => (mark(true, color), "fired".to_owned()),
        Verdict::Shadow { pass: 0 } => ("~".to_owned(), "would have fired (shadow)".to_owned()),
        Verdict::AlreadyActive => ("·".to_owned(), "held already, and fires once".to_owned()),
        Verdict::Fired { pass } => (mark(true, color), format!("fired in pass {pass}")),
        Verdict::Shadow { pass } => ("~".to_owned(), format!("would have fired in pass {pass} (shadow)")),
        Verdict::False => (mark(false, color), "did not fire".to_owned()),
        Verdict::Disabled => ("·".to_owned(), "is disabled".to_owned()),
        Verdict::OtherEvent => ("·".to_owned(), "is not about this kind of event".to_owned()),
        Verdict::NotReached => {
            let by = stopped_by.map(|title| format!(" by {}", Quoted(title))).unwrap_or_default();
            ("·".to_owned(), format!("was not reached: the run was stopped{by}"))
        }
        Verdict::Closed => ("·".to_owned(), "was not tried: the ticket was closed".to_owned()),
    };
    let at = format!("{}:{}", Visible(&trigger.span.file), trigger.span.line);
    let at = if color { at.dimmed().to_string() } else { at };
    line(text, 0, &format!("{sign} {} {fate}  {at}", Quoted(&trigger.rule)));
    match trigger.when.as_ref() {
        Some(Explanation { kind: ExplanationKind::All(parts), .. }) if !parts.is_empty() => {
            parts.iter().for_each(|part| tree(text, 1, part, color));
        }
        Some(explanation) => tree(text, 1, explanation, color),
        None => {}
    }
    let Some(fired) = fired else { return };
    for change in &fired.changes {
        line(text, 1, &format!("→ {}", change_line(change)));
    }
    for effect in &fired.effects {
        line(text, 1, &format!("→ {}", effect_line(effect)));
    }
}

fn tree(text: &mut String, depth: usize, explanation: &Explanation, color: bool) {
    let sign = mark(explanation.holds, color);
    let (what, parts): (String, &[Explanation]) = match &explanation.kind {
        ExplanationKind::All(parts) if parts.is_empty() => ("always".to_owned(), parts),
        ExplanationKind::Any(parts) if parts.is_empty() => ("never".to_owned(), parts),
        ExplanationKind::All(parts) => ("all of".to_owned(), parts),
        ExplanationKind::Any(parts) => ("any of".to_owned(), parts),
        ExplanationKind::Not(inner) => ("not".to_owned(), std::slice::from_ref(inner)),
        ExplanationKind::Let { name, means } => (name.clone(), std::slice::from_ref(means)),
        ExplanationKind::Predicate { text, value: now, before } => {
            let was = before.as_ref().map(|before| format!("was {}, is ", value(before))).unwrap_or_default();
            let found = format!("({was}{})", value(now));
            (format!("{text}  {}", if color { found.dimmed().to_string() } else { found }), &[])
        }
    };
    line(text, depth, &format!("{sign} {what}"));
    parts.iter().for_each(|part| tree(text, depth + 1, part, color));
}

fn mark(holds: bool, color: bool) -> String {
    match (holds, color) {
        (true, true) => "✓".green().to_string(),
        (false, true) => "✗".red().to_string(),
        (true, false) => "✓".to_owned(),
        (false, false) => "✗".to_owned(),
    }
}

/// A question about a field with its explanation, on one line: `requester.followers >= 10_000 (12)`.
pub fn predicate_line(explanation: &Explanation) -> String {
    let mut text = String::new();
    tree(&mut text, 0, explanation, false);
    text.trim_end().to_owned()
}

/// A change on one line: `priority: low → urgent`.
pub fn change_line(change: &Change) -> String {
    format!("{}: {} → {}", change.field, value(&change.from), value(&change.to))
}

/// An effect on one line.
pub fn effect_line(effect: &Effect) -> String {
    let short = |text: &str| value(&Value::Text(headline(text, MAX_TEXT_CHARS).into()));
    match effect {
        Effect::Reply { text } => format!("reply {}", short(text)),
        Effect::Note { text } => format!("note {}", short(text)),
        Effect::Notify { to, subject, .. } => format!("notify {}: {}", recipient(to), short(subject)),
        Effect::Remind { to, at, subject, .. } => {
            format!("remind {} at {}: {}", recipient(to), at.round(jiff::Unit::Second).unwrap_or(*at), short(subject))
        }
        Effect::Assign { group, choosing } => format!("assign to {} of group {}", chosen(*choosing), Quoted(group)),
        Effect::Merge => "merge into earlier ticket".to_owned(),
        Effect::Webhook { name, body } => {
            let body = body.as_deref().map(|body| format!(": {}", short(body))).unwrap_or_default();
            format!("webhook {}{body}", Quoted(name))
        }
    }
}

/// How an agent is chosen, as rules write it.
pub fn chosen(choosing: Choosing) -> &'static str {
    match choosing {
        Choosing::Next => "next agent",
        Choosing::LeastBusy => "least busy agent",
    }
}

/// A recipient as rules write it.
pub fn recipient(to: &Recipient) -> String {
    match to {
        Recipient::Group(name) => format!("group {}", Quoted(name)),
        Recipient::Agent(name) => format!("agent {}", Quoted(name)),
        Recipient::Assignee => "assignee".to_owned(),
        Recipient::Requester => "requester".to_owned(),
    }
}

/// A value as rules write it. Control characters, which would steer the reader's terminal, are escaped.
pub fn value(value: &Value<'_>) -> String {
    match value {
        Value::Number(number) => Grouped(*number).to_string(),
        Value::Text(text) if text.is_empty() => "empty".to_owned(),
        Value::Text(text) => visible(&Quoted(&headline(text, MAX_TEXT_CHARS)).to_string()).into_owned(),
        value => visible(&value.to_string()).into_owned(),
    }
}

fn line(text: &mut String, depth: usize, what: &str) {
    // Writing to a text does not fail.
    let _ = writeln!(text, "{}{what}", "  ".repeat(depth));
}
