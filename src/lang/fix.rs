//! Applies safe fixes to rule files in memory.
//!
//! A space is inserted if an edit would otherwise merge with the adjacent token. The result is parsed and verified: all
//! tokens outside the edits are unchanged, the items and their numbers of actions are the same, and there are no new
//! syntax errors. A result that fails verification is discarded.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use super::{
    ast,
    diagnostic::{self, Fix, Grade},
    load::check_files,
    rules::{Files, Version},
    syntax::{Parse, SyntaxKind, SyntaxNode, parse, runs_together},
};

/// Maximum rounds of fixing and checking again; one fix can make another applicable.
const MAX_ROUNDS: usize = 10;

/// The result of fixing files.
#[derive(Debug, Default)]
pub struct Fixes {
    /// The changed files.
    pub fixed: Vec<Fixed>,
    /// Names of files whose fixes failed verification and were not applied.
    pub unproven: BTreeSet<Arc<str>>,
}

/// A file with its safe fixes applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// The file name.
    pub name: Arc<str>,
    /// The text before.
    pub before: Arc<str>,
    /// The text after.
    pub after: Arc<str>,
    /// Number of fixes applied.
    pub count: usize,
}

/// Applies all safe fixes to files that are checked together, and those that become applicable as a result.
pub fn fix(files: &Files) -> Fixes {
    let mut now = files.clone();
    let mut counts = BTreeMap::<Arc<str>, usize>::new();
    let mut unproven = BTreeSet::new();
    for _ in 0..MAX_ROUNDS {
        let (_, diagnostics) = check_files(now.clone(), Version::default());
        let mut by_file = BTreeMap::<Arc<str>, Vec<TextFix>>::new();
        for found in &diagnostics {
            if let Some(fix) = found.fix.as_ref().filter(|fix| fix.grade == Grade::Safe) {
                by_file.entry(Arc::clone(found.file())).or_default().push(in_text(fix));
            }
        }
        let mut changed = false;
        for file in &mut now.rules {
            match by_file.get(&file.name).map(|fixes| apply(&file.text, fixes)) {
                None | Some(Ok(None)) => {}
                Some(Ok(Some((text, count)))) => {
                    file.text = text.into();
                    *counts.entry(Arc::clone(&file.name)).or_default() += count;
                    changed = true;
                }
                Some(Err(Unproven)) => {
                    unproven.insert(Arc::clone(&file.name));
                }
            }
        }
        if !changed {
            break;
        }
    }
    let pairs = files.rules.iter().zip(now.rules).filter(|(before, after)| before.text != after.text);
    let fixed = pairs.map(|(before, after)| Fixed {
        count: counts.get(&before.name).copied().unwrap_or_default(),
        name: Arc::clone(&before.name),
        before: Arc::clone(&before.text),
        after: after.text,
    });
    Fixes { fixed: fixed.collect(), unproven }
}

/// A fix whose spans are byte ranges of one text.
type TextFix = Fix<Range<usize>>;
type Edit = diagnostic::Edit<Range<usize>>;

/// Converts the spans of a fix into byte ranges.
fn in_text(fix: &Fix) -> TextFix {
    let edits = fix.edits.iter().map(|edit| Edit { span: edit.span.range(), text: edit.text.clone() });
    TextFix { title: fix.title.clone(), grade: fix.grade, edits: edits.collect() }
}

/// Error: the fixed text failed verification.
#[derive(Debug, PartialEq, Eq)]
struct Unproven;

/// An applied edit: the replaced range of the old text and the inserted range of the new text.
struct Made {
    old: Range<usize>,
    new: Range<usize>,
}

/// Applies all fixes that do not conflict. Returns the new text and the number of fixes; `None` if none applies.
fn apply(text: &str, fixes: &[TextFix]) -> Result<Option<(String, usize)>, Unproven> {
    let before = parse(text);
    let (edits, count) = chosen(&before, fixes);
    if edits.is_empty() {
        return Ok(None);
    }
    let (mut fixed, mut at, mut made) = (String::with_capacity(text.len()), 0, vec![]);
    for edit in edits {
        fixed.push_str(text.get(at..edit.span.start).ok_or(Unproven)?);
        let rest = text.get(edit.span.end..).ok_or(Unproven)?;
        let inserted = if edit.text.is_empty() { rest } else { edit.text.as_str() };
        pad(&mut fixed, inserted);
        let start = fixed.len();
        fixed.push_str(&edit.text);
        made.push(Made { old: edit.span.clone(), new: start..fixed.len() });
        if !edit.text.is_empty() {
            pad(&mut fixed, rest);
        }
        at = edit.span.end;
    }
    fixed.push_str(text.get(at..).unwrap_or_default());
    if proven(text, &before, &fixed, &parse(&fixed), &made) { Ok(Some((fixed, count))) } else { Err(Unproven) }
}

