//! Checks caps: `at most 5 times per account per hour`.

use jiff::SignedDuration;

use super::{
    Checker,
    value::{shortened, written},
};
use crate::{
    desk::Per,
    lang::{
        ast::{self, AstNode, span_of},
        codes,
        diagnostic::Diagnostic,
        foreign::digits,
        rules::{Cap, Duration, MAX_CAPS, MAX_TIMES},
        suggest::{did_you_mean, nearest},
        syntax::{SyntaxElement, SyntaxKind},
    },
};

/// The words after `per` for whose firings are counted.
const SCOPES: [(&str, Per); 3] = [("ticket", Per::Ticket), ("requester", Per::Requester), ("account", Per::Account)];
/// The words after `per` for a period of one unit, with its seconds.
const UNITS: [(&str, i64); 5] = [("second", 1), ("minute", 60), ("hour", 3_600), ("day", 86_400), ("week", 604_800)];
const MONTH: &str = "month";
const EXPECTED: &str =
    "write `per ticket`, `per requester` or `per account`, and a period such as `per hour` or `per 30 days`";

/// What a `per` of a cap says.
enum Part {
    Scope(Per),
    Period(SignedDuration),
}

impl Checker<'_, '_> {
    /// Checks the caps of a rule. One with an error is left out.
    pub(super) fn caps(&mut self, clauses: impl Iterator<Item = ast::CapClause>) -> Vec<Cap> {
        let mut caps: Vec<Cap> = vec![];
        for (index, clause) in clauses.enumerate() {
            if index == MAX_CAPS {
                let message = format!("more than {MAX_CAPS} caps in a rule");
                self.error(&codes::TW0116, clause.span(), message);
                break;
            }
            let Some(cap) = self.cap(&clause) else { continue };
            if caps.iter().any(|other| (other.per, other.period) == (cap.per, cap.period)) {
                let error = Diagnostic::new(&codes::TW0115, clause.span(), "duplicate `at most` for the same firings");
                self.report(error.with_help("keep the lower one"));
            }
            caps.push(cap);
        }
        caps
    }

    fn cap(&mut self, clause: &ast::CapClause) -> Option<Cap> {
        let times = self.times(clause);
        let (mut per, mut period) = (None, None);
        let mut whole = true;
        for part in clause.parts() {
            let Some(value) = part.value() else { continue };
            if part.every() {
                let start = part.span().start;
                let error = Diagnostic::new(&codes::TW0106, part.span(), "`every` is written `per` in a cap");
                self.report(error.with_fix(start..start + "every".len(), "per"));
            }
            let repeated = match self.part(&value) {
                Some(Part::Scope(scope)) => per.replace(scope).is_some(),
                Some(Part::Period(length)) => period.replace(length).is_some(),
                None => {
                    whole = false;
                    continue;
                }
            };
            if repeated {
                let error = Diagnostic::new(&codes::TW0115, part.span(), "duplicate `per`");
                self.report(error.with_help(EXPECTED));
                whole = false;
            }
        }
        if clause.parts().next().is_none() && !clause.is_broken() {
            let error = Diagnostic::new(&codes::TW0115, clause.span(), "missing `per` in a cap");
            self.report(match clause.once() || clause.times() {
                true => error.with_help(EXPECTED),
                false => error.with_help(format!("{EXPECTED}; to compare a number, write `<=`")),
            });
            whole = false;
        }
        Some(Cap { times: times.filter(|_| whole)?, per: per.unwrap_or(Per::All), period })
    }

    fn times(&mut self, clause: &ast::CapClause) -> Option<u32> {
        if clause.once() {
            return Some(1);
        }
        let value = clause.count()?;
        let number = match value.as_token() {
            Some(token) if token.kind() == SyntaxKind::Number => self.whole(token)?,
            _ => {
                let error = Diagnostic::new(&codes::TW0302, span_of(&value), "expected how often");
                let error = error.with_help("write `at most once per …` or `at most 5 times per …`");
                self.report(match digits(&written(&value)) {
                    Some(digits) => error.with_guess(span_of(&value), digits),
                    None => error,
                });
                return None;
            }
        };
        let times = u32::try_from(number).ok().filter(|times| (1..=MAX_TIMES).contains(times));
        if times.is_none() {
            let message = format!("number out of range: a rule fires at most 1 to {MAX_TIMES} times");
            let error = Diagnostic::new(&codes::TW0116, span_of(&value), message);
            self.report(match number {
                0 => error.with_help("a rule that must not fire is `disabled`"),
                _ => error,
            });
            return None;
        }
        let end = span_of(&value).end;
        if times == Some(1) {
            let written = clause.syntax().children_with_tokens().find(|e| e.to_string() == "times");
            let span = span_of(&value).start..written.map_or(end, |times| span_of(&times).end);
            let error = Diagnostic::new(&codes::TW0106, span.clone(), "`1 times` is written `once`");
            self.report(error.with_fix(span, "once"));
        } else if !clause.times() && clause.parts().next().is_some() {
            let error = Diagnostic::new(&codes::TW0115, span_of(&value), "missing `times` after the number");
            self.report(error.with_fix(end..end, " times"));
        }
        times
    }

    /// Checks what follows a `per`.
    fn part(&mut self, value: &SyntaxElement) -> Option<Part> {
        let text = written(value);
        if value.kind() == SyntaxKind::Path {
            if let Some((_, per)) = SCOPES.iter().find(|(word, _)| *word == text) {
                return Some(Part::Scope(*per));
            }
            if let Some((_, seconds)) = UNITS.iter().find(|(word, _)| *word == text) {
                return Some(Part::Period(SignedDuration::from_secs(*seconds)));
            }
            if text == MONTH {
                let error = Diagnostic::new(&codes::TW0302, span_of(value), "a month has no fixed length");
                self.report(error.with_help("write `per 30 days`").with_guess(span_of(value), "30 days"));
                return None;
            }
            let units = UNITS.iter().map(|(word, _)| *word).chain([MONTH]);
            let suggestion = nearest(&text, SCOPES.iter().map(|(word, _)| *word).chain(units));
            let message = format!("unknown word `{}` after `per`{}", shortened(&text), did_you_mean(suggestion));
            let error = Diagnostic::new(&codes::TW0204, span_of(value), message).with_help(EXPECTED);
            self.report(match suggestion {
                Some(meant) => error.with_guess(span_of(value), meant),
                None => error,
            });
            return None;
        }
        match self.delay(value)? {
            Duration::Clock(length) => Some(Part::Period(length)),
            _ => {
                let error = Diagnostic::new(&codes::TW0302, span_of(value), "a cap does not count business time");
                self.report(error.with_help("write a period such as `per 8 hours` or `per day`"));
                None
            }
        }
    }
}
