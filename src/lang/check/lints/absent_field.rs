//! TW0425: a condition on something that tickets of this channel do not have.

use super::{Check, Context, Lint, acting::may_come_from};
use crate::{
    desk::Channel,
    lang::{
        codes::Code,
        diagnostic::{Diagnostic, Severity},
        rules::{Condition, ConditionKind, Op},
    },
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0425",
        title: "field that the channel does not have",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0425.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

/// Fields, and the channels whose tickets have them.
const OF_CHANNELS: &[(&str, &[Channel])] = &[
    ("post.likes", &[Channel::Twitter, Channel::TwitterLike]),
    ("post.reposts", &[Channel::Twitter, Channel::TwitterLike]),
    ("post.replies", &[Channel::Twitter, Channel::TwitterLike]),
    ("post.has_media", FROM_X),
    ("post.media", FROM_X),
    ("post.is_reply", FROM_X),
    ("post.is_quote", FROM_X),
    ("post.links", FROM_X),
    ("post.mentions", FROM_X),
    ("post.length", FROM_X),
    ("post.hashtags", FROM_X),
];
const FROM_X: &[Channel] = &[Channel::Twitter, Channel::TwitterDm, Channel::TwitterLike];

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for condition in context.rules.conditions() {
        let channels: Vec<_> = Channel::ALL.iter().copied().filter(|c| may_come_from(condition, *c)).collect();
        if channels.is_empty() || channels.len() == Channel::ALL.len() {
            continue;
        }
        required(condition, &mut |part, name| {
            let Some((_, have)) = OF_CHANNELS.iter().find(|(field, _)| *field == name) else { return };
            if channels.iter().any(|channel| have.contains(channel)) {
                return;
            }
            let shown: Vec<_> = channels.iter().map(|channel| format!("`{}`", channel.as_str())).collect();
            let message = format!("tickets of {} have no `{name}`, so this never holds", shown.join(", "));
            let help = "delete one of the two conditions, or join them with `or`";
            found.push(Diagnostic::new(&LINT.code, part.span.clone(), message).with_help(help));
        });
    }
}

/// Calls `visit` for each predicate that must hold and needs a value.
fn required<'c>(condition: &'c Condition, visit: &mut dyn FnMut(&'c Condition, &str)) {
    match &condition.kind {
        ConditionKind::All(parts) => parts.iter().for_each(|part| required(part, visit)),
        ConditionKind::Predicate(predicate) => match &predicate.op {
            Op::IsEmpty | Op::HasNone(_) | Op::Changed { .. } => {}
            _ => visit(condition, &predicate.field.name()),
        },
        ConditionKind::Any(_) | ConditionKind::Not(_) | ConditionKind::Let(_) => {}
    }
}
