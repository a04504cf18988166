//! TW0452: a text for somebody outside of the desk that contains what is meant for agents.

use super::{Check, Context, Lint, acting::Acting};
use crate::{
    desk::{Declarations, Recipient},
    lang::{
        codes::Code,
        diagnostic::{Diagnostic, Severity},
        rules::{ActionKind, Part, Texts},
    },
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0452",
        title: "internal note in a text for others",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0452.md"),
    },
    since: "0.1.0",
    fix: None,
    check: Check::Set(check),
};

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let desk = context.context.desk;
    for action in Acting::all(context.rules).flat_map(|rule| rule.then) {
        let (texts, who): (Vec<&Texts>, _) = match (action.kind.said(), &action.kind) {
            (Some(texts), _) => (vec![texts], "the requester".to_owned()),
            (_, ActionKind::Notify { to, subject, body }) => match stranger(to, desk) {
                Some(who) => (vec![subject, body], who),
                None => continue,
            },
            (_, ActionKind::Remind { to, subject, body, .. }) => match stranger(to, desk) {
                Some(who) => (subject.iter().chain(body).collect(), who),
                None => continue,
            },
            _ => continue,
        };
        let is_mail = action.kind.reply().is_none();
        let has = |name: &str| {
            let is_it = |part: &Part| matches!(part, Part::Placeholder { field, .. } if field.name() == name);
            texts.iter().flat_map(|texts| texts.all()).flat_map(|(_, text)| &text.parts).any(is_it)
        };
        let (what, help) = if has("requester.note") {
            ("what agents noted about the requester", "leave out `{{ticket.requester.note}}`: it is meant for agents")
        } else if is_mail && has("latest_comment") {
            (
                "the latest comment, which may be a private note",
                "write `{{ticket.latest_public_comment}}`: it is never a note",
            )
        } else {
            continue;
        };
        let error = Diagnostic::new(&LINT.code, action.span.clone(), format!("{who} is told {what}"));
        found.push(error.with_help(help));
    }
}

/// The first recipient who is not of the desk: the requester, or an address at another domain than those of its groups and agents.
fn stranger(to: &[Recipient], desk: &Declarations) -> Option<String> {
    let domain = |address: &str| {
        let domain = address.rsplit_once('@').map(|(_, domain)| domain.trim_end_matches('>'));
        domain.unwrap_or_default().to_ascii_lowercase()
    };
    let own = desk.agents.iter().filter_map(|agent| agent.email.as_deref());
    let own: Vec<_> = own.chain(desk.groups.iter().filter_map(|group| group.email.as_deref())).map(domain).collect();
    to.iter().find_map(|recipient| match recipient {
        Recipient::Requester => Some("the requester".to_owned()),
        Recipient::Address(address) if !own.contains(&domain(address)) => Some(address.clone()),
        _ => None,
    })
}
