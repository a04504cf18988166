//! Suppressions: `# twite: allow TW0402 because …` above a clause, an action or an item, or at the end of a line in it.
//!
//! A suppression covers the whole clause, action or item, so that the formatter can change line breaks. Only warnings
//! can be suppressed, and only with a reason; `until 2027-03-31` before `because` is the last day of a suppression. An
//! unused suppression is a warning, and so is one whose last day has passed.

use std::{collections::HashMap, ops::Range, sync::Arc};

use jiff::civil::Date;

use super::{Dated, File};
use crate::desk::moment::day;
use crate::lang::{
    ast::{NodeExt, is_value},
    codes::{self, Code},
    diagnostic::{Diagnostic, Severity},
    span::Span,
    suggest::{did_you_mean, nearest},
    syntax::{SyntaxElement, SyntaxKind, SyntaxNode, SyntaxToken, range},
};

/// A parsed suppression comment.
#[derive(Debug, Default, PartialEq, Eq)]
struct Comment {
    codes: Vec<&'static Code>,
    /// The last day on which it suppresses.
    until: Option<Date>,
    /// Messages about errors in the comment.
    problems: Vec<String>,
}

/// The warning that the last day of a suppression has passed.
fn expired(until: Date, comment: Span) -> Diagnostic {
    let warning = Diagnostic::new(&codes::TW0493, comment, format!("this suppression ended on {until}"));
    warning.with_help("change what it is about, or write a later day")
}

/// Removes suppressed warnings, and reports malformed and unused suppressions. Returns what is reported when the last day
/// of a suppression has passed.
pub(super) fn apply(files: &[File], diagnostics: &mut Vec<Diagnostic>) -> Vec<Dated> {
    // Errors can hide warnings, so unused suppressions are reported only if there are no errors.
    let sound = !diagnostics.iter().any(Diagnostic::is_error);
    let mut warnings: HashMap<Arc<str>, Vec<(&str, usize, usize)>> = HashMap::new();
    for (index, diagnostic) in diagnostics.iter().enumerate().filter(|(_, d)| !d.is_error()) {
        let start = diagnostic.span().range().start;
        warnings.entry(Arc::clone(diagnostic.file())).or_default().push((diagnostic.code.id, start, index));
    }
    warnings.values_mut().for_each(|warnings| warnings.sort_unstable());
    // For each diagnostic, whether it is suppressed, and by which suppression with a last day.
    let mut suppressed: Vec<(bool, Option<usize>)> = vec![(false, None); diagnostics.len()];
    let mut dated: Vec<Dated> = vec![];
    for file in files.iter().filter(|file| mentions_checker(&file.source.text)) {
        let warnings = warnings.get(&file.source.name).map(Vec::as_slice).unwrap_or_default();
        // For each warning, the first one from it on that is not suppressed, as far as known.
        let mut left: Vec<usize> = (0..=warnings.len()).collect();
        let tokens: Vec<_> = file.parse.tree().descendants_with_tokens().filter_map(|e| e.into_token()).collect();
        // For each comment, the next token that is not trivia. One pass, so that runs of comments take linear time.
        let mut behind: Option<&SyntaxToken> = None;
        let mut behind_comments = vec![];
        for token in tokens.iter().rev() {
            match token.kind() {
                SyntaxKind::Comment => behind_comments.push(behind),
                kind if kind.is_trivia() => {}
                _ => behind = Some(token),
            }
        }
        let mut before: Option<&SyntaxToken> = None;
        for token in &tokens {
            if token.kind() != SyntaxKind::Comment {
                before = if token.kind().is_trivia() { before } else { Some(token) };
                continue;
            }
            let behind = behind_comments.pop().flatten();
            let Some(comment) = read(token.text()) else { continue };
            let report = |code, message: String, help: &str| {
                Diagnostic::new(code, file.source.span(range(token)), message).with_help(help)
            };
            for problem in comment.problems {
                let help = "write `# twite: allow TW0402 because …` with a reason, above the item, clause or action; \
                            `until 2027-03-31` before `because` gives it a last day";
                diagnostics.push(report(&codes::TW0492, problem, help));
            }
            let span = covered(&file.source.text, token, before, behind);
            let by = comment.until.map(|until| {
                dated.push(Dated { until, then: vec![expired(until, file.source.span(range(token)))] });
                dated.len() - 1
            });
            for code in comment.codes {
                let from = warnings.partition_point(|(id, start, _)| (*id, *start) < (code.id, span.start));
                let to = warnings.partition_point(|(id, start, _)| (*id, *start) < (code.id, span.end));
                let mut at = first_left(&mut left, from);
                if at >= to && sound {
                    let message = match from < to {
                        true => format!("unused suppression: {} is already suppressed here", code.id),
                        false => format!("unused suppression: {} does not occur here", code.id),
                    };
                    diagnostics.push(report(&codes::TW0491, message, "delete the comment"));
                }
                while at < to {
                    if let (Some((_, _, index)), Some(next)) = (warnings.get(at), left.get_mut(at)) {
                        suppressed.get_mut(*index).into_iter().for_each(|suppressed| *suppressed = (true, by));
                        *next = at + 1;
                    }
                    at = first_left(&mut left, at + 1);
                }
            }
        }
    }
    // The diagnostics added above come after the flagged ones, and are kept.
    let mut suppressed = suppressed.into_iter();
    diagnostics.retain(|diagnostic| {
        let (is_suppressed, by) = suppressed.next().unwrap_or_default();
        if let Some(by) = by.and_then(|by| dated.get_mut(by)) {
            by.then.push(diagnostic.clone());
        }
        !is_suppressed
    });
    dated
}

