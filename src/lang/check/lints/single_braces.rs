//! TW0414: a name in single braces in a text, which is not replaced by a value.

use super::{Check, Context, File, Lint};
use crate::{
    desk::{FieldRef, Scope},
    lang::{
        ast::{AstNode, Template, TemplatePart},
        check::template::ELSEWHERE,
        codes::Code,
        diagnostic::{Diagnostic, Grade, Severity},
        syntax::{SyntaxKind, SyntaxNode, range},
    },
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0414",
        title: "name in braces that are no placeholder",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0414.md"),
    },
    since: "0.1.0",
    fix: Some(Grade::Unsafe),
    check: Check::Nodes(&[SyntaxKind::Template], check),
};

fn check(context: &Context<'_>, file: &File, node: &SyntaxNode, found: &mut Vec<Diagnostic>) {
    let Some(template) = Template::cast(node.clone()) else { return };
    // The body of a webhook is JSON.
    if template.syntax().ancestors().any(|node| node.kind() == SyntaxKind::WebhookAction) {
        return;
    }
    for part in template.parts() {
        let TemplatePart::Text(chunk) = part else { continue };
        for (at, written, name) in names_in_braces(chunk.text()) {
            let start = range(&chunk).start + at;
            let span = file.source.span(start..start + written.len());
            let warning = Diagnostic::new(&LINT.code, span.clone(), format!("`{written}` is text, not a placeholder"));
            found.push(match placeholder(name, context) {
                Some(meant) => {
                    warning.with_help(format!("write `{{{{{meant}}}}}`")).with_guess(span, format!("{{{{{meant}}}}}"))
                }
                None => warning.with_help("a placeholder is written `{{ticket.id}}`, with the name of a field"),
            });
        }
    }
}

/// What other languages write around the name of a value, longest first.
const AROUND: &[(&str, &str)] =
    &[("<%=", "%>"), ("{ {", "} }"), ("[[", "]]"), ("${", "}"), ("#{", "}"), ("%{", "}"), ("{", "}")];

/// The names in single braces, as in `{name}`, `${name}` and `{ {name} }`: offset, as written, and the name.
fn names_in_braces(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    let mut from = 0;
    text.char_indices().filter_map(move |(start, _)| {
        let rest = text.get(start..).filter(|_| start >= from)?;
        let (open, close) = AROUND.iter().find(|(open, _)| rest.starts_with(open))?;
        // `\u{1f600}` is an escape.
        if *open == "{" && text.get(..start)?.ends_with("\\u") {
            return None;
        }
        let (inner, _) = rest.get(open.len()..)?.split_once(close)?;
        let name = inner.trim();
        let is_name = name.starts_with(char::is_alphabetic)
            && name.ends_with(char::is_alphanumeric)
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
        let written = rest.get(..open.len() + inner.len() + close.len()).filter(|_| is_name)?;
        from = start + written.len();
        Some((start, written, name))
    })
}

/// The placeholder that a name stands for.
fn placeholder(name: &str, context: &Context<'_>) -> Option<String> {
    let field = name.strip_prefix("ticket.").unwrap_or(name);
    let is_field =
        |name: &str| FieldRef::find(name, context.context.desk).is_some_and(|field| field.scope() != Scope::Event);
    if is_field(field) {
        return Some(format!("ticket.{field}"));
    }
    let of_requester = format!("requester.{field}");
    if is_field(&of_requester) {
        return Some(format!("ticket.{of_requester}"));
    }
    let named = |there: &str| there == name || there.strip_prefix("ticket.requester.") == Some(name);
    ELSEWHERE.iter().find(|(there, _)| named(there)).map(|(_, here)| (*here).to_owned())
}
