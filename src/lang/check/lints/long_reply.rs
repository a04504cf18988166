//! TW0405: a reply that exceeds the post length limit of every account.

use super::{Context, Lint};
use crate::{
    desk::post_text::weighted_length,
    lang::{
        codes::Code,
        diagnostic::{Diagnostic, Severity},
        rules::{ActionKind, Condition, ConditionKind, Literal, Op, Part, Template},
    },
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0405",
        title: "reply too long for a post",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0405.md"),
    },
    since: "0.1.0",
    fix: None,
    check,
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let rules = context.rules;
    let most = rules.desk.accounts.iter().map(|a| a.post_length).max().unwrap_or(280);
    let triggers = rules.triggers.iter().map(|t| (&t.when, &t.then));
    let automations = rules.automations.iter().map(|a| (&a.when, &a.then));
    let ruled = triggers.chain(automations).map(|(when, then)| (Some(when), then));
    // A macro can be applied to any ticket, so it has no condition.
    let macros = rules.macros.iter().map(|m| (None, &m.then));
    for (when, then) in ruled.chain(macros) {
        for action in then {
            let ActionKind::Reply(text) = &action.kind else { continue };
            let least = least_weight(text);
            // Direct messages can be longer, so a rule that tests the channel is skipped.
            if least <= most || when.is_some_and(asks_channel) {
                continue;
            }
            let message = format!("reply too long: at least {least} characters, but a post may have {most}");
            found.push(
                Diagnostic::new(&LINT.code, action.span.clone(), message)
                    .with_help("shorten it, or add the condition `channel is twitter_dm`"),
            );
        }
    }
}

/// Whether a condition may restrict the channel to direct messages.
fn asks_channel(condition: &Condition) -> bool {
    let direct = |value: &Literal| matches!(value, Literal::Word { word, .. } if word == "twitter_dm");
    match &condition.kind {
        ConditionKind::All(parts) | ConditionKind::Any(parts) => parts.iter().any(asks_channel),
        ConditionKind::Let(named) => asks_channel(&named.condition),
        ConditionKind::Not(inner) => {
            let mut asks = false;
            inner.predicates(&mut |predicate, _| asks |= predicate.field.name() == "channel");
            asks
        }
        ConditionKind::Predicate(predicate) if predicate.field.name() != "channel" => false,
        ConditionKind::Predicate(predicate) => match &predicate.op {
            Op::Is(value) => direct(value),
            Op::In(values) => values.iter().any(direct),
            _ => true,
        },
    }
}

/// Minimum weighted length of a text, as X counts it. A placeholder may be empty, or end a link.
fn least_weight(text: &Template) -> usize {
    let placeholders = text.parts.iter().filter(|part| matches!(part, Part::Placeholder { .. })).count();
    let spaced: String = text
        .parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Placeholder { .. } => " ",
        })
        .collect();
    weighted_length(&spaced).saturating_sub(placeholders)
}

#[cfg(test)]
mod tests {
    use crate::{desk::Declarations, lang::check_sources};

    #[test]
    fn replies_are_counted_as_x_counts_them() {
        // The cases differ in the weights of links, email addresses and wide characters.
        for (text, is_long) in [
            ("a".repeat(270) + " bit.ly/abc", true),
            ("a".repeat(256) + " bit.ly/abc", false),
            ("a".repeat(268) + " me@acme.com", false),
            ("荷".repeat(141), true),
            ("荷".repeat(140), false),
            ("a".repeat(280) + "{{ticket.id}}", false),
            ("a".repeat(257) + " acme.com/{{ticket.id}}", true),
        ] {
            let rules = format!("trigger \"A\" {{ on created then reply \"{text}\" }}");
            let (_, diagnostics) = check_sources([("a.twite", rules.as_str())], Declarations::default());
            assert_eq!(diagnostics.iter().any(|d| d.code.id == "TW0405"), is_long, "{text}");
        }
    }
}