/// The edits of all fixes that can be applied together, in order, and the number of those fixes. Skips a fix that
/// overlaps an earlier one or would delete a comment.
fn chosen<'a>(parse: &Parse, fixes: &'a [TextFix]) -> (Vec<&'a Edit>, usize) {
    let mut fixes: Vec<_> = fixes.iter().collect();
    fixes.sort_by_key(|fix| fix.edits.iter().map(|edit| edit.span.start).min());
    fixes.dedup();
    let comments = tokens(parse).filter(|(kind, _)| *kind == SyntaxKind::Comment);
    let comments: Vec<Range<usize>> = comments.map(|(_, span)| span).collect();
    let mut taken = BTreeMap::<usize, &Edit>::new();
    let mut count = 0;
    for fix in fixes {
        let free = |Edit { span, .. }: &Edit| {
            let comment = comments.get(comments.partition_point(|comment| comment.end <= span.start));
            let takes_comment = comment.is_some_and(|comment| {
                comment.start < span.end && (span.start < comment.start || comment.end < span.end)
            });
            let before = taken
                .range(..=span.start)
                .next_back()
                .is_some_and(|(start, edit)| edit.span.end > span.start || *start == span.start);
            let after = taken.range(span.start..).next().is_some_and(|(start, _)| *start < span.end);
            !takes_comment && !before && !after
        };
        if fix.edits.iter().all(free) {
            taken.extend(fix.edits.iter().map(|edit| (edit.span.start, edit)));
            count += 1;
        }
    }
    (taken.into_values().collect(), count)
}

/// Appends a space if the last and the next character would otherwise be lexed as one token.
fn pad(written: &mut String, next: &str) {
    if let (Some(last), Some(next)) = (written.chars().next_back(), next.chars().next())
        && runs_together(last, next)
    {
        written.push(' ');
    }
}

/// Verifies that the fixed text differs from the original only in the edited ranges.
fn proven(text: &str, before: &Parse, fixed: &str, after: &Parse, made: &[Made]) -> bool {
    let kept = |span: &Range<usize>, edited: &dyn Fn(&Made) -> Range<usize>| {
        let next = made.partition_point(|made| edited(made).end <= span.start);
        made.get(next).is_none_or(|made| span.end <= edited(made).start)
    };
    let left = |parse: &Parse, text: &str, edited: &dyn Fn(&Made) -> Range<usize>| -> Vec<String> {
        let tokens = tokens(parse).filter(|(_, span)| kept(span, edited));
        tokens.map(|(_, span)| text.get(span).unwrap_or_default().to_owned()).collect()
    };
    left(before, text, &|made| made.old.clone()) == left(after, fixed, &|made| made.new.clone())
        && outline(before) == outline(after)
        && errors(after).iter().all(|(code, count)| errors(before).get(code).is_some_and(|before| count <= before))
}

/// The tokens other than white space, with their byte ranges.
fn tokens(parse: &Parse) -> impl Iterator<Item = (SyntaxKind, Range<usize>)> {
    let tokens = parse.tree().descendants_with_tokens().filter_map(|element| element.into_token());
    tokens
        .filter(|token| token.kind() != SyntaxKind::Whitespace)
        .map(|token| (token.kind(), token.text_range().into()))
        .collect::<Vec<_>>()
        .into_iter()
}

/// The kind and title of each item of a file, with the number of actions in each clause.
/// A fix must not change any of them: it may replace an action, but not add or remove one.
fn outline(parse: &Parse) -> Vec<(SyntaxKind, Option<String>, Vec<usize>)> {
    let items = parse.tree().children();
    items
        .map(|item| {
            let actions =
                |part: SyntaxNode| if part.kind() == SyntaxKind::ThenClause { part.children().count() } else { 0 };
            (item.kind(), ast::title(&item).map(|(title, _)| title), item.children().map(actions).collect())
        })
        .collect()
}

/// Number of syntax errors by code.
fn errors(parse: &Parse) -> BTreeMap<&'static str, usize> {
    let mut errors = BTreeMap::new();
    for error in parse.errors.iter().filter(|error| error.is_error()) {
        *errors.entry(error.code.id).or_default() += 1;
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(span: Range<usize>, text: &str) -> TextFix {
        TextFix { title: String::new(), grade: Grade::Safe, edits: vec![Edit { span, text: text.into() }] }
    }

    #[test]
    fn what_overlaps_waits_and_what_would_run_together_is_set_apart() {
        let text = "let a = b==c # d\n";
        let fixed = apply(text, &[edit(9..11, "is"), edit(9..12, "x")]).unwrap().unwrap();
        assert_eq!(fixed, ("let a = b is c # d\n".into(), 1));
    }

    #[test]
    fn what_changes_more_than_it_says_is_refused() {
        // Each of these edits would change how the following text parses.
        let text = "let a = b or e\nlet c = d\n";
        assert_eq!(apply(text, &[edit(8..9, "b #")]), Err(Unproven));
        assert_eq!(apply(text, &[edit(8..9, "\"")]), Err(Unproven));
        assert_eq!(apply(text, &[edit(4..9, "(")]), Err(Unproven));
        // A fix must not delete a comment.
        assert_eq!(apply("let a = b # c\n is yes\n", &[edit(8..20, "b")]), Ok(None));
    }
}
