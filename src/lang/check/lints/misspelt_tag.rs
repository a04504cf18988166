//! TW0417: a tag that nothing adds, one letter away from a tag that rules add.

use std::collections::{BTreeSet, HashMap};

use strsim::osa_distance;

use super::{Check, Context, File, Lint, acting::Acting};
use crate::{
    desk::normalize,
    lang::{
        ast::{AstNode, NodeExt, Predicate, Question, span_of},
        check::value::written,
        codes::Code,
        diagnostic::{Diagnostic, Grade, Severity},
        display::Tag,
        rules::{ActionKind, Literal, Member, Rules, SetTo, When},
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
    check: Check::Nodes(&[SyntaxKind::Question], check),
};

/// Minimum length of the longer tag, in characters: short tags are one letter apart by chance.
const MIN_CHARS: usize = 4;

fn check(context: &Context<'_>, file: &File, node: &SyntaxNode, found: &mut Vec<Diagnostic>) {
    for value in asked(node) {
        let tag = normalize::tag(&written(&value));
        let Some(meant) = context.added_tags().meant_by(&tag) else { continue };
        let span = file.source.span(span_of(&value));
        let message = format!("nothing adds the tag `{tag}`, did you mean `{meant}`?");
        found.push(
            Diagnostic::new(&LINT.code, span.clone(), message)
                .with_help("if agents add it by hand, give it in a test, and this warning ends")
                .with_guess(span, Tag(meant).to_string()),
        );
    }
}

/// The tags that rules add, and those that tests give.
pub(super) struct AddedTags {
    tags: BTreeSet<String>,
    /// The tags by what is left of them without one letter: two words that differ in one letter share such a rest, or one
    /// is the rest of the other.
    by_rest: HashMap<String, Vec<String>>,
}

impl AddedTags {
    pub(super) fn of(rules: &Rules) -> Self {
        let tags = added(rules);
        let mut by_rest: HashMap<String, Vec<String>> = HashMap::new();
        for tag in &tags {
            for rest in std::iter::once(tag.clone()).chain(rests(tag)) {
                by_rest.entry(rest).or_default().push(tag.clone());
            }
        }
        Self { tags, by_rest }
    }

    /// The first tag that this one is most likely a misspelling of, unless it is added itself.
    fn meant_by(&self, tag: &str) -> Option<&str> {
        if self.tags.contains(tag) {
            return None;
        }
        let rests = std::iter::once(tag.to_owned()).chain(rests(tag));
        let near = rests.filter_map(|rest| self.by_rest.get(&rest)).flatten();
        near.filter(|known| is_misspelt(tag, known)).min().map(String::as_str)
    }
}

/// What is left of a word without one of its letters, for each of them.
fn rests(word: &str) -> impl Iterator<Item = String> {
    word.char_indices().map(move |(at, letter)| {
        let (before, rest) = word.split_at(at);
        before.to_owned() + rest.strip_prefix(letter).unwrap_or(rest)
    })
}

fn added(rules: &Rules) -> BTreeSet<String> {
    let set = |literal: &Literal| match literal {
        Literal::Set(tags) => tags.clone(),
        _ => vec![],
    };
    let acted = Acting::all(rules).flat_map(|rule| rule.then).flat_map(|action| match &action.kind {
        ActionKind::Add(field, tags) if field.name() == "tags" => {
            let named = |member: &Member| match member {
                Member::Named(tag) => Some(tag.clone()),
                Member::Me => None,
            };
            tags.iter().filter_map(named).collect()
        }
        ActionKind::Set(field, SetTo::Literal(literal)) if field.name() == "tags" => set(literal),
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
        _ if has.starting() => vec![],
        value => vec![value],
    });
    values.collect()
}

/// Whether one tag is most likely a misspelling of another: they differ in one letter, which is no digit.
fn is_misspelt(tag: &str, known: &str) -> bool {
    let letters = |tag: &str| tag.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let (length, other) = (tag.chars().count(), known.chars().count());
    length.max(other) >= MIN_CHARS && osa_distance(tag, known) == 1 && letters(tag) != letters(known)
}