/// Follows `left` from an index to the first one that refers to itself, and shortens the way.
fn first_left(left: &mut [usize], from: usize) -> usize {
    let next = |left: &[usize], at: usize| left.get(at).copied().unwrap_or(at);
    let mut first = from;
    while next(left, first) != first {
        first = next(left, first);
    }
    let mut at = from;
    while at != first {
        at = left.get_mut(at).map_or(first, |next| std::mem::replace(next, first));
    }
    first
}

/// Whether a text can contain a suppression: a quick check.
fn mentions_checker(text: &str) -> bool {
    text.contains("TW0") || text.as_bytes().windows(5).any(|word| word.eq_ignore_ascii_case(b"twite"))
}

/// Whether a comment is meant as a suppression.
pub(crate) fn is_suppression(comment: &str) -> bool {
    read(comment).is_some()
}

/// Parses a comment; `None` if it is not meant as a suppression.
fn read(comment: &str) -> Option<Comment> {
    let text = comment.trim_start_matches('#').trim();
    let order = text.strip_prefix("twite:").map(str::trim_start).and_then(|order| order.strip_prefix("allow"));
    let order = order.filter(|order| order.is_empty() || order.starts_with(char::is_whitespace));
    let Some(order) = order.filter(|_| !comment.starts_with("##")) else {
        let problem = "malformed suppression: it must start with `# twite: allow`".to_owned();
        return is_meant(text).then(|| Comment { problems: vec![problem], ..Comment::default() });
    };
    let mut read = Comment::default();
    let because = order.split_once("because");
    let (ids, reason) = because.or_else(|| order.split_once(':')).unwrap_or((order, ""));
    let (ids, until) = match ids.split_once("until ") {
        Some((ids, until)) => (ids, Some(until.trim())),
        None => (ids, None),
    };
    read.until = until.and_then(|until| day(until).ok());
    if until.is_some() && read.until.is_none() {
        read.problems.push("no day after `until` in a suppression: write it as `until 2027-03-31`".to_owned());
    }
    for id in ids.split([',', ' ', '\t', ':']).filter(|id| !id.is_empty()) {
        match codes::find(id) {
            Some(code) if code.severity != Severity::Error => read.codes.push(code),
            Some(code) => read.problems.push(format!("cannot suppress {}: it is an error", code.id)),
            None => {
                let known = nearest(id, codes::all().iter().map(|c| c.id));
                read.problems.push(format!("unknown code `{id}`{}", did_you_mean(known)));
            }
        }
    }
    if read.codes.is_empty() && read.problems.is_empty() {
        read.problems.push("missing code in a suppression".to_owned());
    }
    if reason.trim().is_empty() {
        read.problems.push("missing reason in a suppression".to_owned());
        read.codes.clear();
    } else if because.is_none() {
        read.problems.push("malformed suppression: write `because` before the reason".to_owned());
        read.codes.clear();
    }
    if until.is_some() && read.until.is_none() {
        read.codes.clear();
    }
    Some(read)
}

/// Whether a comment is a malformed suppression, as opposed to prose about Twite.
fn is_meant(text: &str) -> bool {
    const VERBS: &[&str] = &["allow", "disable", "expect", "ignore", "noqa", "silence", "suppress"];
    let lower = text.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_code = |word: &str| word.strip_prefix("tw").is_some_and(|n| n.len() == 4 && n.parse::<u16>().is_ok());
    let names_code = [first, second].into_iter().chain(words).any(is_code);
    let order = lower.strip_prefix("twite").is_some_and(|rest| rest.trim_start().starts_with([':', '-', '=']));
    match first {
        "twite" => names_code || (order && VERBS.contains(&second)),
        first => names_code && VERBS.contains(&first),
    }
}

