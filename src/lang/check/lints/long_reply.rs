//! TW0405: a reply that is longer than a post of any account may be.

use crate::lang::{
    codes,
    diagnostic::Diagnostic,
    rules::{ActionKind, Condition, ConditionKind, Literal, Part, Rules, Template, Test},
};

pub(super) fn check(rules: &Rules) -> Vec<Diagnostic> {
    let most = rules.desk.accounts.iter().map(|a| a.post_length).max().unwrap_or(280);
    let mut found = vec![];
    let triggers = rules.triggers.iter().map(|t| (&t.when, &t.then));
    let automations = rules.automations.iter().map(|a| (&a.when, &a.then));
    for (when, then) in triggers.chain(automations) {
        for action in then {
            let ActionKind::Reply(text) = &action.kind else { continue };
            let least = least_weight(text);
            // Direct messages may be long: a rule that asks for the channel is given the benefit of the doubt.
            if least <= most || asks_channel(when) {
                continue;
            }
            let span = action.place.start as usize..action.place.end as usize;
            let message = format!("this reply counts at least {least} characters, and a post holds {most}");
            found.push(
                Diagnostic::new(&codes::TW0405, span, message)
                    .with_help("shorten it, or answer only where `channel is twitter_dm`")
                    .in_file(&action.place.file),
            );
        }
    }
    found
}

/// Whether a condition speaks of direct messages, or says what channel it is not.
fn asks_channel(condition: &Condition) -> bool {
    let direct = |value: &Literal| matches!(value, Literal::Word { word, .. } if word == "twitter_dm");
    match &condition.kind {
        ConditionKind::All(parts) | ConditionKind::Any(parts) => parts.iter().any(asks_channel),
        ConditionKind::Let(named) => asks_channel(&named.condition),
        ConditionKind::Not(inner) => {
            let mut asks = false;
            inner.leaves(&mut |leaf, _| asks |= leaf.field.name() == "channel");
            asks
        }
        ConditionKind::Leaf(leaf) if leaf.field.name() != "channel" => false,
        ConditionKind::Leaf(leaf) => match &leaf.test {
            Test::Is(value) => direct(value),
            Test::In(values) => values.iter().any(direct),
            _ => true,
        },
    }
}

/// What a text weighs at least, as X counts: any link is 23 characters long, and placeholders may be empty.
fn least_weight(text: &Template) -> usize {
    let word = |word: &str| match word.starts_with("http://") || word.starts_with("https://") {
        true => 23,
        false => word.chars().count(),
    };
    let part = |part: &Part| match part {
        Part::Text(text) => {
            text.split_whitespace().map(word).sum::<usize>() + text.matches(char::is_whitespace).count()
        }
        Part::Placeholder { .. } => 0,
    };
    text.parts.iter().map(part).sum()
}
