//! A mistake in one clause does not hide a mistake in another: two mistakes at a time are put into the sample with
//! every kind of clause.

use std::{collections::BTreeSet, ops::Range, sync::Mutex};

use twite::lang::syntax::{SyntaxElement, SyntaxKind, SyntaxNode, lexemes, parse};

use super::sample::{EVERY_KIND, check, needed_for};

/// A clause on its own line: a clause, an action, a given value or a part of a message; or a whole `let`.
struct Clause {
    item: usize,
    span: Range<usize>,
    /// Its first word.
    word: Range<usize>,
    /// Its last value, unless that is itself a clause.
    value: Option<Range<usize>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mistake {
    MisspeltWord,
    UnknownValue,
    MissingValue,
}
const MISTAKES: [Mistake; 3] = [Mistake::MisspeltWord, Mistake::UnknownValue, Mistake::MissingValue];

/// A range and its replacement.
type Edit = (Range<usize>, String);

impl Clause {
    fn plant(&self, mistake: Mistake) -> Option<Edit> {
        Some(match mistake {
            Mistake::MisspeltWord => {
                let word = &EVERY_KIND[self.word.clone()];
                (self.word.clone(), format!("{word}{}", word.chars().last()?))
            }
            Mistake::UnknownValue => {
                let value = self.value.clone()?;
                let text = EVERY_KIND[value.clone()].starts_with('"');
                (value, if text { "\"zzz\"".to_owned() } else { "zzz".to_owned() })
            }
            Mistake::MissingValue => (self.value.clone()?, String::new()),
        })
    }
}

fn clauses() -> Vec<Clause> {
    use SyntaxKind as K;
    let is_clause = |node: &SyntaxNode| {
        node.kind() == K::LetItem
            || !matches!(node.kind(), K::Close)
                && node.parent().is_some_and(|parent| {
                    parent.kind() == K::ThenClause
                        || parent.children_with_tokens().any(|element| element.kind() == K::OpenBrace)
                })
    };
    let mut clauses = vec![];
    for (item, node) in parse(EVERY_KIND).tree().children().enumerate() {
        for node in node.descendants().filter(is_clause) {
            let tokens: Vec<_> = lexemes(&node).collect();
            let of_its_own = |token: &SyntaxElement| {
                token.parent().and_then(|parent| parent.ancestors().find(is_clause)).as_ref() == Some(&node)
            };
            let first = tokens.first().unwrap();
            let value = tokens.iter().rev().find(|token| {
                let value =
                    matches!(token.kind(), K::String | K::Template | K::Path | K::Number | K::Instant | K::Event);
                value && of_its_own(token) && token != &first
            });
            let span = |token: &SyntaxElement| Range::<usize>::from(token.text_range());
            clauses.push(Clause { item, span: node.text_range().into(), word: span(first), value: value.map(span) });
        }
    }
    clauses
}

/// Applies edits to the sample and returns the errors: offset in the unedited sample, and message.
fn reported(edits: &[&Edit]) -> Vec<(usize, String)> {
    let mut text = needed_for(edits.iter().map(|(span, _)| span));
    let mut sorted = edits.to_vec();
    sorted.sort_by_key(|(span, _)| span.start);
    for (span, instead) in sorted.iter().rev() {
        text.replace_range(span.clone(), instead);
    }
    let found = check(&text).1;
    let errors = found.iter().filter(|d| d.is_error());
    let written = |mut at: usize| {
        for (span, instead) in &sorted {
            if at >= span.start + instead.len() {
                at = at + span.len() - instead.len();
            } else if at > span.start {
                at = span.start;
            }
        }
        at
    };
    errors.map(|error| (written(error.span().range().start), error.message.clone())).collect()
}

/// Where an error about a clause may point: into the clause, or at the next token if something is missing.
fn region(clause: &Clause) -> Range<usize> {
    let mut end = clause.span.end;
    for line in EVERY_KIND[clause.span.end..].split_inclusive('\n') {
        if line.trim().is_empty() {
            end += line.len();
        } else {
            return clause.span.start..end + line.len() - line.trim_start().len() + 1;
        }
    }
    clause.span.start..EVERY_KIND.len() + 1
}

/// Known exceptions: the first word of the next line is taken for the missing value, which is valid (a group may be
/// called `reply`), and the rest of that line then has no clause of its own.
const NOT_TOLD_APART: [&str; 2] = [
    "MissingValue in `assign to least`, MissingValue in `reply \"thanks\"`",
    "MissingValue in `set priority to`, MissingValue in `clear type`",
];

#[test]
fn of_two_mistakes_both_are_reported() {
    let clauses = clauses();
    for clause in &clauses {
        assert_eq!(reported(&[&(clause.span.start..clause.span.start, String::new())]), []);
    }
    let mistakes: Vec<(usize, Mistake, Edit)> = (0..clauses.len())
        .flat_map(|n| MISTAKES.map(|mistake| (n, mistake)))
        .filter_map(|(n, mistake)| Some((n, mistake, clauses[n].plant(mistake)?)))
        .filter(|(n, mistake, edit)| {
            let alone = reported(&[edit]).iter().any(|(at, _)| region(&clauses[*n]).contains(at));
            assert!(alone || *mistake != Mistake::MisspeltWord, "{}", &EVERY_KIND[clauses[*n].span.clone()]);
            alone
        })
        .collect();
    let of = |clause: usize| mistakes.iter().filter(move |(n, ..)| *n == clause);
    let mut pairs = vec![];
    for (n, one) in clauses.iter().enumerate() {
        for (m, other) in clauses.iter().enumerate().skip(n + 1) {
            let apart = one.span.end <= other.span.start;
            let near = one.item == other.item || EVERY_KIND[one.span.clone()].starts_with("let");
            if !apart || !near || other.item > one.item + 1 {
                continue;
            }
            let combinations = of(n).flat_map(|one| of(m).map(move |other| (one, other))).enumerate();
            // Adjacent clauses with all combinations, other pairs with one each.
            let beside = !clauses[n + 1..m]
                .iter()
                .any(|between| one.span.end <= between.span.start && between.span.end <= other.span.start);
            pairs.extend(combinations.filter(|(way, _)| beside || *way == (n + m) % 9).map(|(_, pair)| pair));
        }
    }
    let hidden_pairs = Mutex::new(BTreeSet::new());
    let (clauses, hidden) = (&clauses, &hidden_pairs);
    std::thread::scope(|scope| {
        for half in pairs.chunks(pairs.len().div_ceil(2)) {
            scope.spawn(move || {
                for ((n, one, first), (m, other, second)) in half {
                    let errors = reported(&[first, second]);
                    let about = |clause: &Clause| -> BTreeSet<_> {
                        let region = region(clause);
                        errors.iter().filter(|(at, _)| region.contains(at)).collect()
                    };
                    let (a, b) = (about(&clauses[*n]), about(&clauses[*m]));
                    if a.is_empty() || b.is_empty() || a.union(&b).count() < 2 {
                        let word = |clause: &Clause| {
                            EVERY_KIND[clause.span.clone()].split_whitespace().take(3).collect::<Vec<_>>().join(" ")
                        };
                        hidden.lock().unwrap().insert(format!(
                            "{one:?} in `{}`, {other:?} in `{}`: {errors:?}",
                            word(&clauses[*n]),
                            word(&clauses[*m])
                        ));
                    }
                }
            });
        }
    });
    let mut hidden = hidden.lock().unwrap();
    hidden.retain(|pair| !NOT_TOLD_APART.iter().any(|known| pair.starts_with(known)));
    assert!(
        hidden.is_empty(),
        "{} of {} pairs:\n{}",
        hidden.len(),
        pairs.len(),
        hidden.iter().cloned().collect::<Vec<_>>().join("\n")
    );
}
