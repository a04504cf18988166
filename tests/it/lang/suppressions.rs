//! A suppression above a clause covers exactly that clause, for every kind of clause: in the sample with every kind, a
//! warning is put into the clause below a suppression and into the next clause.

use std::ops::Range;

use twite::lang::syntax::{SyntaxKind, SyntaxNode, lexemes, parse};

use super::sample::{EVERY_KIND, check, needed_for};

/// Invisible characters are a warning in any comment; one for each character and file.
const INSIDE: &str = "\n# a\u{200B}b\n";
const BEHIND: &str = "\n# a\u{AD}b\n";
const CODE: &str = "TW0406";

/// A clause on its own line: a clause, an action, a given value, a part of a message or an item.
fn clauses() -> Vec<Range<usize>> {
    use SyntaxKind as K;
    let is_clause = |node: &SyntaxNode| {
        node.kind() != K::Close
            && node.parent().is_some_and(|parent| {
                matches!(parent.kind(), K::File | K::ThenClause)
                    || parent.children_with_tokens().any(|element| element.kind() == K::OpenBrace)
            })
    };
    let starts_line = |node: &SyntaxNode| {
        let start = usize::from(node.text_range().start());
        EVERY_KIND[..start].trim_end_matches(' ').ends_with('\n')
    };
    let tree = parse(EVERY_KIND).tree();
    tree.descendants().filter(is_clause).filter(starts_line).map(|node| node.text_range().into()).collect()
}

/// The warnings of a text, with their offsets.
fn warnings(text: &str) -> Vec<(&'static str, usize)> {
    let (rules, found) = check(text);
    assert!(rules.is_some(), "{text}\n{found:?}");
    found.iter().map(|d| (d.code.id, d.span().range().start)).collect()
}

#[test]
fn a_suppression_covers_exactly_the_clause_below_it() {
    let clauses = clauses();
    assert!(clauses.len() > 80, "{}", clauses.len());
    let mut failed = vec![];
    for clause in &clauses {
        let allow = format!("# twite: allow {CODE} because it is planted\n");
        let inside = last_token(clause);
        // A warning in the next clause.
        let next = clauses.iter().filter(|next| next.start >= clause.end).min_by_key(|next| next.start);
        let mut text = needed_for(next.into_iter().chain([clause]));
        let next = next.map(last_token);
        let mut expected = vec![];
        if let Some(next) = next {
            text.insert_str(next, BEHIND);
            expected.push((CODE, next + BEHIND.find('\u{AD}').unwrap()));
        }
        let mut grown = 0;
        if inside > clause.start {
            text.insert_str(inside, INSIDE);
            grown += INSIDE.len();
        }
        text.insert_str(clause.start, &allow);
        grown += allow.len();
        expected.iter_mut().for_each(|(_, at)| *at += grown);
        if inside == clause.start {
            // A clause of one word has no place for a warning, so the suppression is unused.
            expected.insert(0, ("TW0491", clause.start));
        }
        let found = warnings(&text);
        if found != expected {
            failed.push(format!("{found:?} and not {expected:?}: {}", &EVERY_KIND[clause.clone()]));
        }
    }
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), clauses.len(), failed.join("\n"));
}

#[test]
fn a_suppression_above_any_part_of_a_clause_covers_that_part() {
    let tree = parse(EVERY_KIND).tree();
    let mut failed = vec![];
    for token in lexemes(&tree).filter(|t| t.kind() != SyntaxKind::CloseBrace) {
        let at = usize::from(token.text_range().start());
        let mut text = needed_for([&token.text_range().into()]);
        text.insert_str(at, &format!("\n# twite: allow {CODE} because it is planted{INSIDE}"));
        let (_, found) = check(&text);
        if !found.is_empty() {
            failed.push(format!("{found:?}: above `{token}` in {}", token.parent().unwrap()));
        }
    }
    assert!(failed.is_empty(), "{}:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn a_suppression_above_a_value_covers_that_value_alone() {
    let found = |text: &str| {
        let text = format!("trigger \"x\" {{\n  on created\n  {text}\n}}\n");
        let (_, found) = check(&text);
        found.iter().map(|d| (d.code.id, d.message.clone())).collect::<Vec<_>>()
    };
    let allow = "\n# twite: allow TW0403 because it is planted\n";
    for (text, left) in [
        (format!("then add tags {allow} VIP"), None),
        (format!("then add tags {allow} VIP, Gold"), Some("`Gold`")),
        (format!("then add tags VIP, {allow} Gold"), Some("`VIP`")),
        (format!("then add tags VIP {allow} , Gold"), Some("`VIP`")),
        (format!("then add {allow} tags VIP"), None),
        (format!("when tags has {allow} any of (VIP, Gold) then add tags vip"), None),
        (format!("when tags {allow} has VIP then add tags vip"), None),
        (format!("when tags has {allow} VIP then add tags vip"), None),
    ] {
        let found = found(&text);
        match left {
            None => assert_eq!(found, [], "{text}"),
            Some(left) => {
                assert!(matches!(&found[..], [("TW0403", message)] if message.contains(left)), "{text}: {found:?}")
            }
        }
    }
}

/// Offset of the last token of a clause.
fn last_token(clause: &Range<usize>) -> usize {
    let tree = parse(EVERY_KIND).tree();
    let start = lexemes(&tree).map(|t| usize::from(t.text_range().start())).filter(|at| *at < clause.end).last();
    start.unwrap()
}
