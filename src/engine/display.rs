//! Displays values, changes and effects on one line, in rule syntax, without control characters.

use super::{
    decision::HeldBack,
    explanation::{Explanation, ExplanationKind, Found},
};
use crate::{
    desk::{Change, Choosing, Effect, LastAgent, Recipient, Value, text::headline, visible::visible},
    lang::display::{Grouped, Quoted},
};

/// The longest text shown, in graphemes.
const MAX_TEXT_CHARS: usize = 80;

/// A value; a long text is truncated.
pub(crate) fn value(value: &Value<'_>) -> String {
    match value {
        Value::Number(number) => Grouped(*number).to_string(),
        Value::Text(text) if text.is_empty() => "empty".to_owned(),
        Value::Text(text) => visible(&Quoted(&headline(text, MAX_TEXT_CHARS)).to_string()).into_owned(),
        value => visible(&value.to_string()).into_owned(),
    }
}

/// What a predicate found: `(12)`, `(was open, is solved)`, `("Ben"; me is "Ana")`, or `("it is down again"; "down")`.
pub(crate) fn found(found: &Found) -> String {
    if let Some(volume) = &found.volume {
        return format!("({}; {volume})", value(&found.value));
    }
    let more = match (&found.me, &found.entry) {
        (Some(Value::Empty), _) => "; nobody of the desk acts".to_owned(),
        (Some(name), _) => format!("; me is {}", value(name)),
        (None, Some(entry)) if matches!(found.value, Value::Set(_)) => format!("; {}", visible(entry)),
        (None, Some(entry)) => format!("; {}", visible(&Quoted(&headline(entry, MAX_TEXT_CHARS)).to_string())),
        (None, None) => String::new(),
    };
    let more = match found.until {
        Some(until) => format!("{more}; an entry only until {until}"),
        None => more,
    };
    match (&found.before, &found.distance) {
        (_, Some(distance)) => format!("({}, {distance})", value(&found.value)),
        (Some(before), None) => format!("(was {}, is {}{more})", value(before), value(&found.value)),
        (None, None) => format!("({}{more})", value(&found.value)),
    }
}

/// The predicates that decided the result of a condition, one line each: `✗ requester.followers >= 10_000  (12)`.
pub(super) fn because(explanation: &Explanation) -> Vec<String> {
    let mut lines = vec![];
    for leaf in explanation.because() {
        if let ExplanationKind::Predicate { text, found: read } = &leaf.kind {
            let sign = if leaf.holds { "✓" } else { "✗" };
            lines.push(format!("{sign} {text}  {}", found(read)));
        }
    }
    lines
}

/// A change: `priority: low → urgent`.
pub(crate) fn change_line(change: &Change) -> String {
    format!("{}: {} → {}", change.field, value(&change.from), value(&change.to))
}

/// Why a rule was held back: its cap, and until when.
pub(crate) fn held_back_line(held: &HeldBack) -> String {
    let again = match held.until {
        Some(until) => format!("it may fire again at {until}"),
        None => "it does not fire again".to_owned(),
    };
    format!("{}: reached by what fired since {}; {again}", held.cap, held.since)
}

/// An effect: `reply "Hello"`.
pub(crate) fn effect_line(effect: &Effect) -> String {
    let short = |text: &str| value(&Value::Text(headline(text, MAX_TEXT_CHARS).into()));
    match effect {
        Effect::Reply { text, asks: true, .. } => format!("ask for satisfaction {}", short(text)),
        Effect::Reply { text, asks: false, from: None } => format!("reply {}", short(text)),
        Effect::Reply { text, asks: false, from: Some(from) } => format!("reply from {} {}", Quoted(from), short(text)),
        Effect::Message { text } => format!("message requester {}", short(text)),
        Effect::Note { text } => format!("note {}", short(text)),
        Effect::Notify { to, subject, .. } => format!("notify {}: {}", recipients(to), short(subject)),
        Effect::Remind { to, at, subject, .. } => {
            format!("remind {} at {}: {}", recipients(to), at.round(jiff::Unit::Second).unwrap_or(*at), short(subject))
        }
        Effect::Assign { group, choosing, last, under } => {
            let agent = match choosing {
                Choosing::Next => "next agent",
                Choosing::LeastBusy => "least busy agent",
            };
            let last = match last {
                Some(LastAgent { since: Some(since) }) => format!("last agent of requester since {since:.0} or "),
                Some(LastAgent { since: None }) => "last agent of requester or ".to_owned(),
                None => String::new(),
            };
            let under = under.map(|under| format!(" with under {under} unsolved tickets")).unwrap_or_default();
            format!("assign to {last}{agent} of group {}{under}", Quoted(group))
        }
        Effect::Merge => "merge into earlier ticket".to_owned(),
        Effect::Incident { problem } => format!("set problem to {problem}"),
        Effect::AtX { what } => what.to_string(),
        Effect::Webhook { name, body } => {
            let body = body.as_deref().map(|body| format!(": {}", short(body))).unwrap_or_default();
            format!("webhook {}{body}", Quoted(name))
        }
    }
}

/// Recipients: `group "Billing", assignee`.
fn recipients(to: &[Recipient]) -> String {
    to.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
