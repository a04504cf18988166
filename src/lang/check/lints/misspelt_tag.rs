//! TW0417: a tag that nothing adds, one letter away from a tag that rules add.

use std::collections::{BTreeMap, BTreeSet};

use strsim::osa_distance;

use super::{Context, Lint, acting::Acting};
use crate::{
    desk::{Owner, normalize},
    lang::{
        ast::{AstNode, NodeExt, Predicate, Question, span_of},
        check::value::written,
        codes::Code,
        diagnostic::{Diagnostic, Grade, Severity},
        display::Tag,
        rules::{ActionKind, Literal, Rules, SetTo, When},
        syntax::{SyntaxElement, SyntaxKind, SyntaxNode},
    },
};

pub(super) static LINT: Lint = Lint {
    code: Code {
        id: "TW0417",
        title: "misspelled tag",
        severity: Severity::Warning,
        page: include_str!("../../../../docs/codes/TW0417.md"),
    },
    since: "0.1.0",
    fix: Some(Grade::Unsafe),
    check,
};

/// Maximum number of tags that are compared with each other.
const MAX_TAGS: usize = 2_000;
/// Minimum length of the longer tag, in characters: short tags are one letter apart by chance.
const MIN_CHARS: usize = 4;

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let added = added(context.rules);
    let mut meant: BTreeMap<String, Option<&str>> = BTreeMap::new();
    for (file, node) in context.nodes() {
        for value in asked(&node) {
            let tag = normalize::tag(&written(&value));
            if added.contains(&tag) || (meant.len() >= MAX_TAGS && !meant.contains_key(&tag)) {
                continue;
            }
            let near = *meant.entry(tag.clone()).or_insert_with(|| {
                added.iter().take(MAX_TAGS).find(|known| is_misspelt(&tag, known)).map(String::as_str)
            });
            let Some(near) = near else { continue };
            let span = file.source.span(span_of(&value));
            let message = format!("nothing adds the tag `{tag}`, did you mean `{near}`?");
            found.push(
                Diagnostic::new(&LINT.code, span.clone(), message)
                    .with_help("if agents add it by hand, give it in a test, and this warning ends")
                    .with_guess(span, Tag(near).to_string()),
            );
        }
    }
}

/// The tags that rules add, and those that tests give.
fn added(rules: &Rules) -> BTreeSet<String> {
    let set = |literal: &Literal| match literal {
        Literal::Set(tags) => tags.clone(),
        _ => vec![],
    };
    let acted = Acting::all(rules).flat_map(|rule| rule.then).flat_map(|action| match &action.kind {
        ActionKind::AddTags(Owner::Ticket, tags) => tags.clone(),
        ActionKind::Set(_, SetTo::Literal(literal)) => set(literal),
        _ => vec![],
    });
    let given = rules.tests.iter().flat_map(|test| {
        let updated = test.when.iter().flat_map(|step| match &step.when {
            When::Updated { set, .. } => set.as_slice(),
            _ => &[],
        });
        test.given.iter().chain(updated).flat_map(|(_, literal)| set(literal)).collect::<Vec<_>>()
    });
    acted.chain(given).collect()
}

/// The tags that a condition of a rule asks for. What a test expects is told by running it.
fn asked(node: &SyntaxNode) -> Vec<SyntaxElement> {
    let Some(question) = Question::cast(node.clone()) else { return vec![] };
    let (Some(name), Some(Predicate::Has(has))) = (question.name(), question.predicate()) else { return vec![] };
    if name.text() != "tags" || node.ancestors().any(|node| node.kind() == SyntaxKind::ExpectClause) {
        return vec![];
    }
    let values = has.syntax().values().flat_map(|value| match value {
        SyntaxElement::Node(list) if list.kind() == SyntaxKind::List => list.values().collect(),
        // The name of a list.
        value if has.of() && value.kind() == SyntaxKind::Path => vec![],
        value => vec![value],
    });
    values.collect()
}

/// Whether one tag is most likely a misspelling of another: they differ in one letter, which is no digit.
fn is_misspelt(tag: &str, known: &str) -> bool {
    let letters = |tag: &str| tag.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let (length, other) = (tag.chars().count(), known.chars().count());
    // What differs in one letter is alike at one end. Most tags are told apart by this.
    let close = length.abs_diff(other) <= 1
        && length.max(other) >= MIN_CHARS
        && (tag.chars().next() == known.chars().next() || tag.chars().last() == known.chars().last());
    close && osa_distance(tag, known) == 1 && letters(tag) != letters(known)
}
