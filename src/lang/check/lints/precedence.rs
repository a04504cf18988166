//! TW0422: `and` and `or` in one condition without parentheses.

use super::{Check, Context, File, Lint};
use crate::lang::{
    ast::{AstNode, Condition, Conjunction, Expr},
    codes::Code,
    diagnostic::{Diagnostic, Edit, Fix, Grade, Severity},
    syntax::{SyntaxKind, SyntaxNode},
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0422",
        title: "`and` and `or` without parentheses",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0422.md"),
    },
    since: "0.1.0",
    fix: Some(Grade::Unsafe),
    check: Check::Nodes(&[SyntaxKind::Condition], check),
};

fn check(_: &Context<'_>, file: &File, node: &SyntaxNode, found: &mut Vec<Diagnostic>) {
    let Some(condition) = Condition::cast(node.clone()) else { return };
    if condition.parts().nth(1).is_none() || condition.is_broken() {
        return;
    }
    let groups: Vec<_> = condition.parts().filter(|part| part.parts().nth(1).is_some() && !is_range(part)).collect();
    let Some(first) = groups.first() else { return };
    let edit = |at: usize, text: &str| Edit { span: file.source.span(at..at), text: text.to_owned() };
    let around = |span: std::ops::Range<usize>| [edit(span.start, "("), edit(span.end, ")")];
    let mut warning = Diagnostic::new(
        &LINT.code,
        file.source.span(first.span()),
        "`and` joins more closely than `or`: these conditions belong together",
    )
    .with_help("put parentheses around the conditions that you mean to belong together");
    warning.fix = Some(Fix {
        title: "write the parentheses that are implied".to_owned(),
        grade: Grade::Unsafe,
        edits: groups.iter().flat_map(|group| around(group.span())).collect(),
    });
    found.push(warning);
}

/// Whether conditions are the two ends of a range, as in `date >= 2026-12-24 and date < 2027-01-02`.
fn is_range(group: &Conjunction) -> bool {
    let mut fields = group.parts().map(|part| match part {
        Expr::Question(question) => question.name().map(|name| name.text().to_owned()),
        Expr::Time(question) => question.field().map(|name| name.text().to_owned()),
        _ => None,
    });
    let first = fields.next().flatten();
    first.is_some() && fields.all(|field| field == first)
}