/// The byte range that a suppression comment covers.
fn covered(
    text: &str,
    comment: &SyntaxToken,
    before: Option<&SyntaxToken>,
    behind: Option<&SyntaxToken>,
) -> Range<usize> {
    let start = range(comment).start;
    let line = text.get(..start).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
    if let Some(before) = before.filter(|_| !line.trim().is_empty()) {
        return unit(before).map(|unit| unit.span()).unwrap_or_default();
    }
    let Some(next) = behind.filter(|next| next.kind() != SyntaxKind::CloseBrace) else { return start..start };
    // A warning about the whole file is at offset 0, so a suppression above the first item covers it.
    let start = if before.is_some() { start } else { 0 };
    let starts_with_next = |node: &SyntaxNode| node.text_range().start() == next.text_range().start();
    let unit = unit(next);
    let inside = next.parent_ancestors().take_while(|node| Some(node) != unit.as_ref());
    let end = match (&unit, inside.filter(&starts_with_next).last()) {
        (Some(unit), _) if starts_with_next(unit) => unit.span().end,
        (_, Some(node)) => node.span().end,
        // A value covers only itself; a keyword, an operator or a comma also covers what follows it.
        _ => {
            let mut last = SyntaxElement::Token(next.clone());
            while !is_value(last.kind())
                && let Some(after) =
                    std::iter::successors(last.next_sibling_or_token(), SyntaxElement::next_sibling_or_token)
                        .find(|element| !element.kind().is_trivia())
            {
                last = after;
                if last.as_node().is_some() {
                    break;
                }
            }
            last.text_range().end().into()
        }
    };
    start..end
}

/// The innermost item, clause, action, fact or message part that contains a token: the units on lines of their own.
fn unit(token: &SyntaxToken) -> Option<SyntaxNode> {
    token.parent_ancestors().find(|node| {
        node.kind() != SyntaxKind::Close
            && node.parent().is_some_and(|parent| {
                matches!(parent.kind(), SyntaxKind::File | SyntaxKind::ThenClause)
                    || parent.token(SyntaxKind::OpenBrace).is_some()
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suppression_is_told_from_a_sentence() {
        // The suppressed codes and the number of problems; `None` if the comment is not a suppression.
        let cases = [
            ("# twite: allow TW0402 because they want it", Some(("TW0402", 0))),
            ("#twite:allow tw0402, TW0403 because x", Some(("TW0402, TW0403", 0))),
            // An unknown code does not invalidate the others.
            ("# twite: allow TW0402 TW9999 because x", Some(("TW0402", 1))),
            ("# twite: allow TW0101 because x", Some(("", 1))),
            ("# twite: allow because x", Some(("", 1))),
            ("# twite: allow", Some(("", 2))),
            ("# twite: allow TW0402", Some(("", 1))),
            ("# twite: allow TW0402: they want it", Some(("", 1))),
            ("# twite: allow TW0402: because they want it", Some(("TW0402", 0))),
            ("# twite: allow TW0402:", Some(("", 1))),
            ("# Twite: allow TW0402 because x", Some(("", 1))),
            ("# TWITE: ALLOW TW0402 because x", Some(("", 1))),
            ("# twite allow TW0402 because x", Some(("", 1))),
            ("# twite: alow TW0402 because x", Some(("", 1))),
            ("# twite:ignore", Some(("", 1))),
            ("# twite-ignore TW0402", Some(("", 1))),
            ("# noqa: TW0402", Some(("", 1))),
            ("## twite: allow TW0402 because x", Some(("", 1))),
            ("# twite: this file holds the rules for people", None),
            ("# twite: allows nobody in", None),
            ("# Twite allows any name here", None),
            ("# see TW0402", None),
            ("# allow refunds", None),
            ("# twite: allow TW0402 until 2027-03-31 because x", Some(("TW0402", 0))),
            ("# twite: allow TW0402, TW0403 until 2027-03-31 because we wait until then", Some(("TW0402, TW0403", 0))),
            ("# twite: allow TW0402 because we wait until spring", Some(("TW0402", 0))),
            ("# twite: allow TW0402 until spring because x", Some(("", 1))),
            ("# twite: allow TW0402 until 2027-02-30 because x", Some(("", 1))),
            ("# twite: allow until 2027-03-31 because x", Some(("", 1))),
            ("#", None),
        ];
        for (comment, expected) in cases {
            let read = read(comment)
                .map(|read| (read.codes.iter().map(|c| c.id).collect::<Vec<_>>().join(", "), read.problems.len()));
            assert_eq!(read, expected.map(|(codes, wrong)| (codes.to_owned(), wrong)), "{comment}");
        }
    }
}
