//! TW0405: a reply that exceeds the post length limit of every account, or does with long names.

use super::{Check, Context, Lint, acting::Acting};
use crate::{
    desk::{Declarations, FieldRef, Kind, post_text::weighted_length},
    lang::{
        codes::Code,
        diagnostic::{Diagnostic, Severity},
        rules::{ActionKind, Condition, ConditionKind, Filter, Literal, Op, Part, Template},
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
    check: Check::Set(check),
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let rules = context.rules;
    let longest = rules.desk.accounts.iter().map(|a| a.post_length).max().unwrap_or(280);
    for Acting { when, then, .. } in Acting::all(rules) {
        for action in then {
            let from = match &action.kind {
                ActionKind::Reply { from, .. } => from.as_deref(),
                _ => None,
            };
            let account = from.and_then(|from| rules.desk.accounts.get(from));
            let most = account.map_or(longest, |account| account.post_length);
            // Direct messages can be longer, so a rule that tests the channel is skipped.
            let Some(texts) = action.kind.reply().filter(|_| !when.is_some_and(asks_channel)) else { continue };
            for (language, text) in texts.all() {
                let (least, greatest) = (least_weight(text), greatest_weight(text, &rules.desk));
                if greatest <= most {
                    continue;
                }
                let what = language.map_or_else(|| "reply".to_owned(), |code| format!("reply in `{code}`"));
                let (message, help) = if least > most {
                    let message = format!("{what} too long: at least {least} characters, but a post may have {most}");
                    (message, "shorten it, or add the condition `channel is twitter_dm`")
                } else {
                    let message =
                        format!("{what} may be too long: up to {greatest} characters, but a post may have {most}");
                    (message, "shorten it, or limit a value, as in `{{ticket.requester.name | truncate: 20}}`")
                };
                found.push(Diagnostic::new(&LINT.code, action.span.clone(), message).with_help(help));
            }
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
            Part::Conversation => "",
        })
        .collect();
    weighted_length(&spaced).saturating_sub(placeholders)
}

/// Maximum weighted length of a text, as far as the lengths of values are known.
fn greatest_weight(text: &Template, desk: &Declarations) -> usize {
    let longest: String = text
        .parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Conversation => String::new(),
            Part::Placeholder { field, filters } => "x".repeat(max_chars(field, filters, desk)),
        })
        .collect();
    weighted_length(&longest)
}

/// Maximum number of characters of a value, with X's limits for names and handles; 0 if there is no usual limit.
fn max_chars(field: &FieldRef, filters: &[Filter], desk: &Declarations) -> usize {
    const POST: usize = 280;
    let longest = |names: &mut dyn Iterator<Item = &str>| names.map(|name| name.chars().count()).max().unwrap_or(0);
    let chars = match (&*field.name(), field.kind()) {
        ("requester.name" | "requester", _) => 50,
        ("requester.handle", _) => 15,
        ("description" | "latest_comment" | "latest_public_comment", _) => POST,
        (_, Kind::Words(words)) => longest(&mut words.words.iter().copied()),
        (_, Kind::Declared(declared)) => longest(&mut desk.declared(&declared).into_iter()),
        (_, Kind::Number) => 6,
        (_, Kind::Time | Kind::Date | Kind::TimeOfDay) => 20,
        _ => 0,
    };
    filters.iter().fold(chars, |chars, filter| match filter {
        Filter::Truncate(most) => chars.min(*most),
        Filter::Default(text) => chars.max(text.chars().count()),
        _ => chars,
    })
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
            ("a".repeat(280) + "{{ticket.link}}", false),
            ("a".repeat(250) + "{{ticket.requester.name}}", true),
            ("a".repeat(250) + "{{ticket.requester.name | truncate: 30}}", false),
            ("a".repeat(270) + "{{ticket.requester.handle | default: 'you'}}", true),
            ("a".repeat(270) + "{{ticket.status}}", false),
            ("a".repeat(200) + "{{ticket.latest_comment}}", true),
            ("a".repeat(257) + " acme.com/{{ticket.id}}", true),
        ] {
            let rules = format!("trigger \"A\" {{ on created then reply \"{text}\" }}");
            let (_, diagnostics) = check_sources([("a.twite", rules.as_str())], Declarations::default());
            assert_eq!(diagnostics.iter().any(|d| d.code.id == "TW0405"), is_long, "{text}");
        }
    }
}
